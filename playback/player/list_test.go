package player_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sealtape/sealtape/playback/internal/playertest"
	"github.com/sealtape/sealtape/playback/player"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
)

// TestList: what of an entry is not known is empty, never null.
func TestList(t *testing.T) {
	hole := func(reason string) []tape.Hole {
		return tape.Holes(nil, nil, []media.Event{{Type: media.EventHole, Track: 1, To: 6 * time.Second, Reason: reason}})
	}
	l := &playertest.Library{Entries: []*tape.Description{
		{ID: "A", State: "closed", Room: "Stand-up", Title: "Board", Start: playertest.Start, Duration: 90 * time.Second,
			People:  []tape.Person{{Identity: "a1", Name: "Alice"}, {Identity: "a2", Name: "Alice"}},
			Signers: []tape.Signer{{Who: "carol"}}, Opens: tape.AccessAll, Bytes: 12345, HolesKnown: true, Holes: hole(media.HoleConsent)},
		{ID: "B", State: "open", Opens: tape.AccessNone, Missing: []string{"index/000000.age"}},
		{ID: "C", State: "closed", Opens: tape.AccessPart, HolesKnown: true, Holes: hole(media.HoleLoss)},
	}}
	p := playertest.New(t, player.Config{Library: l})
	list := func() string {
		b, err := p.Recordings(t.Context())
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}
	want := `{"recordings":[{"id":"A","state":"closed","room":"Stand-up","title":"Board","start":"2026-03-04T05:06:07.000008Z",` +
		`"duration":90,"people":["Alice (a1)","Alice (a2)"],"signers":["carol"],"access":"all","incomplete":false,"bytes":12345,"problem":null},` +
		`{"id":"B","state":"open","room":"","title":"","start":"","duration":0,"people":[],"signers":[],"access":"none",` +
		`"incomplete":true,"bytes":0,"problem":{"code":"missing","count":1}},` +
		`{"id":"C","state":"closed","room":"","title":"","start":"","duration":0,"people":[],"signers":[],"access":"part",` +
		`"incomplete":true,"bytes":0,"problem":null}]}` + "\n"
	if got := list(); got != want {
		t.Errorf("got %s", got)
	}
	l.Entries = nil
	if got := list(); got != `{"recordings":[]}`+"\n" {
		t.Errorf("got %s", got)
	}
	l.Err = errors.New("no network to store.example")
	if b, err := p.Recordings(t.Context()); err == nil || player.KindOf(err) != player.Later || b != nil {
		t.Errorf("%v, %s", err, b)
	}
}
