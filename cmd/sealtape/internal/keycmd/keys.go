package keycmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

// Command returns sealtape keys.
func Command() *cli.Command {
	var (
		initial initOptions
		show    showOptions
		card    cardOptions
		add     addOptions
		list    listOptions
		remove  removeOptions
		approve approveOptions
		rotate  rotateOptions
		renew   renewOptions
		revoke  revokeOptions
		export  exportOptions
		imports importOptions
	)
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
					&cli.StringFlag{Name: "name", Destination: &initial.name, Usage: "the `NAME` on your card"},
					&cli.StringFlag{Name: "device", Destination: &initial.device, Usage: "what tells this identity from your others: phone, laptop"},
					&cli.BoolFlag{Name: "recorder", Destination: &initial.recorder, Usage: "make it a recorder's: only a recorder's key signs recordings, and it reads and attends like any other"},
					initial.expiryFlag(),
					&cli.BoolFlag{Name: "no-passphrase", Destination: &initial.noPassphrase, Usage: "keep the identity in the clear, for a machine that must start alone"},
				},
				Action: flags.Action(&initial, access.WithHome(runInit)),
			},
			{Name: "show", Usage: "show your fingerprint and where your keys are", Action: flags.Action(&show, access.WithHome(runShow))},
			{
				Name:   "card",
				Usage:  "write your card, to give to others",
				Flags:  []cli.Flag{card.outputFlag()},
				Action: flags.Action(&card, access.WithHome(runCard)),
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
					add.fingerprintFlag("pin"),
					&cli.BoolFlag{Name: "recorder", Destination: &add.recorder, Usage: "the card is a recorder's: believe what its key records"},
					add.yesFlag("pin"),
				},
				Action: flags.Action(&add, runAdd, flags.Argument{Name: "the FILE of a card", To: &add.file}),
			},
			{Name: "list", Usage: "list the pinned cards", Action: flags.Action(&list, access.WithHome(runList)), Flags: []cli.Flag{list.JSONFlag()}},
			{
				Name: "remove", Usage: "unpin a card", ArgsUsage: "NAME",
				Action: flags.Action(&remove, access.WithHome(runRemove), flags.Argument{Name: "a NAME", To: &remove.name}),
				Flags:  []cli.Flag{&cli.StringFlag{Name: "device", Destination: &remove.device, Usage: "unpin only the card of this device"}},
			},
			{
				Name: "approve", Usage: "approve the card of another device of yours", ArgsUsage: "CARD -o FILE",
				Action: flags.Action(&approve, runApprove, flags.Argument{Name: "the CARD of your other device", To: &approve.file}),
				Description: `Signs a card of your own name with the key on this machine. Who has pinned your
card then takes the other one without comparing words, and seals to both.`,
				Flags: []cli.Flag{approve.outputFlag(), approve.fingerprintFlag("approve"), approve.yesFlag("approve")},
			},
			{
				Name: "rotate", Usage: "make new keys in place of yours, approved by the old ones", Action: flags.Action(&rotate, access.WithHome(runRotate)),
				Description: `What was sealed to you still opens. Give the new card to the others: who has
pinned the old one takes it without comparing words.`,
				Flags: []cli.Flag{rotate.expiryFlag()},
			},
			{
				Name: "renew", Usage: "make another card of the same keys, with another end", Action: flags.Action(&renew, access.WithHome(runRenew)),
				Flags: []cli.Flag{renew.expiryFlag()},
			},
			{
				Name: "revoke", Usage: "take back a card of yours", ArgsUsage: "[CARD] -o FILE",
				Action: flags.Action(&revoke, access.WithHome(runRevoke), flags.Argument{Name: "CARD", To: &revoke.file, Optional: true}),
				Description: `Writes a revocation of your own key, or of the card of another device of yours,
for everyone who has pinned it: they take it with "keys add". It cannot be
undone. Make one of your own key in time, and keep it where a thief of this
machine does not find it.`,
				Flags: []cli.Flag{revoke.outputFlag(), &cli.StringFlag{Name: "reason", Destination: &revoke.reason, Usage: "why, for people, one `LINE`"}},
			},
			{
				Name: "export", Usage: "write your identity to one file under a passphrase", Action: flags.Action(&export, access.WithHome(runExport)),
				Description: `For another machine, or as a copy to keep. age reads it as an identity file. With it
go your earlier keys, and which of yours were revoked; the cards that you pinned do not.`,
				Flags: []cli.Flag{export.outputFlag()},
			},
			{
				Name: "import", Usage: "take an identity that was exported, here or by a web page", ArgsUsage: "FILE",
				Action: flags.Action(&imports, runImport, flags.Argument{Name: "the FILE of an exported identity", To: &imports.file}),
				Flags:  []cli.Flag{&cli.BoolFlag{Name: "no-passphrase", Destination: &imports.noPassphrase, Usage: "keep it in the clear, for a machine that must start alone"}},
			},
		},
	}
}

type initOptions struct {
	expiryOption
	name, device           string
	recorder, noPassphrase bool
}

func (o *initOptions) Check() error {
	if o.name == "" {
		return ui.Misuse("your card needs a name: --name NAME")
	}
	return o.expiryOption.Check()
}

func runInit(ctx context.Context, e *ui.Env, h *keys.Home, o *initOptions) error {
	// Say so before asking for a passphrase.
	if card, err := h.OwnCard(); err == nil {
		return fmt.Errorf("%w: %s in %s", keys.ErrIdentityExists, ui.Clean(card.Name), h.Dir())
	} else if !errors.Is(err, keys.ErrNoIdentity) {
		return err
	}
	var pass []byte
	if !o.noPassphrase {
		var err error
		if pass, err = e.Passphrase(ctx, true); errors.Is(err, terminal.ErrNone) {
			return ui.Hinted(err, "set "+ui.PassphraseVar+", or keep the identity in the clear with --no-passphrase")
		} else if err != nil {
			return err
		}
	}
	role := keys.Member
	if o.recorder {
		role = keys.Recorder
	}
	id, err := h.InitAs(keys.Description{Name: o.name, Device: o.device, Role: role, Expires: o.end}, pass)
	if err != nil {
		return err
	}
	card, err := id.Card()
	if err != nil {
		return err
	}
	e.Printf("identity of %s made in %s\n", ui.Clean(id.Name()), h.Dir())
	e.Printf("fingerprint: %s\n", card.Fingerprint())
	e.Notef("\nKeep a copy of that folder: who loses the identity loses the recordings.")
	if pass == nil {
		e.Notef("The identity has no passphrase: who can read the folder can read the recordings.")
	}
	e.Notef("Next: sealtape keys card -o FILE, and give that file to the others.")
	return nil
}

type showOptions struct{ flags.Unchecked }

func runShow(_ context.Context, e *ui.Env, h *keys.Home, _ *showOptions) error {
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
	return e.Facts([][]string{
		{"name:", ui.Clean(card.Label())},
		{"fingerprint:", card.Fingerprint().String()},
		{"role:", card.Role.String()},
		{"keys:", keyKind(card)},
		{"created:", ui.Day(card.Created)},
		{"expires:", expiryText(card)},
		{"state:", access.PinState(pins[0])},
		{"protection:", protection},
		{"signs as:", card.Verifier().Name()},
		{"folder:", h.Dir()},
	})
}

type cardOptions struct {
	flags.Unchecked
	outputOption
}

func runCard(_ context.Context, e *ui.Env, h *keys.Home, o *cardOptions) error {
	card, err := h.OwnCard()
	if err != nil {
		return err
	}
	b, err := card.Marshal()
	if err != nil {
		return err
	}
	written, err := o.writePublic(e, b)
	if err != nil {
		return err
	}
	access.WarnOwn(e, h)
	if !written {
		return nil
	}
	e.Notef("Your card is in %s. Read these words to whoever gets it: %s", o.output, card.Fingerprint())
	return nil
}

func expiryText(c keys.Card) string {
	if c.Expires.IsZero() {
		return "never"
	}
	return ui.Day(c.Expires)
}

// keyKind says how strong the recipients of a card are.
func keyKind(c keys.Card) string {
	if c.PostQuantum() {
		return "post-quantum"
	}
	return "classic"
}
