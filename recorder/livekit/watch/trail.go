package watch

import (
	"fmt"
	"slices"
	"time"
)

// beforeAttribute is shown beside a recorder: which recording of the meeting lost its
// recorder before. A recorder's home knows only what was recorded there, and the store knows
// no rooms; whoever watches saw both.
const beforeAttribute = "sealtape.follows"

const (
	// trailFor is how long a recording that lost its recorder is remembered.
	trailFor = time.Hour
	// tellEvery is how often it is looked for a recorder that is on the way.
	tellEvery = 2 * time.Second
	// freshFor is how long after it came a recorder may take to show what it records.
	freshFor = 15 * time.Second
	// maxRecording bounds the ID of a recording, in bytes.
	maxRecording = 64
)

// A trail is what is remembered of the recordings of a room; the server has a note of it, for
// whoever begins anew. What recorders show, the server can change: so a recorder takes it for
// the server's word.
type trail struct {
	last    string    // the ID of the recording that is made, or was made last; "" for none
	seen    time.Time // when it was made
	current bool      // it is made now, as far as is known
	noted   bool      // the server has a note of it
	over    bool      // nothing goes on with what was recorded before
	told    string    // the visit of the recorder that was told of it
}

// visit tells the visits of recorders apart.
func visit(r *Recorder) string { return fmt.Sprint(r.Joined.UnixMilli(), " ", r.Identity) }

// follow takes in what is seen of a room, which is wanted if somebody should record it, and
// returns who is to be told of the recording before; nil for nobody.
func (t *trail) follow(now time.Time, r *Room, wanted bool) (whom *Recorder, before string) {
	t.current = false
	if n := len(r.Notes); n > 0 && t.last == "" && !t.over && (wanted || len(r.Recorders) > 0) {
		t.last, t.seen = r.Notes[n-1].Recording, now
	}
	if len(r.Recorders) == 0 {
		if !wanted || t.last != "" && now.Sub(t.seen) > trailFor {
			*t = trail{over: true}
		}
		return nil, ""
	}
	if i := slices.IndexFunc(r.Recorders, func(r Recorder) bool { return r.Recording == t.last }); t.last != "" && i >= 0 {
		t.seen, t.current = now, true
		return nil, ""
	}
	// The first to come stays.
	one := &r.Recorders[0]
	if t.last != "" && one.Before == "" && visit(one) != t.told {
		whom, before = one, t.last
	}
	if whom == nil && one.Recording != "" && len(one.Recording) <= maxRecording {
		t.last, t.seen, t.current, t.over = one.Recording, now, true, false
	}
	return whom, before
}
