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
	Code string
	// RoomCode, Question and Index come with Config.RoomKeys: the room code, the identity of a
	// recorder that waits for an answer, and the index that the member encrypts under.
	RoomCode, Question string
	Index              int
	Peers              map[string]Peer // by identity
	Troubles           []Trouble
}

// A Peer is another participant as the member sees it.
type Peer struct {
	Standing string // "unknown", "claimed" or "verified"
	Name     string // on its card
	Recorder bool
	// Mine and Theirs are "given", or why the peer has not the member's key, or the
	// member not the peer's. Recorded says that it gives its key to the recorder.
	Mine, Theirs string
	Recorded     bool
	State        struct {
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

// Pause takes the member's key from the recorders that have it, or gives it back.
func (m *Member) Pause(ctx context.Context, paused bool) error {
	return m.do(ctx, call(fmt.Sprintf("member.pause(%t)", paused)))
}

// Simulate is simulateScenario of livekit-client's Room: "resume-reconnect", "full-reconnect"
// and others. It does not wait until the room is connected again.
func (m *Member) Simulate(ctx context.Context, scenario string) error {
	return m.do(ctx, call(fmt.Sprintf("member.simulate(%q)", scenario)))
}

// Again disconnects the Room, and connects the same Room.
func (m *Member) Again(ctx context.Context) error { return m.do(ctx, call("member.again()")) }

// Reload loads the page again, and joins anew, as Start did.
func (m *Member) Reload(ctx context.Context) error { return m.do(ctx, m.join...) }

// Tab joins once more, with the same card and another token, and publishes a tone of 700 Hz.
func (m *Member) Tab(ctx context.Context, token string) error {
	return m.do(ctx, call("member.tab("+quote(token)+")"))
}

// A Cost is what room keys cost one member of a room, in messages, bytes of them, and
// milliseconds of the browser.
type Cost struct {
	Sent, SentBytes, Received, ReceivedBytes int
	MS                                       float64
}

// Costs returns what one of n members spends when it joins, and when another leaves: the
// least of five times.
func (m *Member) Costs(ctx context.Context, n int) (join, leave Cost, err error) {
	var text string
	err = m.do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) (err error) {
		text, err = chromedp.Evaluate[string](fmt.Sprintf("import('/costs.js').then((m) => m.costs(%d, 5)).then(JSON.stringify)", n), chromedp.EvalAwaitPromise)(ctx, t)
		return err
	}))
	var both struct{ Join, Leave Cost }
	if err == nil {
		err = json.Unmarshal([]byte(text), &both)
	}
	return both.Join, both.Leave, err
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
