package watch

import (
	"testing"
	"time"
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
