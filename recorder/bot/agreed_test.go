package bot

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/keys/roomkeys"
)

// What one member says without end, or does wrong, pushes out nothing that another signed,
// while the recorder is busy or has not begun.
func TestNotesSurviveFloods(t *testing.T) {
	k := NewRoomKeys()
	for n := range 3 * maxAttendees {
		k.notify(roomkeys.Event{Kind: roomkeys.Refused, Identity: fmt.Sprint("mallory ", n), Trouble: member.Malformed})
	}
	for range 3 * maxAttendees {
		k.notify(roomkeys.Event{Kind: roomkeys.Given, Identity: "eve"})
	}
	k.notify(roomkeys.Event{Kind: roomkeys.Given, Identity: "ada"})
	if all := k.take(); len(all) > maxAttendees || !slices.ContainsFunc(all, func(e roomkeys.Event) bool { return e.Identity == "ada" }) {
		t.Errorf("what ada gave is not among %d events", len(all))
	}
	k.notify(roomkeys.Event{Kind: roomkeys.Withheld, Identity: "eve"})
	if len(k.take()) != 1 {
		t.Error("once there is room, nothing more of eve is taken")
	}
	m := newAsking(t, true)
	lines := 0
	m.notef = func(string, ...any) { lines++ }
	for range 3 * maxAttendees {
		m.suspect(member.Event{Identity: "mallory", Trouble: member.Flood})
	}
	m.suspect(member.Event{Identity: "mallory", Trouble: member.Malformed})
	m.suspect(member.Event{Identity: "eve", Trouble: member.Flood})
	if lines != 3 {
		t.Errorf("whoever runs the recorder is told %d lines, want one for each kind", lines)
	}
	before := len(m.notes)
	m.note(nil)
	if len(m.notes) != before+1 {
		t.Errorf("with %d troubles nothing else can be noted", before)
	}
}

// A member gives their key and leaves before the recorder has come to what they signed: the
// recording has it all the same.
func TestLastWordsAreKept(t *testing.T) {
	m := newAsking(t, true)
	m.keys = NewRoomKeys()
	id, err := keys.Generate("Ada")
	if err != nil {
		t.Fatal(err)
	}
	card, err := id.Card()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	said := make(chan []byte, 1)
	session, err := member.New(member.Config{Room: "weekly", SID: func() string { return "RM_1" }, Identity: "ada", Key: id, Judge: noPins{},
		Send: func(_ context.Context, _ []string, b []byte) error { said <- b; stop(); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	session.Run(ctx)
	m.session.Receive("ada", <-said) // her hello
	var signed []byte
	x, err := roomkeys.New(roomkeys.Config{Room: "weekly", Identity: "ada", Nonce: session.Nonce(), Card: session.CardHash(), Signer: id.Signer(), Notify: func(roomkeys.Event) {},
		Send: func(_ context.Context, _ string, b []byte) error { signed = b; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	x.Bye(t.Context()) // anything that her card signed
	before := len(m.notes)
	m.keys.notify(roomkeys.Event{Kind: roomkeys.Given, Identity: "ada", Note: signed})
	m.roster.Went("ada", "")
	m.exchange = x
	m.went("ada")
	if len(m.notes) != before+1 {
		t.Errorf("%s left, and %d notes of hers are in the recording, want 1", card.Name, len(m.notes)-before)
	}
	if len(m.keys.take()) != 0 {
		t.Error("the event waits still")
	}
}
