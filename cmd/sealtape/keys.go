package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/urfave/cli/v2"
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
	return &cli.Command{
		Name:  "keys",
		Usage: "your keys, and the cards of the people you trust",
		Description: `Your identity signs what you record and opens what was sealed to you. Your card
is its public half: a file for the others. A card counts once it is pinned with
"keys add", after you compared its fingerprint, eight words, with its owner.`,
		Subcommands: []*cli.Command{
			{
				Name:      "init",
				Usage:     "make your identity",
				ArgsUsage: "--name NAME",
				Description: `The identity is kept in SEALTAPE_HOME, under a passphrase that is asked for
(SEALTAPE_PASSPHRASE answers). identity.age is a file that age itself reads.`,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "name", Usage: "the `NAME` on your card"},
					&cli.BoolFlag{Name: "no-passphrase", Usage: "keep the identity in the clear, for a machine that must start alone"},
				},
				Action: keysInit,
			},
			{Name: "show", Usage: "show your fingerprint and where your keys are", Action: keysShow},
			{
				Name:   "card",
				Usage:  "write your card, to give to others",
				Flags:  []cli.Flag{&cli.StringFlag{Name: "o", Usage: "write to `FILE`, not to standard output"}},
				Action: keysCard,
			},
			{
				Name:      "add",
				Usage:     "pin the card of someone you trust",
				ArgsUsage: "FILE",
				Description: `Shows the card's fingerprint and asks whether its owner confirmed it, by voice or
in person. A card that came with an untrusted message proves nothing by itself.`,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "fingerprint", Usage: "pin only if the fingerprint is these `WORDS`"},
					&cli.BoolFlag{Name: "yes", Usage: "pin without asking"},
				},
				Action: keysAdd,
			},
			{Name: "list", Usage: "list the pinned cards", Action: keysList},
			{Name: "remove", Usage: "unpin a card", ArgsUsage: "NAME", Action: keysRemove},
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
	id, err := h.Init(name, pass)
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
	protection := "none; who can read the folder can use the keys"
	if h.HasPassphrase() {
		protection = "passphrase"
	}
	return e.table([][]string{
		{"name:", clean(card.Name)},
		{"fingerprint:", card.Fingerprint().String()},
		{"keys:", keyKind(card)},
		{"created:", day(card.Created)},
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
	out := c.String("o")
	if out == "" || out == "-" {
		e.printf("%s", b)
		return nil
	}
	// A card is public and can be made again, but nothing else is overwritten.
	if old, err := os.ReadFile(out); err == nil && bytes.Equal(old, b) {
		return nil
	}
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return hinted(fmt.Errorf("%s exists already and is not your card", out), "choose another name, or remove it")
	}
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return errors.Join(err, os.Remove(out))
	}
	e.notef("Your card is in %s. Read these words to whoever gets it: %s", out, card.Fingerprint())
	return nil
}

func keysAdd(c *cli.Context) error {
	e := envOf(c)
	args, err := arguments(c, "the FILE of a card")
	if err != nil {
		return err
	}
	if c.IsSet("fingerprint") && c.Bool("yes") {
		return usagef(c, "--fingerprint and --yes exclude each other")
	}
	card, err := e.readCard(args[0])
	if err != nil {
		return err
	}
	h, err := e.openHome()
	if err != nil {
		return err
	}
	name, words := clean(card.Name), card.Fingerprint()
	if own, err := h.OwnCard(); err == nil && own.Key == card.Key {
		e.notef("This is your own card. It counts as pinned.")
		return nil
	}
	// A name that is taken is told before anyone compares words.
	if _, err := h.CanAdd(card); err != nil {
		return err
	}
	switch {
	case c.Bool("yes"):
	case c.IsSet("fingerprint"):
		want, err := keys.ParseFingerprint(c.String("fingerprint"))
		if err != nil {
			return usagef(c, "--fingerprint: %w", err)
		}
		if !words.Equal(want) {
			return exitWith(exitUnverified, hinted(fmt.Errorf("the card of %s has another fingerprint: %s", name, words),
				"this is not the card that was meant; do not use it, and ask its owner"))
		}
	default:
		yes, err := e.confirm(c.Context, fmt.Sprintf(
			"The card says it is of %s, and its fingerprint is\n\n    %s\n\nDid %s read these words to you?", name, words, name))
		if errors.Is(err, errNoTerminal) {
			return hinted(fmt.Errorf("the fingerprint must be confirmed and %w; it is %s", err, words),
				`compare it with its owner, then give it: --fingerprint "WORDS"`)
		}
		if err != nil {
			return err
		}
		if !yes {
			return hinted(fmt.Errorf("the card of %s was not pinned", name), "ask its owner to read the fingerprint to you: sealtape keys show")
		}
	}
	if err := h.Add(card); err != nil {
		return err
	}
	e.printf("pinned %s %s\n", name, words)
	if !card.PostQuantum() {
		e.warnf("the keys of %s are classic: what is sealed to them is not post-quantum", name)
	}
	return nil
}

// readCard reads a card from a file, or from standard input for "-".
func (e *env) readCard(name string) (keys.Card, error) {
	var r io.Reader = e.stdin
	if name != "-" {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return keys.Card{}, hinted(err, "FILE is what its owner wrote with sealtape keys card -o FILE")
		}
		if err != nil {
			return keys.Card{}, err
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, keys.MaxCard+1))
	if err != nil {
		return keys.Card{}, err
	}
	card, err := keys.ParseCard(b)
	if err != nil {
		return keys.Card{}, fmt.Errorf("%s: %w", name, err)
	}
	return card, nil
}

func keysList(c *cli.Context) error {
	e := envOf(c)
	if _, err := arguments(c); err != nil {
		return err
	}
	h, err := e.openHome()
	if err != nil {
		return err
	}
	members, err := h.Members()
	if err != nil {
		return err
	}
	rows := [][]string{{"NAME", "FINGERPRINT", "KEYS", "CREATED"}}
	row := func(c keys.Card, name string) {
		rows = append(rows, []string{name, c.Fingerprint().String(), keyKind(c), day(c.Created)})
	}
	if own, err := h.OwnCard(); err == nil {
		row(own, clean(own.Name)+" (you)")
	} else if !errors.Is(err, keys.ErrNoIdentity) {
		return err
	}
	for _, m := range members {
		row(m, clean(m.Name))
	}
	if len(rows) == 1 {
		e.notef("No cards yet. sealtape keys init --name NAME makes yours, sealtape keys add FILE pins another's.")
		return nil
	}
	return e.table(rows)
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
	card, err := h.Member(args[0])
	if err != nil {
		return err
	}
	if own, err := h.OwnCard(); err == nil && own.Key == card.Key {
		return hinted(errors.New("this is your own card, which cannot be unpinned"),
			"your identity lies in "+h.Dir()+"; moving that folder away is yours to do")
	}
	if err := h.Remove(args[0], ""); err != nil {
		return err
	}
	e.printf("removed %s\n", clean(card.Name))
	e.notef("Recordings made so far stay readable to them.")
	return nil
}

// keyKind says how strong the recipients of a card are.
func keyKind(c keys.Card) string {
	if c.PostQuantum() {
		return "post-quantum"
	}
	return "classic"
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
