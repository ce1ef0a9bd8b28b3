package browser

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/chromedp/chromedp"
)

// A Membership is what a page with Config.Card knows by keys/web/member.js.
type Membership struct {
	// Card is the member's own card as a signed note, Fingerprint its words.
	Card, Fingerprint string
	// Code is the meeting code, "" where no verified recorder told one.
	Code     string
	Peers    map[string]Peer // by identity
	Troubles []Trouble
}

// A Peer is another participant as the member sees it.
type Peer struct {
	Standing string // "unknown", "claimed" or "verified"
	Name     string // on its card
	Recorder bool
	State    struct {
		Phase, Recording, Consent, Keeps string
		Readers                          []struct{ Fingerprint, Name string }
	}
}

// A Trouble is what the member was told is wrong, by its name in keys/PROTOCOL.md.
type Trouble struct{ Identity, Trouble, Detail string }

// Pin pins a card, whose fingerprint is these words.
func (m *Member) Pin(ctx context.Context, card []byte, words string) error {
	return m.do(ctx, call(fmt.Sprintf("member.pin(%s, %q)", quote(string(card)), words)))
}

// Answer tells a recorder whether one may be recorded, as the page's buttons do.
func (m *Member) Answer(ctx context.Context, recorder string, yes bool) error {
	return m.do(ctx, call(fmt.Sprintf("member.answer(%s, %t)", quote(recorder), yes)))
}

// ExportIdentity returns the identity under a passphrase, as the page exports it.
func (m *Member) ExportIdentity(ctx context.Context, passphrase string) (file string, err error) {
	err = m.do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) (err error) {
		file, err = chromedp.Evaluate[string]("member.exportIdentity("+quote(passphrase)+")", chromedp.EvalAwaitPromise)(ctx, t)
		return err
	}))
	return file, err
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always marshals
	}
	return string(b)
}

func texts(notes [][]byte) []string {
	out := make([]string, len(notes))
	for i, n := range notes {
		out[i] = string(n)
	}
	return out
}
