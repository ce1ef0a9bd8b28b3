package watch

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
)

// A room is looked at again soon where a recorder is on the way, or has just come and does not
// show yet what it records: a recording that is short is remembered, too. In peace it is not.
func TestExpects(t *testing.T) {
	now := time.Now()
	came := func(ago time.Duration, recording string) *Room {
		return &Room{Recorders: []Recorder{{Identity: "r", Joined: now.Add(-ago), Recording: recording}}}
	}
	for _, test := range []struct {
		name  string
		trail trail
		room  *Room
		sends bool
		rests time.Duration
		want  bool
	}{
		{"nobody is there, and nobody was sent for", trail{}, &Room{}, false, 0, false},
		{"somebody was sent for now", trail{}, &Room{}, true, 0, true},
		{"all were full, so nobody comes for a while", trail{}, &Room{}, false, time.Minute, false},
		{"a recording lost its recorder", trail{last: "a", seen: now}, &Room{}, false, time.Minute, true},
		{"the same, and the next is sent for soon in any case", trail{last: "a", seen: now}, &Room{}, false, time.Second, false},
		{"came, and shows nothing yet", trail{}, came(time.Second, ""), false, 0, true},
		{"shows nothing for long", trail{}, came(time.Minute, ""), false, 0, false},
		{"shows its recording", trail{}, came(time.Second, "a"), false, 0, false},
	} {
		k := &known{trail: test.trail}
		k.trail.follow(now, test.room, true)
		var a Actions
		if test.sends {
			a.Create = "policy"
		}
		if got := k.expects(now, test.room, a, test.rests); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

// A recording whose recorder is lost while nobody watches, and that was noted before, is named by the
// next one all the same; and where the room was empty in between, it is not.
func TestNotes(t *testing.T) {
	p := policies(t, map[string]string{"all": "rooms: ['*']\n"})
	for _, test := range []struct {
		name  string
		n     int  // watchers
		empty bool // people leave, and come back
	}{{"one", 1, false}, {"two", 2, false}, {"people left", 1, true}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(t, 1, 1, true)
				r := s.open("room", 1)
				_, end := watches(t, s, test.n, p)
				time.Sleep(3 * time.Minute)
				s.mu.Lock()
				if n := len(r.dispatches); n != 2 || len(r.members) != 1 || s.others > 2 {
					t.Fatalf("%d recorders by %d dispatches; %d were made that nobody takes", len(r.members), n, s.others)
				}
				first := r.members[0].shown()["sealtape.recording"]
				s.mu.Unlock()
				end()
				s.mu.Lock()
				s.wound(s.workers[0], false)
				s.mu.Unlock()
				time.Sleep(time.Minute) // it is listed no more
				want := first
				_, end = watches(t, s, test.n, p)
				time.Sleep(time.Minute)
				if test.empty {
					want = ""
					people := func(n int) { s.mu.Lock(); r.people = n; s.mu.Unlock() }
					people(0)
					time.Sleep(time.Minute)
					end()
					people(1)
					_, end = watches(t, s, test.n, p)
					time.Sleep(time.Minute)
				}
				s.mu.Lock()
				s.begin()
				s.mu.Unlock()
				time.Sleep(3 * time.Minute)
				s.mu.Lock()
				if len(r.members) != 1 || r.members[0].before != want {
					t.Errorf("%d recorders, and the next one goes on with %q, want %q", len(r.members), r.members[0].before, want)
				}
				notes := 0
				for _, d := range r.dispatches {
					if d.AgentName == noted(s.agent) {
						notes++
					}
				}
				if notes != 1 || s.others > 4 {
					t.Errorf("%d notes, %d were made", notes, s.others)
				}
				s.mu.Unlock()
				end()
			})
		})
	}
}

// What is noted in a room, and which notes go.
func TestNote(t *testing.T) {
	now := time.Now()
	note := func(all ...string) (notes []Note) {
		for _, of := range all {
			notes = append(notes, Note{ID: "AD_" + of, Recording: of})
		}
		return notes
	}
	by := func(recording string) []Recorder {
		return []Recorder{{Identity: "r", Joined: now, Recording: recording}}
	}
	for _, test := range []struct {
		name   string
		trail  trail
		room   Room
		wanted bool
		what   string
		old    int
		last   string
		told   string
	}{
		{"it records", trail{}, Room{Recorders: by("a")}, true, "a", 0, "a", ""},
		{"and is noted", trail{last: "a", seen: now}, Room{Recorders: by("a"), Notes: note("a")}, true, "", 0, "a", ""},
		{"noted twice", trail{last: "a", seen: now}, Room{Recorders: by("a"), Notes: note("a", "a")}, true, "", 1, "a", ""},
		{"another goes on", trail{last: "a", seen: now}, Room{Recorders: by("b"), Notes: note("a")}, true, "", 0, "a", "a"},
		{"somebody else watched before", trail{}, Room{Recorders: by("b"), Notes: note("a")}, true, "", 0, "a", "a"},
		{"it was told", trail{last: "a", seen: now, told: visit(&by("b")[0])}, Room{Recorders: by("b"), Notes: note("a")}, true, "b", 1, "b", ""},
		{"the same, and it is not known yet what it makes", trail{}, Room{Recorders: by(""), Notes: note("a")}, true, "", 0, "a", "a"},
		{"nobody records", trail{}, Room{Notes: note("a")}, true, "", 0, "a", ""},
		{"nobody should", trail{}, Room{Notes: note("a")}, false, "", 1, "", ""},
		{"nobody should any more", trail{last: "a", seen: now}, Room{Notes: note("a")}, false, "", 1, "", ""},
		{"nobody did for long", trail{last: "a", seen: now.Add(-2 * trailFor)}, Room{Notes: note("a")}, true, "", 1, "", ""},
		{"so it was forgotten", trail{over: true}, Room{Notes: note("a")}, true, "", 1, "", ""},
		{"and another begins", trail{over: true}, Room{Recorders: by("b"), Notes: note("a")}, true, "b", 1, "b", ""},
		{"another watcher knows of the next one", trail{last: "a", seen: now}, Room{Notes: note("b")}, true, "", 0, "a", ""},
		{"a note says nothing", trail{}, Room{Recorders: by("a"), Notes: note("")}, true, "a", 1, "a", ""},
	} {
		whom, told := test.trail.follow(now, &test.room, test.wanted)
		what, old := test.trail.note(&test.room)
		if (whom != nil) != (told != "") || told != test.told || what != test.what || len(old) != test.old || test.trail.last != test.last {
			t.Errorf("%s: %q is noted and %d go, %q is told, and %q remembered", test.name, what, len(old), told, test.trail.last)
		}
	}
}

// What stands in a note is anybody's who may dispatch.
func TestNoteOf(t *testing.T) {
	for metadata, want := range map[string]string{
		`{"recording":"F2JE7ZY04P971PR0YHVBFNECP0"}`:                  "F2JE7ZY04P971PR0YHVBFNECP0",
		`{"recording":"` + strings.Repeat("A", maxRecording) + `"}`:   strings.Repeat("A", maxRecording),
		`{"recording":"` + strings.Repeat("A", maxRecording+1) + `"}`: "",
		`{"recording":"A"` + strings.Repeat(" ", maxText) + `}`:       "",
		`{"recording":7}`: "", `{}`: "", ``: "", `[]`: "", `{"recording`: "",
	} {
		all := []*lkproto.AgentDispatch{{Id: "AD_1", AgentName: noted("sealtape"), Metadata: metadata}, {AgentName: noted("other"), Metadata: metadata}}
		var r Room
		r.asked(all, "sealtape", 0)
		if len(r.Notes) != 1 || r.Notes[0].ID != "AD_1" || r.Notes[0].Recording != want || len(r.Dispatches) != 0 {
			t.Errorf("%s: %+v", metadata, r)
		}
	}
	var r Room
	r.asked(slices.Repeat([]*lkproto.AgentDispatch{{AgentName: noted("sealtape")}}, 2*maxNotes), "sealtape", 0)
	if len(r.Notes) != maxNotes {
		t.Errorf("%d notes are looked at", len(r.Notes))
	}
}
