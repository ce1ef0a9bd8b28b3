package bot

import (
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
)

func TestHealth(t *testing.T) {
	start := time.Unix(1000, 0)
	type since = time.Duration // how long ago
	for _, tt := range []struct {
		name    string
		state   recorder.State
		alive   since
		oldest  since
		away    since // for so long it was seen to be
		healthy string
		hangs   bool
	}{
		{"recording", recorder.StateRecording, time.Second, time.Minute, 0, "", false},
		{"hung", recorder.StateRecording, 40 * time.Second, 0, 0, "sealing is stuck: nothing was written for 40.0s", true},
		{"hung, away", recorder.StateReconnecting, 40 * time.Second, 0, 0, "sealing is stuck: nothing was written for 40.0s", true},
		{"full disk", recorder.StateDiskFull, 0, 0, 0, "sealing is stuck: the disk is full", false},
		{"paused", recorder.StatePaused, 0, 0, 0, "", false},
		{"dead store", recorder.StateRecording, 0, 10 * time.Minute, 0, "uploading is stuck: 1 object waits in the spool, for up to 10:00", false},
		{"dead store, at the end", recorder.StateEnded, time.Hour, 10 * time.Minute, 0, "uploading is stuck: 1 object waits in the spool, for up to 10:00", false},
		{"away for a moment", recorder.StateReconnecting, 0, 0, 30 * time.Second, "", false},
		{"lost", recorder.StateReconnecting, 0, 0, 2 * time.Minute, "the room is lost since 2:00", false},
		{"all at once", recorder.StateReconnecting, time.Minute, time.Hour, time.Hour,
			"sealing is stuck: nothing was written for 1:00\nuploading is stuck: 1 object waits in the spool, for up to 1:00:00\nthe room is lost since 1:00:00", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := start.Add(24 * time.Hour)
			m := newMonitor(1)
			m.follow(func() recorder.Status {
				return recorder.Status{Started: start, State: tt.state, Alive: now.Add(-tt.alive)}
			}, func() bool { return false }, func() int { return 0 })
			if tt.oldest > 0 {
				m.backlog.waiting["segments/000007.age"] = waiting{sealedObject(t), now.Add(-tt.oldest), 1}
			}
			m.read(now.Add(-tt.away))
			v := m.read(now)
			if got := strings.Join(v.Problems(now), "\n"); got != tt.healthy {
				t.Errorf("problems: %q, want %q", got, tt.healthy)
			}
			if v.Hangs(now) != tt.hangs {
				t.Errorf("hangs: %v", v.Hangs(now))
			}
		})
	}
	// Media that comes and does not open is an illness when nothing else does.
	for _, tt := range []struct {
		name          string
		state         recorder.State
		first, opened since // ago; 0 is never
		want          string
	}{
		{"for a moment", recorder.StateRecording, 9 * time.Second, 0, ""},
		{"nothing opens", recorder.StateRecording, 12 * time.Second, 0, "nothing is recorded: no media opens since 12.0s: their key has 256 bits"},
		{"others do", recorder.StateRecording, time.Minute, 2 * time.Second, ""},
		{"others did", recorder.StateRecording, time.Minute, 20 * time.Second, "nothing is recorded: no media opens since 20.0s: their key has 256 bits"},
		{"paused", recorder.StatePaused, time.Minute, 0, ""},
	} {
		now := start.Add(time.Hour)
		s := recorder.Status{Started: start, State: tt.state, Alive: now, Unopened: []recorder.Unopened{
			{Name: "Ada", Since: now.Add(-tt.first), Why: "their key has 256 bits"}, {Name: "Ben", Since: now.Add(-time.Second)}}}
		if tt.opened > 0 {
			s.Opened = now.Add(-tt.opened)
		}
		m := newMonitor(1)
		m.follow(func() recorder.Status { return s }, func() bool { return false }, func() int { return 0 })
		v := m.read(now)
		if got := strings.Join(v.Problems(now), "\n"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	// Back for a moment, the room was not lost all the time.
	state, now := recorder.StateReconnecting, start
	m := newMonitor(1)
	m.follow(func() recorder.Status { return recorder.Status{State: state} }, func() bool { return false }, func() int { return 0 })
	for _, s := range []recorder.State{recorder.StateReconnecting, recorder.StateRecording, recorder.StateReconnecting} {
		state, now = s, now.Add(50*time.Second)
		if v := m.read(now); len(v.Problems(now)) > 0 {
			t.Errorf("%s: %v", s, v.Problems(now))
		}
	}
}
