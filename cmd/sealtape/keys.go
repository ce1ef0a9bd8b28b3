package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/keys"
)

// openHome opens the folder of keys, spool and memory: SEALTAPE_HOME, or
// sealtape in the system's folder for configuration.
func (e *env) openHome() (*keys.Home, error) {
	dir := os.Getenv("SEALTAPE_HOME")
	if dir == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return nil, hinted(fmt.Errorf("no folder for your keys: %w", err), "set SEALTAPE_HOME to a folder of yours")
		}
		dir = filepath.Join(config, "sealtape")
	}
	h, err := keys.OpenHome(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of your keys: %w", err)
	}
	return h, nil
}

// loadIdentity loads the identity in h and asks for the passphrase if need be.
func (e *env) loadIdentity(ctx context.Context, h *keys.Home) (*keys.Identity, error) {
	return h.Load(func() ([]byte, error) { return e.passphrase(ctx, false) })
}

func keysCommand() *cli.Command {
	expires := &cli.StringFlag{Name: "expires", Usage: "the card stops counting after `TIME`: 90d, 2y or a date"}
	output := &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`, not to standard output"}
	return &cli.Command{
		Name:  "keys",
		Usage: "your keys, and the cards of the people you trust",
		Description: `Your identity opens what was sealed to you, and a recorder's signs what it
records. Your card is its public half: a file for the others. A card counts once it is pinned with
"keys add", after you compared its fingerprint, eight words (88 bits), with its
owner.`,
		Subcommands: []*cli.Command{
			{
				Name:      "init",
				Usage:     "make your identity",
				ArgsUsage: "--name NAME",
				Description: `The identity is kept in SEALTAPE_HOME, under a passphrase that is asked for
(SEALTAPE_PASSPHRASE answers). identity.age is a file that age itself reads.`,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "name", Usage: "the `NAME` on your card"},
					&cli.StringFlag{Name: "device", Usage: "what tells this identity from your others: phone, laptop"},
					&cli.BoolFlag{Name: "recorder", Usage: "make it a recorder's: only a recorder's key signs recordings, and it reads and attends like any other"},
					expires,
					&cli.BoolFlag{Name: "no-passphrase", Usage: "keep the identity in the clear, for a machine that must start alone"},
				},
				Action: keysInit,
			},
			{Name: "show", Usage: "show your fingerprint and where your keys are", Action: keysShow},
			{
				Name:   "card",
				Usage:  "write your card, to give to others",
				Flags:  []cli.Flag{output},
				Action: keysCard,
			},
			{
				Name:      "add",
				Usage:     "pin the card of someone you trust, or take a revocation",
				ArgsUsage: "FILE",
				Description: `Shows the card's fingerprint and asks whether its owner confirmed it, by voice or
in person. A card that came with an untrusted message proves nothing by itself.

A card that a pinned card of the same name approved, for another device or in
its own place, is pinned without asking. A recorder's card takes --recorder: what
its key signs counts as a recording then. Another card under a name that is
pinned is refused: someone made new keys, or pretends to be them.`,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "fingerprint", Usage: "pin only if the fingerprint is these `WORDS`"},
					&cli.BoolFlag{Name: "recorder", Usage: "the card is a recorder's: believe what its key records"},
					&cli.BoolFlag{Name: "yes", Usage: "pin without asking"},
				},
				Action: keysAdd,
			},
			{Name: "list", Usage: "list the pinned cards", Action: keysList, Flags: []cli.Flag{jsonFlag()}},
			{
				Name: "remove", Usage: "unpin a card", ArgsUsage: "NAME", Action: keysRemove,
				Flags: []cli.Flag{&cli.StringFlag{Name: "device", Usage: "unpin only the card of this device"}},
			},
			{
				Name: "approve", Usage: "approve the card of another device of yours", ArgsUsage: "CARD -o FILE", Action: keysApprove,
				Description: `Signs a card of your own name with the key on this machine. Who has pinned your
card then takes the other one without comparing words, and seals to both.`,
				Flags: []cli.Flag{output,
					&cli.StringFlag{Name: "fingerprint", Usage: "approve only if the fingerprint is these `WORDS`"},
					&cli.BoolFlag{Name: "yes", Usage: "approve without asking"}},
			},
			{
				Name: "rotate", Usage: "make new keys in place of yours, approved by the old ones", Action: keysRotate,
				Description: `What was sealed to you still opens. Give the new card to the others: who has
pinned the old one takes it without comparing words.`,
				Flags: []cli.Flag{expires},
			},
			{
				Name: "renew", Usage: "make another card of the same keys, with another end", Action: keysRenew,
				Flags: []cli.Flag{expires},
			},
			{
				Name: "revoke", Usage: "take back a card of yours", ArgsUsage: "[CARD] -o FILE", Action: keysRevoke,
				Description: `Writes a revocation of your own key, or of the card of another device of yours,
for everyone who has pinned it: they take it with "keys add". It cannot be
undone. Make one of your own key in time, and keep it where a thief of this
machine does not find it.`,
				Flags: []cli.Flag{output, &cli.StringFlag{Name: "reason", Usage: "why, for people, one `LINE`"}},
			},
			{
				Name: "export", Usage: "write your identity to one file under a passphrase", Action: keysExport,
				Description: "For another machine, or as a copy to keep. age reads it as an identity file.",
				Flags:       []cli.Flag{output},
			},
			{
				Name: "import", Usage: "take an identity that was exported, here or by a web page", ArgsUsage: "FILE", Action: keysImport,
				Flags: []cli.Flag{&cli.BoolFlag{Name: "no-passphrase", Usage: "keep it in the clear, for a machine that must start alone"}},
			},
		},
	}
}

func keysInit(c *cli.Context) error {
	e := envOf(c)
	if _, err := arguments(c); err != nil {
		return err
	}
	name := c.String("name")
	if name == "" {
		return usagef(c, "your card needs a name: --name NAME")
	}
	expires, err := expiry(c)
	if err != nil {
		return err
	}
	h, err := e.openHome()
	if err != nil {
		return err
	}
	// Say so before asking for a passphrase.
	if card, err := h.OwnCard(); err == nil {
		return fmt.Errorf("%w: %s in %s", keys.ErrIdentityExists, clean(card.Name), h.Dir())
	} else if !errors.Is(err, keys.ErrNoIdentity) {
		return err
	}
	var pass []byte
	if !c.Bool("no-passphrase") {
		if pass, err = e.passphrase(c.Context, true); errors.Is(err, errNoTerminal) {
			return hinted(err, "set "+passphraseVar+", or keep the identity in the clear with --no-passphrase")
		} else if err != nil {
			return err
		}
	}
	role := keys.Member
	if c.Bool("recorder") {
		role = keys.Recorder
	}
	id, err := h.InitAs(keys.Description{Name: name, Device: c.String("device"), Role: role, Expires: expires}, pass)
	if err != nil {
		return err
	}
	card, err := id.Card()
	if err != nil {
		return err
	}
	e.printf("identity of %s made in %s\n", clean(id.Name()), h.Dir())
	e.printf("fingerprint: %s\n", card.Fingerprint())
	e.notef("\nKeep a copy of that folder: who loses the identity loses the recordings.")
	if pass == nil {
		e.notef("The identity has no passphrase: who can read the folder can read the recordings.")
	}
	e.notef("Next: sealtape keys card -o FILE, and give that file to the others.")
	return nil
}

func keysShow(c *cli.Context) error {
	e := envOf(c)
	if _, err := arguments(c); err != nil {
		return err
	}
	h, err := e.openHome()
	if err != nil {
		return err
	}
	card, err := h.OwnCard()
	if err != nil {
		return err
	}
	pins, err := h.Pins()
	if err != nil {
		return err
	}
	protection := "none; who can read the folder can use the keys"
	if h.HasPassphrase() {
		protection = "passphrase"
	}
	return e.table([][]string{
		{"name:", clean(card.Label())},
		{"fingerprint:", card.Fingerprint().String()},
		{"role:", card.Role.String()},
		{"keys:", keyKind(card)},
		{"created:", day(card.Created)},
		{"expires:", expiryText(card)},
		{"state:", pinState(pins[0])},
		{"protection:", protection},
		{"signs as:", card.Verifier().Name()},
		{"folder:", h.Dir()},
	})
}

func keysCard(c *cli.Context) error {
	e := envOf(c)
	if _, err := arguments(c); err != nil {
		return err
	}
	h, err := e.openHome()
	if err != nil {
		return err
	}
	card, err := h.OwnCard()
	if err != nil {
		return err
	}
	b, err := card.Marshal()
	if err != nil {
		return err
	}
	written, err := e.writePublic(c, b)
	if err != nil {
		return err
	}
	e.warnOwn(h)
	if !written {
		return nil
	}
	e.notef("Your card is in %s. Read these words to whoever gets it: %s", c.String("output"), card.Fingerprint())
	return nil
}

// writePublic writes something public to the file of --output, or to standard
// output without one, and reports whether a file was made. A file with the same
// content may be there; nothing else is overwritten.
func (e *env) writePublic(c *cli.Context, b []byte) (written bool, err error) {
	return e.writeOutput(c, b, 0o644)
}

// writeSecret does the same for its owner's eyes only.
func (e *env) writeSecret(c *cli.Context, b []byte) (written bool, err error) {
	return e.writeOutput(c, b, 0o600)
}

func (e *env) writeOutput(c *cli.Context, b []byte, mode fs.FileMode) (written bool, err error) {
	out := c.String("output")
	if out == "" || out == "-" {
		e.printf("%s", b)
		return false, nil
	}
	if old, err := os.ReadFile(out); err == nil && bytes.Equal(old, b) {
		return false, nil
	}
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return false, hinted(fmt.Errorf("%s exists already and is something else", out), "choose another name, or remove it")
	}
	if err != nil {
		return false, err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err != nil {
		return false, errors.Join(err, os.Remove(out))
	}
	return true, nil
}

func keysRemove(c *cli.Context) error {
	e := envOf(c)
	args, err := arguments(c, "a NAME")
	if err != nil {
		return err
	}
	h, err := e.openHome()
	if err != nil {
		return err
	}
	name := args[0]
	if pins, err := h.Pins(); err == nil {
		for _, p := range pins {
			if !p.Own && keys.SameName(p.Name, name) {
				name = p.Name
			}
		}
	}
	if err := h.Remove(name, c.String("device")); err != nil {
		if own, oerr := h.OwnCard(); oerr == nil && errors.Is(err, keys.ErrNoMember) && keys.SameName(own.Name, args[0]) {
			return hinted(errors.New("this is your own card, which cannot be unpinned"),
				"your identity lies in "+h.Dir()+"; moving that folder away is yours to do")
		}
		return err
	}
	e.printf("removed %s\n", clean(name))
	e.notef("Recordings made so far stay readable to them. To tell others that a key of yours is lost: sealtape keys revoke.")
	return nil
}

func expiryText(c keys.Card) string {
	if c.Expires.IsZero() {
		return "never"
	}
	return day(c.Expires)
}

// keyKind says how strong the recipients of a card are.
func keyKind(c keys.Card) string {
	if c.PostQuantum() {
		return "post-quantum"
	}
	return "classic"
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
