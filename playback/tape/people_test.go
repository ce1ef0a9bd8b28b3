package tape

import (
	"reflect"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// TestPeople derives who was there, whom the recorder verified, and for how long
// they spoke: what the server tells twice counts once.
func TestPeople(t *testing.T) {
	s := time.Second
	tracks := []media.Track{{UID: 1, Participant: "cy", Name: "Cy"}}
	events := []media.Event{
		{Time: 0, Type: media.EventJoin, Participant: "ada", Name: "Ada"},
		{Time: 0, Type: media.EventVerified, Participant: "ada", Name: "Ada Lovelace", Reason: media.VerifiedByProof},
		{Time: 5 * s, Type: media.EventSpeaking, Participant: "ada", From: 5 * s, To: 35 * s},
		{Time: 10 * s, Type: media.EventJoin, Participant: "bob", Name: "Bob"},
		{Time: 11 * s, Type: media.EventClaimed, Participant: "bob", Name: "Bob B."},
		{Time: 30 * s, Type: media.EventSpeaking, Participant: "ada", From: 30 * s, To: 45 * s},
		{Time: 40 * s, Type: media.EventSpeaking, Participant: "bob", From: 40 * s, To: 41500 * time.Millisecond},
		{Time: 42 * s, Type: media.EventSpeaking, Participant: "ada", From: 42 * s, To: 43 * s},
		{Time: 50 * s, Type: media.EventLeave, Participant: "bob"},
		{Time: 60 * s, Type: media.EventVerified, Participant: "dora", Name: "Dora", Reason: media.VerifiedByMatrix},
		{Time: 60 * s, Type: media.EventVerified, Participant: "eve", Name: "Eve", Reason: media.VerifiedByMatrix},
		{Time: 61 * s, Type: media.EventVerified, Participant: "eve"}, // their master key changed
		{Time: 62 * s, Type: media.EventClaimed, Participant: "fay", Name: "@fay:hs", Reason: media.ClaimedByMatrix},
	}
	want := []Person{
		{Identity: "ada", Name: "Ada", To: 100 * s, Speaking: 40 * s, Identified: "proved", VerifiedAs: "Ada Lovelace", VerifiedBy: "proof"},
		{Identity: "bob", Name: "Bob", From: 10 * s, To: 50 * s, Speaking: 1500 * time.Millisecond, Identified: "claimed"},
		{Identity: "dora", From: 60 * s, To: 100 * s, Identified: "matrix", VerifiedAs: "Dora", VerifiedBy: "matrix"},
		{Identity: "eve", From: 60 * s, To: 100 * s, Identified: "unknown"},
		{Identity: "fay", From: 62 * s, To: 100 * s, Identified: "claimed"},
		{Identity: "cy", Name: "Cy", To: 100 * s, Identified: "unknown"},
	}
	if got := peopleOf(tracks, events, 100*s); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}
