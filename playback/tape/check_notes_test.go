package tape_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
)

// Check names frames of a member whom no note lets be recorded, and notes that do not count;
// a description has what was agreed to.
func TestCheckNotes(t *testing.T) {
	d := newDesk(t)
	var id string
	d.o.Evidence = &tape.Evidence{
		Note: func(kind, card, note string) (n tape.Note, err error) {
			if note == "forged" {
				return n, errors.New("not signed")
			}
			return tape.Note{Name: card, Key: card, Room: "Board", From: "ada", Recording: id, State: note, Yes: kind == media.NoteKey}, nil
		},
		State: func(string) ([]string, string, error) { return []string{"Bob"}, "present", nil },
	}
	sum := sha256.Sum256([]byte("lines"))
	state := hex.EncodeToString(sum[:])
	members := media.Event{Type: media.EventStart, Text: "Board", Reason: media.StartMembers}
	given := []media.Event{members, {Type: media.EventState, Name: state, Text: "lines"}, {Type: media.EventCard, Participant: "ada", Text: "Ada"},
		{Type: media.EventNote, Participant: "ada", Reason: media.NoteKey, Text: state}}
	for _, tt := range []struct {
		name     string
		events   []media.Event
		problems int
		spans    int
	}{
		{"a room with a passphrase", nil, 0, 0},
		{"who agreed", given, 0, 1},
		{"who signed nothing", []media.Event{members}, 1, 0},
		{"what another signed", []media.Event{members, {Type: media.EventNote, Participant: "ada", Reason: media.NoteKey, Text: "forged"}}, 2, 0},
		{"who came unencrypted", []media.Event{members, {Type: media.EventTrack, Participant: "ada", Track: ada.UID, Text: "Ada (microphone)", Reason: media.TrackPlaintext}}, 0, 0},
	} {
		id = d.record(tt.events...)
		r, err := d.open(id).Check(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		notes := 0
		for _, p := range r.Problems {
			if p.Kind == tape.ProblemNote {
				notes++
			}
		}
		if notes != tt.problems || len(r.Problems) != notes || r.Notes != tt.spans || r.MemberKeys != (tt.events != nil) {
			t.Errorf("%s: %d spans, %t, %+v", tt.name, r.Notes, r.MemberKeys, r.Problems)
		}
		got := d.describe(id)
		if p := got.People[0]; len(p.Agreed) != tt.spans || got.MemberKeys != r.MemberKeys || tt.spans > 0 && p.Agreed[0].Readers[0] != "Bob" {
			t.Errorf("%s: %+v", tt.name, p)
		}
	}
}
