package tape

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// plainEvidence reads notes that say what they are: "CARD ROOM FROM RECORDING STATE yes",
// or yes@CHAIN/SESSION.
func plainEvidence() *Evidence {
	return &Evidence{
		Note: func(kind, card, note string) (n Note, err error) {
			f := strings.Fields(note)
			if len(f) != 6 || f[0] != card {
				return n, errors.New("not signed by the card")
			}
			says, chain, _ := strings.Cut(f[5], "@")
			n = Note{Name: card, Key: card, Room: f[1], From: f[2], Recording: f[3], State: f[4], Yes: says == "yes", Session: "1"}
			if chain != "" {
				_, err = fmt.Sscanf(chain, "%d/%s", &n.Chain, &n.Session)
			}
			return n, err
		},
		State: func(lines string) ([]string, string, error) { return strings.Fields(lines), "present", nil },
	}
}

// A recorder has somebody's key from what they signed until they take it back, and no
// other note counts.
func TestAgreements(t *testing.T) {
	const id = "0123456789ABCDEFGHJKMNPQRS"
	s := time.Second
	sum := sha256.Sum256([]byte("Bob Cy"))
	state := hex.EncodeToString(sum[:])
	at := func(n int, typ media.EventType, who, reason, text string) media.Event {
		return media.Event{Time: time.Duration(n) * s, Type: typ, Participant: who, Reason: reason, Text: text}
	}
	key := func(n int, who, card, recording, says string) media.Event {
		return at(n, media.EventNote, who, media.NoteKey, fmt.Sprintf("%s weekly %s %s %s %s", card, who, recording, state, says))
	}
	begin := []media.Event{at(0, media.EventStart, "", media.StartMembers, "weekly"),
		{Type: media.EventState, Name: state, Text: "Bob Cy"},
		at(0, media.EventJoin, "ada", "", ""), at(0, media.EventCard, "ada", "", "Ada")}
	for _, tt := range []struct {
		name   string
		events []media.Event
		spans  string // of ada
		faults string // what they have in them
	}{
		{"to the end", []media.Event{key(4, "ada", "Ada", id, "yes")}, "4-100", ""},
		{"repeated for another epoch", []media.Event{key(4, "ada", "Ada", id, "yes"), at(8, media.EventCard, "ada", "", "Ada"), key(8, "ada", "Ada", id, "yes")}, "4-100", ""},
		{"taken back, and given again", []media.Event{key(4, "ada", "Ada", id, "yes"), key(6, "ada", "Ada", id, "no"), key(9, "ada", "Ada", id, "yes "), key(7, "ada", "Ada", id, "no")}, "4-6 9-100", ""},
		{"given again after a no", []media.Event{key(4, "ada", "Ada", id, "no@4/1"), key(6, "ada", "Ada", id, "yes@4/1"), key(8, "ada", "Ada", id, "yes@5/1")}, "6-100", ""},
		{"of before a no", []media.Event{key(4, "ada", "Ada", id, "yes@3/1"), key(6, "ada", "Ada", id, "no@5/1"), key(7, "ada", "Ada", id, "yes@4/1")}, "4-6", "before they took it back"},
		{"of another session than a no", []media.Event{key(4, "ada", "Ada", id, "no@4/1"), key(6, "ada", "Ada", id, "yes@1/2")}, "6-100", ""},
		{"a no by consent", []media.Event{key(4, "ada", "Ada", id, "yes"), at(5, media.EventNote, "ada", media.NoteConsent, "Ada weekly ada "+id+" - no")}, "4-5", ""},
		{"a yes by consent opens nothing", []media.Event{at(5, media.EventNote, "ada", media.NoteConsent, "Ada weekly ada "+id+" - yes")}, "", ""},
		{"who comes back soon", []media.Event{key(4, "ada", "Ada", id, "yes"), at(10, media.EventLeave, "ada", "", ""), at(13, media.EventJoin, "ada", "", "")}, "4-100", ""},
		{"who comes back late", []media.Event{key(4, "ada", "Ada", id, "yes"), at(10, media.EventLeave, "ada", "", ""), at(20, media.EventJoin, "ada", "", "")}, "4-10", ""},
		{"another card", []media.Event{key(4, "ada", "Ada", id, "yes"), at(10, media.EventCard, "ada", "", "Eve")}, "4-10", ""},
		{"another signs", []media.Event{key(4, "ada", "Eve", id, "yes")}, "", "not signed by the card"},
		{"for another recording", []media.Event{key(4, "ada", "Ada", "ZZZ", "yes")}, "", "another recording"},
		{"for no recording", []media.Event{at(4, media.EventNote, "ada", media.NoteConsent, "Ada other ada "+id+" - yes")}, "", "another room"},
		{"under another identity", []media.Event{at(4, media.EventNote, "ada", media.NoteKey, "Ada weekly ben "+id+" "+state+" yes")}, "", "another identity"},
		{"a state that is another", []media.Event{{Type: media.EventState, Name: state, Text: "Eve"}}, "", "digest"},
	} {
		o := Options{Evidence: plainEvidence()}
		a := o.readAgreements(id, append(begin[:len(begin):len(begin)], tt.events...), 100*s)
		var spans []string
		for _, g := range a.of["ada"] {
			spans = append(spans, fmt.Sprintf("%d-%d", g.From/s, g.To/s))
			if strings.Join(g.Readers, " ") != "Bob Cy" || g.Access != "present" || g.Name != "Ada" {
				t.Errorf("%s: %+v", tt.name, g)
			}
		}
		if got := strings.Join(spans, " "); got != tt.spans || !a.members {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.spans)
		}
		var faults []string
		for _, f := range a.faults {
			faults = append(faults, f.Text)
		}
		if got := strings.Join(faults, "; "); (tt.faults == "") != (got == "") || !strings.Contains(got, tt.faults) {
			t.Errorf("%s: faults %q, want %q", tt.name, got, tt.faults)
		}
	}
}

// Frames from before and after what somebody agreed to are named, but for those that may
// be late.
func TestUnaccountedFrames(t *testing.T) {
	s := time.Second
	a := agreements{of: map[string][]Agreement{"ada": {{From: 30 * s, To: 60 * s}}}}
	for _, tt := range []struct {
		from, to time.Duration
		says     string
	}{
		{20 * s, 61 * s, ""},
		{0, 61 * s, "from 0s to "},
		{40 * s, 70 * s, " to 1m9.98s"},
	} {
		var u unaccounted
		for at := tt.from; at < tt.to; at += 20 * time.Millisecond {
			u.add("ada", at)
		}
		faults := u.faults(&a)
		if tt.says == "" && len(faults) > 0 || tt.says != "" && (len(faults) != 1 || !strings.Contains(faults[0].Text, tt.says)) {
			t.Errorf("%v to %v: %+v", tt.from, tt.to, faults)
		}
	}
	var u unaccounted
	if u.add("ben", s); len(u.faults(&a)) != 1 {
		t.Error("a frame of somebody who signed nothing")
	}
}
