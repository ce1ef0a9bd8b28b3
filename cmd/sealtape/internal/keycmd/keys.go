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
		Description: `Your identity opens what is sealed to you. The identity of a recorder signs what it records.
Your card is the public half of your identity: a file for the others. To trust a card, pin
it with "keys add". First let its owner read you its fingerprint, eight words (88 bits).`,
		UsageText: `  sealtape keys init --name "Ada Lovelace"
  sealtape keys card -o ada.card
  sealtape keys add bob.card`,
		Subcommands: []*cli.Command{
			{
				Name:      "init",
				Usage:     "make your identity",
				ArgsUsage: "--name NAME",
				Description: `Keeps the identity in SEALTAPE_HOME, under a passphrase. The command asks for the passphrase,
or takes it from SEALTAPE_PASSPHRASE. age itself can read the file identity.age.`,
				UsageText: `  sealtape keys init --name "Ada Lovelace"
  sealtape keys init --name Recorder --recorder --no-passphrase
  sealtape keys init --name "Ada Lovelace" --device phone --expires 2y`,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "name", Destination: &initial.name, Usage: "the `NAME` on your card"},
					&cli.StringFlag{Name: "device", Destination: &initial.device, Usage: "what tells this identity from your others: phone, laptop"},
					&cli.BoolFlag{Name: "recorder", Destination: &initial.recorder, Usage: "make it a recorder's: only a recorder's key signs recordings, and it reads and attends like any other"},
					initial.expiryFlag(),
					&cli.BoolFlag{Name: "if-none", Destination: &initial.ifNone, Usage: "do nothing if there is an identity already, for a machine that sets itself up"},
					&cli.BoolFlag{Name: "no-passphrase", Destination: &initial.noPassphrase, Usage: "keep the identity in the clear, for a machine that must start alone"},
				},
				Action: flags.Action(&initial, access.WithHome(runInit)),
			},
			{Name: "show", Usage: "show your fingerprint and where your keys are", UsageText: "  sealtape keys show", Action: flags.Action(&show, access.WithHome(runShow))},
			{
				Name:  "card",
				Usage: "write your card, to give to others",
				Description: `With --matrix the card says from now on how you are known in Matrix: then a recorder that has
pinned it knows you in Element calls, with any client. USER is your Matrix user, and KEY your
master key of cross-signing, 43 letters; whoever knows you in Matrix sees it, such as a recorder
in the room by "sealtape matrix show". On a recorder, own is the account of "sealtape matrix login".
The card is made anew, with the same words: give it to the others again. None takes the line off.`,
				UsageText: `  sealtape keys card -o ada.card
  sealtape keys card -o ada.card --matrix '@ada:example.org ed25519:/e5DDUC9V97qwYbNl5ADPQ8G+QmogG585ucXq3x9UCk'
  sealtape keys card -o recorder.card --matrix own`,
				Flags:  []cli.Flag{card.outputFlag(), &cli.StringFlag{Name: "matrix", Destination: &card.matrix, Usage: "put this Matrix `ACCOUNT` on the card, 'USER ed25519:KEY'; own or none, see above"}},
				Action: flags.Action(&card, access.WithHome(runCard)),
			},
			{
				Name:      "add",
				Usage:     "pin the card of someone you trust, or take a revocation",
				ArgsUsage: "FILE",
				Description: `Shows the card's fingerprint, and asks whether its owner confirmed it, by voice or in person.
A card alone proves nothing: anyone can send one.

The command does not ask if a pinned card of the same name approved this card, for another
device or as its successor. Of your own card it takes approvals. A recorder's card needs --recorder: then recordings that its key
signs count. The command refuses another card under a name that is pinned: the owner made new
keys, or someone pretends to be them.`,
				UsageText: `  sealtape keys add bob.card
  sealtape keys add recorder.card --recorder
  sealtape keys add bob.card --fingerprint under-also-morning-young-umbrella-donkey-debris-glass`,
				Flags: []cli.Flag{
					add.fingerprintFlag("pin"),
					&cli.BoolFlag{Name: "recorder", Destination: &add.recorder, Usage: "the card is a recorder's: believe what its key records"},
					add.yesFlag("pin"),
				},
				Action: flags.Action(&add, runAdd, flags.Argument{Name: "the FILE of a card", To: &add.file}),
			},
			{Name: "list", Usage: "list the pinned cards", UsageText: "  sealtape keys list\n  sealtape keys list --json", Action: flags.Action(&list, access.WithHome(runList)), Flags: []cli.Flag{list.JSONFlag()}},
			{
				Name: "remove", Usage: "unpin a card", ArgsUsage: "NAME", UsageText: "  sealtape keys remove Bob\n  sealtape keys remove Bob --device phone",
				Action: flags.Action(&remove, access.WithHome(runRemove), flags.Argument{Name: "a NAME", To: &remove.name}),
				Flags:  []cli.Flag{&cli.StringFlag{Name: "device", Destination: &remove.device, Usage: "unpin only the card of this device"}},
			},
			{
				Name: "approve", Usage: "approve the card of another device of yours", ArgsUsage: "CARD -o FILE",
				Action: flags.Action(&approve, runApprove, flags.Argument{Name: "the CARD of your other device", To: &approve.file}),
				Description: `Signs another card of your name with the key on this machine. People who have pinned your card
can then pin the other one without comparing words, and recordings are sealed to both.

A fleet of recorders has one key of its own, which is kept elsewhere, and a card of its name on
each host, with a --device. Approve these cards by that key, and let each host take its own with
"keys add": the approval then travels with what it records. Whoever has pinned the fleet's card
knows all its recordings, without the hosts' cards.`,
				UsageText: `  sealtape keys approve phone.card -o phone-approved.card
  sealtape keys approve host1.card -o host1-approved.card   # and on host 1: sealtape keys add host1-approved.card`,
				Flags: []cli.Flag{approve.outputFlag(), approve.fingerprintFlag("approve"), approve.yesFlag("approve")},
			},
			{
				Name: "rotate", Usage: "make new keys in place of yours, approved by the old ones", Action: flags.Action(&rotate, access.WithHome(runRotate)),
				Description: `You can still open what was sealed to the old keys. Give the new card to the others. People who
have pinned the old card can pin the new one without comparing words.`,
				UsageText: `  sealtape keys rotate --expires 2y`,
				Flags:     []cli.Flag{rotate.expiryFlag()},
			},
			{
				Name: "renew", Usage: "make a new card for the same keys, which expires later", UsageText: "  sealtape keys renew --expires 2y", Action: flags.Action(&renew, access.WithHome(runRenew)),
				Flags: []cli.Flag{renew.expiryFlag()},
			},
			{
				Name: "revoke", Usage: "take back a card of yours", ArgsUsage: "[CARD] -o FILE",
				Action: flags.Action(&revoke, access.WithHome(runRevoke), flags.Argument{Name: "CARD", To: &revoke.file, Optional: true}),
				Description: `Writes a revocation: of your own key, or of the card of another device of yours. Give the file
to everyone who has pinned the card; they take it with "keys add". This cannot be undone.
Make a revocation of your own key early, and keep it where a thief of this machine does not
find it.`,
				UsageText: `  sealtape keys revoke -o revoked.txt --reason "laptop stolen"
  sealtape keys revoke phone.card -o phone-revoked.txt`,
				Flags: []cli.Flag{revoke.outputFlag(), &cli.StringFlag{Name: "reason", Destination: &revoke.reason, Usage: "why, for people, one `LINE`"}},
			},
			{
				Name: "export", Usage: "write your identity to one file under a passphrase", Action: flags.Action(&export, access.WithHome(runExport)),
				Description: `Makes a file for another machine, or a copy to keep. age can read it as an identity file. The
file has your earlier keys, too, and which of your keys were revoked. It does not have the
cards that you pinned.`,
				UsageText: `  sealtape keys export -o identity.age`,
				Flags:     []cli.Flag{export.outputFlag()},
			},
			{
				Name: "import", Usage: "take an identity that was exported, here or by a web page", ArgsUsage: "FILE", UsageText: "  sealtape keys import identity.age",
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
	ifNone                 bool
}

func (o *initOptions) Check() error {
	if o.name == "" {
		return ui.Misuse("your card needs a name: --name NAME")
	}
	return o.expiryOption.Check()
}

func runInit(ctx context.Context, e *ui.Env, h *keys.Home, o *initOptions) error {
	// Say so before asking for a passphrase.
	if card, err := h.OwnCard(); err == nil && o.ifNone {
		e.Printf("identity of %s is in %s\n", ui.Clean(card.Name), h.Dir())
		return nil
	} else if err == nil {
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
		{"matrix:", matrixText(card)},
		{"created:", ui.Day(card.Created)},
		{"expires:", expiryText(card)},
		{"state:", access.PinState(pins[0])},
		{"protection:", protection},
		{"signs as:", card.Verifier().Name()},
		{"folder:", h.Dir()},
	})
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
