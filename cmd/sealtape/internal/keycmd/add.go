package keycmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

type addOptions struct {
	confirmOption
	file     string
	recorder bool
}

func (o *addOptions) Check() error {
	if o.fingerprint != "" && o.yes {
		return ui.Misuse("--fingerprint and --yes exclude each other")
	}
	return nil
}

func runAdd(ctx context.Context, e *ui.Env, o *addOptions) error {
	b, err := readPublic(e, o.file)
	if err != nil {
		return err
	}
	h, err := access.OpenHome()
	if err != nil {
		return err
	}
	if keys.IsRevocation(b) {
		return addRevocation(e, h, o.file, b)
	}
	cards, err := keys.ParseCards(b)
	if err != nil {
		return fmt.Errorf("%s: %w", o.file, err)
	}
	for _, card := range cards {
		if err := o.addCard(ctx, e, h, card); err != nil {
			return err
		}
	}
	return nil
}

// addCard pins one card, after its fingerprint was confirmed where nothing that
// is pinned vouches for it.
func (o *addOptions) addCard(ctx context.Context, e *ui.Env, h *keys.Home, card keys.Card) error {
	name, words := ui.Clean(card.Label()), card.Fingerprint()
	if own, err := h.OwnCard(); err == nil && own.Key == card.Key {
		return addOwn(e, h, own, card)
	}
	if o.recorder && card.Role != keys.Recorder {
		return ui.Hinted(fmt.Errorf("the card of %s is not a recorder's", name), "leave --recorder out; a recorder's is made there", "sealtape keys init --recorder --name NAME")
	}
	// A name that is taken is told before anyone compares words.
	how, err := h.CanAdd(card)
	doubted := errors.Is(err, keys.ErrNameTaken) && errors.Is(err, keys.ErrDoubted)
	if doubted {
		how, err = keys.Stranger, nil
	}
	if errors.Is(err, keys.ErrNameTaken) {
		warnOfNewKey(e, h, card)
	}
	if err != nil {
		return err
	}
	if doubted {
		// Who had the key that approved it may have made it, in the place of one who is known.
		e.Warnf("the card of %s counted by the approval of a key that was revoked or unpinned since: whoever had that key could have made it", name)
		if o.yes {
			return ui.ExitWith(ui.ExitUnverified, ui.Hinted(fmt.Errorf("the words of the card of %s must be compared, whatever --yes says: they are %s", name, words),
				`compare them with its owner, and not by the way this card came, then give them: --fingerprint "WORDS"`))
		}
	}
	if how == keys.Stranger && card.Role == keys.Recorder && !o.recorder {
		return ui.Hinted(fmt.Errorf("the card of %s says it is a recorder's: whatever its key signs would count as a recording", name),
			"if it is one of yours", "sealtape keys add --recorder FILE")
	}
	if how == keys.Stranger || o.fingerprint != "" {
		if err := o.confirm(ctx, e, card, "pin"); err != nil {
			return err
		}
	}
	pins, err := h.Pins()
	if err != nil {
		return err
	}
	if how != keys.Stranger && keys.NewMatrix(pins, card) {
		if err := o.confirmMatrix(ctx, e, pins, card); err != nil {
			return err
		}
	}
	pin := h.Add
	if doubted || o.fingerprint != "" {
		pin = h.AddCompared
	}
	if err := pin(card); err != nil {
		return err
	}
	e.Printf("pinned %s %s\n", name, words)
	switch {
	case card.Replaces != "" && how == keys.Approved:
		e.Notef("It takes the place of their old key, which approved it.")
	case how == keys.Approved:
		e.Notef("Another card of %s approved it.", ui.Clean(card.Name))
	}
	if card.Matrix != (keys.MatrixAccount{}) {
		tellMatrix(e, h, card)
	}
	if !card.PostQuantum() {
		e.Warnf("the keys of %s are classic: what is sealed to them is not post-quantum", name)
	}
	return nil
}

// addOwn gives one's own card the approvals that the same card in a file has.
func addOwn(e *ui.Env, h *keys.Home, own, card keys.Card) error {
	if err := h.Add(card); err != nil {
		return err
	}
	now, err := h.OwnCard()
	if err != nil {
		return err
	}
	if before, after := len(own.Approvers()), len(now.Approvers()); after > before {
		e.Printf("your card has %s now\n", ui.Count(after, "approval"))
		if own.Role == keys.Recorder {
			e.Notef("It travels with what you record from the next recording on: whoever has pinned the card of the key that\napproved yours knows your recordings.")
		}
		return nil
	}
	e.Notef("This is your own card. It counts as pinned.")
	return nil
}

// warnOfNewKey says loudly that a known name comes with another key.
func warnOfNewKey(e *ui.Env, h *keys.Home, card keys.Card) {
	pins, err := h.Pins()
	if err != nil {
		return // the command's own error says enough
	}
	e.Notef(`
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@      WARNING: SOMEONE YOU KNOW COMES WITH ANOTHER KEY        @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
Someone may be pretending to be %s, to read what is recorded.
It is also possible that they made new keys and did not have the old ones
approve them. Nothing was pinned.

  in this file:  %s, %s`, ui.Clean(card.Name), ui.Clean(card.Label()), card.Fingerprint())
	for _, p := range pins {
		if keys.SameName(p.Name, card.Name) {
			e.Notef("  pinned here:   %s, %s", ui.Clean(p.Label()), p.Fingerprint())
		}
	}
	e.Notef("")
}

// addRevocation takes back a card.
func addRevocation(e *ui.Env, h *keys.Home, file string, b []byte) error {
	r, err := keys.ParseRevocation(b)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := h.Revoke(r); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	e.Printf("revoked %s %s\n", ui.Clean(r.Name), r.Fingerprint())
	if r.Reason != "" {
		e.Notef("Reason: %s", ui.Clean(r.Reason))
	}
	e.Notef("Nothing is sealed to this key any more, nor to what only it approved. Recordings made so far stay readable to it.")
	tellDoubted(e, h)
	return nil
}

// tellDoubted names the cards that do not count any more for what vouched for them.
func tellDoubted(e *ui.Env, h *keys.Home) {
	pins, err := h.Pins()
	if err != nil {
		return // the command did what it was to do
	}
	for _, p := range pins {
		if p.Doubted && p.Revoked == nil {
			e.Warnf("%s, %s, does not count any more either: compare its words with its owner, and add it again", ui.Clean(p.Label()), p.Fingerprint())
		}
	}
}

// readPublic reads a file of cards or a revocation, or standard input for "-".
func readPublic(e *ui.Env, name string) ([]byte, error) {
	r := e.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, ui.Hinted(err, "FILE is what its owner wrote", "sealtape keys card -o FILE")
		}
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	return io.ReadAll(io.LimitReader(r, 64*keys.MaxCard+1))
}

// readCardFile reads a file with one card.
func readCardFile(e *ui.Env, name string) (keys.Card, error) {
	b, err := readPublic(e, name)
	if err != nil {
		return keys.Card{}, err
	}
	card, err := keys.ParseCard(b)
	if err != nil {
		return keys.Card{}, fmt.Errorf("%s: %w", name, err)
	}
	return card, nil
}
