package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"filippo.io/age"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

func shareCommand() *cli.Command {
	var o shareOptions
	return &cli.Command{
		Name:      "share",
		Usage:     "let someone else open a recording that you can open",
		ArgsUsage: "ID --to NAME",
		Description: `Adds one small file to the recording: the secrets of its epochs, sealed to NAME and signed by
you. What was recorded does not change. NAME must be on a card that you pinned. The other
person must have pinned your card and the recorder's. "sealtape info" shows the grant to
both of you.

The first line that it prints is the ID with the grant. Give this line to the other person,
to use in place of the ID. Their commands then exit with 4 if the grant is damaged, with 1
if the store does not have it, and with 5 if no key of theirs opens it.

You cannot take a grant back. NAME must have post-quantum keys.

--link also prints a link that names the grant: see "sealtape link".`,
		UsageText: `  sealtape share last --to Bob --store ./meetings
  sealtape share F2JE --to "Ada Lovelace" --epoch 2 --epoch 3`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "to", Destination: &o.to, Usage: "whose card you pinned as `NAME`"},
			&cli.IntSliceFlag{Name: "epoch", Usage: "grant epoch `N` of the recording (repeatable; default: all that you open)"},
			&cli.BoolFlag{Name: "link", Destination: &o.link, Usage: "print a link by which they watch it, too"},
			o.StoreFlag(),
		},
		Action: flags.Action(&o, access.WithStore(runShare), flags.Argument{Name: "the ID of a recording", To: &o.id}),
	}
}

type shareOptions struct {
	flags.StoreOption
	id, to string
	epochs []int // none: all that one opens
	link   bool
}

func (o *shareOptions) Rest(c *cli.Context) { o.epochs = c.IntSlice("epoch") }

func (o *shareOptions) Check() error {
	if o.to == "" {
		return ui.Misuse("share with whom? --to NAME is missing")
	}
	return access.NoLink(o.id)
}

func runShare(ctx context.Context, a *access.Access, o *shareOptions) error {
	if err := access.Unrevoked(a.Home); err != nil {
		return err
	}
	cards, err := shareTo(a, o.to)
	if err != nil {
		return err
	}
	t, err := a.OpenReadable(ctx, o.id, nil)
	if err != nil {
		return err
	}
	rec := t.Recording()
	if err := a.Distrust(rec.Head().ID, rec.Signers()); err != nil {
		return err // nobody is to vouch for it after all
	}
	if err := checkEpochs(rec, o.epochs); err != nil {
		return err
	}
	id, err := access.LoadIdentity(ctx, a.Env, a.Home)
	if err != nil {
		return err
	}
	for n, card := range cards {
		g, before, err := grant(ctx, rec, id, card, o.epochs)
		if err != nil {
			return err
		}
		if n == 0 {
			a.Share = shareName(g.Name)
		}
		tellGrant(a.Env, rec, card, g, before)
	}
	if o.link {
		lo := linkOptions{StoreOption: o.StoreOption, page: os.Getenv(pageVar)}
		if err := lo.Check(); err != nil {
			return err
		}
		return lo.print(ctx, a, t)
	}
	return nil
}

// shareTo returns the cards of somebody to share with.
func shareTo(a *access.Access, to string) ([]keys.Card, error) {
	cards, err := a.Home.Person(to)
	if err != nil {
		return nil, ui.UnlikeCard(err, to, a.Home)
	}
	// A person's own other devices are someone to share with; this one is not.
	name := cards[0].Name
	cards = slices.DeleteFunc(cards, func(card keys.Card) bool { return slices.Contains(a.Own, card.Key) })
	if len(cards) == 0 {
		return nil, ui.Misuse("%s is you", ui.Clean(name))
	}
	for _, card := range cards {
		if _, err := grantees(card); err != nil {
			return nil, err
		}
	}
	return cards, nil
}

// tellGrant prints a grant to one card; before says that it was there.
func tellGrant(e *ui.Env, rec *archive.Recording, card keys.Card, g archive.Grant, before bool) {
	e.Printf("%s/%s\n", rec.Head().ID, shareName(g.Name))
	if before {
		e.Printf("%s (%s) can open %s of %s already, by your grant of %s\n", ui.Clean(card.Label()), card.Fingerprint(),
			ui.EpochsText(g.Epochs), rec.Head().ID, g.Time.Local().Format("2006-01-02 15:04"))
		return
	}
	e.Printf("granted %s of %s to %s (%s)\n", ui.EpochsText(g.Epochs), rec.Head().ID, ui.Clean(card.Label()), card.Fingerprint())
	if left := len(rec.Epochs()) - len(g.Epochs); left > 0 {
		e.Notef("%s not granted.", ui.Count(left, "epoch"))
	}
}

// checkEpochs returns an error for an epoch that the recording does not have.
func checkEpochs(rec *archive.Recording, epochs []int) error {
	var there []int
	for _, ep := range rec.Epochs() {
		there = append(there, ep.Number)
	}
	for _, n := range epochs {
		if !slices.Contains(there, n) {
			return ui.Hinted(ui.Misuse("recording %s has no epoch %d", rec.Head().ID, n), "it has "+ui.EpochsText(there))
		}
	}
	return nil
}

// grant grants epochs of the recording to one card. before says that one's own grant of
// them was there.
func grant(ctx context.Context, rec *archive.Recording, id *keys.Identity, card keys.Card, epochs []int) (g archive.Grant, before bool, err error) {
	recipients, err := grantees(card)
	if err != nil {
		return g, false, err
	}
	own, err := id.Card()
	if err != nil {
		return g, false, err
	}
	// The grant is sealed to the granting reader, too, so that info shows it.
	if mine, err := grantees(own); err == nil {
		recipients = append(recipients, mine...)
	}
	if known, err := grantedBefore(ctx, rec, id, card, epochs); err != nil {
		return g, false, err
	} else if known != nil {
		return *known, true, nil
	}
	g, err = rec.Share(ctx, archive.ShareConfig{
		Signer: id.Signer(), To: card.Key, Recipients: recipients, Epochs: epochs,
	})
	return g, false, err
}

// shareName returns the hash in the name of a grant, by which others find it.
func shareName(object string) string {
	return strings.TrimSuffix(strings.TrimPrefix(object, "shares/"), ".age")
}

// grantedBefore returns a grant of one's own by which a card opens the epochs, all
// that one opens where none are named; nil if there is none.
func grantedBefore(ctx context.Context, rec *archive.Recording, id *keys.Identity, card keys.Card, epochs []int) (*archive.Grant, error) {
	if len(epochs) == 0 {
		for _, ep := range rec.Epochs() {
			_, err := rec.EpochSecret(ctx, ep.Number)
			switch {
			case err == nil:
				epochs = append(epochs, ep.Number)
			case !errors.Is(err, archive.ErrNoKey):
				return nil, err
			}
		}
	}
	gs, err := rec.Grants(ctx)
	if err != nil {
		return nil, err
	}
	for _, g := range gs {
		lacks := slices.ContainsFunc(epochs, func(n int) bool { return !slices.Contains(g.Epochs, n) })
		if g.Err == nil && g.By == id.Signer().Name() && g.To == card.Key && !lacks {
			return &g, nil
		}
	}
	return nil, nil
}

// grantees returns the post-quantum recipients on a card. Others are left out:
// one classic key would let a quantum computer open what was never sealed to it.
func grantees(card keys.Card) ([]age.Recipient, error) {
	var out []age.Recipient
	for i, r := range card.AgeRecipients() {
		if keys.PostQuantum(card.Recipients[i]) {
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		return nil, ui.Hinted(fmt.Errorf("%s has no post-quantum key: %w", ui.Clean(card.Name), archive.ErrClassic),
			"they make new keys, and give you the card", "sealtape keys init --name NAME")
	}
	return out, nil
}

// grants returns the grants that one can see.
func grants(ctx context.Context, a *access.Access, rec *archive.Recording) ([]show.GrantJSON, error) {
	gs, err := rec.Grants(ctx)
	if err != nil {
		return nil, err
	}
	out := []show.GrantJSON{}
	for _, g := range gs {
		j := show.GrantJSON{Object: g.Name, By: g.By, To: g.To, Time: g.Time, Epochs: append([]int{}, g.Epochs...)}
		switch {
		case errors.Is(g.Err, archive.ErrRevokedGrant):
			j.By = a.HolderOf(g.By)
			j.Problem = "signed by " + j.By + ": what that key granted does not count, whenever that was"
		case errors.Is(g.Err, archive.ErrForeignSigner):
			j.Problem = "not signed by anyone whose card you pinned"
		case g.Err != nil:
			j.Problem = g.Err.Error()
		case g.Claimed:
			j.By, j.Claimed = "claimed by the link ("+g.By+")", true
		default:
			j.By = a.HolderOf(g.By)
		}
		if p, ok := a.Who(g.To); ok {
			j.To = p
		} else if name, _, _ := strings.Cut(g.To, "+"); name != "" {
			j.To = "someone unknown (" + name + ")"
		}
		out = append(out, j)
	}
	return out, nil
}
