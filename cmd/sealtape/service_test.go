//go:build unix

package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/livekit"
)

// A manager is a service manager's socket, which it reads all the time.
type manager struct {
	t     *testing.T
	path  string
	lines chan []string // of a datagram
}

func newManager(t *testing.T) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	m := &manager{t: t, path: filepath.Join(dir, "notify"), lines: make(chan []string, 10_000)}
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(m.lines)
		b := make([]byte, 4096)
		for {
			n, err := c.Read(b)
			if err != nil {
				return // closed
			}
			m.lines <- strings.Split(string(b[:n]), "\n")
		}
	}()
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return m
}

// heard returns the lines that were sent since the last call.
func (m *manager) heard() (all []string) {
	m.t.Helper()
	const mark = "no more yet" // datagrams come in the order in which they were sent
	if err := (&service{addr: &net.UnixAddr{Name: m.path, Net: "unixgram"}}).send(mark); err != nil {
		m.t.Fatal(err)
	}
	for lines := range m.lines {
		if lines[0] == mark {
			break
		}
		all = append(all, lines...)
	}
	return all
}

func TestService(t *testing.T) {
	m := newManager(t)
	t.Setenv("NOTIFY_SOCKET", m.path)
	t.Setenv("WATCHDOG_USEC", "20000000")
	t.Setenv("WATCHDOG_PID", "")
	s, err := newService()
	if err != nil || s == nil {
		t.Fatal(s, err)
	}
	for _, v := range notifyVars {
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
		{time.Second, func() { s.stopping(); s.stopping(); v.Alive, v.State = now, recorder.StateEnded },
			[]string{"STOPPING=1", "STATUS=ended, all stored", "WATCHDOG=1"}},
	} {
		now = now.Add(tt.after)
		tt.do()
		s.beat(v, now)
		if got := m.heard(); !slices.Equal(got, tt.want) {
			t.Errorf("heard %q, want %q", got, tt.want)
		}
	}

	// Nobody listens any more: that is told once, and holds up nothing.
	var said bytes.Buffer
	s.log, s.addr = slog.New(slog.NewTextHandler(&said, nil)), &net.UnixAddr{Name: m.path + "-gone", Net: "unixgram"}
	for range 3 {
		now = now.Add(time.Minute)
		s.beat(v, now)
	}
	if n := strings.Count(said.String(), "could not be told"); n != 1 {
		t.Errorf("told %d times:\n%s", n, &said)
	}

	// A watch kept on another process is not for us, and no manager is none.
	t.Setenv("NOTIFY_SOCKET", m.path)
	t.Setenv("WATCHDOG_USEC", "1000000")
	t.Setenv("WATCHDOG_PID", "1")
	if s, err := newService(); err != nil || s == nil || s.watchdog != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	none, err := newService()
	if err != nil || none != nil {
		t.Errorf("%+v, %v", none, err)
	}
	none.beat(v, now)
	none.stopping()
	if got := m.heard(); got != nil {
		t.Errorf("heard %q", got)
	}
}

// The unit calls record as it can be called, and is one that systemd takes.
func TestUnitFile(t *testing.T) {
	line := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/sealtape record (.*)$`).FindStringSubmatch(unitFile)
	if line == nil {
		t.Fatal("no ExecStart")
	}
	flags := regexp.MustCompile(`--[a-z0-9-]+`).FindAllString(line[1], -1)
	if len(flags) != 4 {
		t.Errorf("flags %q", flags)
	}
	for _, f := range flags {
		if !isFlag(recordCommand().Flags, f) && !isFlag(logFlags(), f) {
			t.Errorf("record has no flag %s", f)
		}
	}
	// It starts again after what a recorder exits with when the meeting may go on.
	lost, _ := explain(explainEnd(recorder.Report{Cause: livekit.ErrLost}))
	for _, never := range regexp.MustCompile(`(?m)^(?:SuccessExitStatus|RestartPreventExitStatus)=(.*)$`).FindAllStringSubmatch(unitFile, -1) {
		if slices.Contains(strings.Fields(never[1]), fmt.Sprint(lost)) {
			t.Errorf("it does not start again after a room was lost, exit code %d", lost)
		}
	}
	if !strings.Contains(unitFile, "\nRestart=on-failure\n") || !strings.Contains(unitFile, "\nStartLimitIntervalSec=0\n") {
		t.Error("it does not start again, or not for as long as it takes")
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not here to hold the unit against")
		return
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// A program that is there, and no units of this machine.
	unit := strings.ReplaceAll(unitFile, "/usr/local/bin/sealtape", self)
	if err := os.WriteFile(filepath.Join(dir, "sealtape@.service"), []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(analyze, "verify", "--man=no", "--recursive-errors=no", filepath.Join(dir, "sealtape@weekly.service"))
	out, err := cmd.CombinedOutput()
	if bytes.Contains(out, []byte("sealtape@")) && bytes.Contains(out, []byte("nknown")) || err != nil && !bytes.Contains(out, []byte("ailed to")) {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("systemd-analyze: %v %s", err, out)
}
