//go:build unix

package systemd

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/systemd/systemdtest"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
)

func TestService(t *testing.T) {
	m := systemdtest.New(t)
	t.Setenv("NOTIFY_SOCKET", m.Path)
	t.Setenv("WATCHDOG_USEC", "20000000")
	t.Setenv("WATCHDOG_PID", "")
	s, err := New()
	if err != nil || s == nil {
		t.Fatal(s, err)
	}
	for _, v := range Vars {
		if _, set := os.LookupEnv(v); set {
			t.Errorf("%s is left for the programs that we start", v)
		}
	}
	if s.every() != time.Second || s.watchdog != 20*time.Second {
		t.Errorf("beats every %v, watchdog %v", s.every(), s.watchdog)
	}
	now := time.Unix(1_800_000_000, 0)
	v := bot.Status{Status: recorder.Status{State: recorder.StateStarting}}
	for _, tt := range []struct {
		after time.Duration
		do    func()
		want  []string
	}{
		{0, func() {}, []string{"STATUS=starting", "WATCHDOG=1"}},
		{time.Second, func() {
			v.State, v.Started, v.Participants, v.Tracks = recorder.StateRecording, now, 1, 2
		}, []string{"READY=1", "STATUS=recording, 1 person, 2 tracks"}},
		{time.Second, func() { v.Alive = now }, nil},
		{4 * time.Second, func() { v.Alive = now }, []string{"WATCHDOG=1"}},
		{time.Second, func() { v.Objects, v.Segments = 2, 1 }, []string{"STATUS=recording, 1 person, 2 tracks, 2 objects wait for the store"}},
		{10 * time.Minute, func() { v.Alive, v.Oldest = now, 10*time.Minute },
			[]string{"STATUS=recording, 1 person, 2 tracks, 2 objects wait for the store; uploading is stuck: 2 objects wait in the spool, for up to 10:00", "WATCHDOG=1"}},
		{time.Second, func() { v.Objects, v.Oldest = 0, 0 }, []string{"STATUS=recording, 1 person, 2 tracks, all stored"}},
		{time.Minute, func() {}, []string{"STATUS=recording, 1 person, 2 tracks, all stored; sealing is stuck: nothing was written for 1:01"}}, // and no WATCHDOG
		{time.Second, func() { s.Stopping(); s.Stopping(); v.Alive, v.State = now, recorder.StateEnded },
			[]string{"STOPPING=1", "STATUS=ended, all stored", "WATCHDOG=1"}},
	} {
		now = now.Add(tt.after)
		tt.do()
		s.beat(v, now)
		if got := m.Heard(); !slices.Equal(got, tt.want) {
			t.Errorf("heard %q, want %q", got, tt.want)
		}
	}

	// Nobody listens any more: that is told once, and holds up nothing.
	var said bytes.Buffer
	s.log, s.addr = slog.New(slog.NewTextHandler(&said, nil)), &net.UnixAddr{Name: m.Path + "-gone", Net: "unixgram"}
	for range 3 {
		now = now.Add(time.Minute)
		s.beat(v, now)
	}
	if n := strings.Count(said.String(), "could not be told"); n != 1 {
		t.Errorf("told %d times:\n%s", n, &said)
	}

	// A watch kept on another process is not for us, and no manager is none.
	t.Setenv("NOTIFY_SOCKET", m.Path)
	t.Setenv("WATCHDOG_USEC", "1000000")
	t.Setenv("WATCHDOG_PID", "1")
	if s, err := New(); err != nil || s == nil || s.watchdog != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	none, err := New()
	if err != nil || none != nil {
		t.Errorf("%+v, %v", none, err)
	}
	none.beat(v, now)
	none.Stopping()
	if got := m.Heard(); got != nil {
		t.Errorf("heard %q", got)
	}
}
