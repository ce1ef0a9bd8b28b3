// Package systemd tells the service manager that started a recorder how it goes, and has
// the unit that it can be started by.
package systemd

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
)

// Unit is a unit for systemd, which "sealtape doctor --unit" prints.
//
//go:embed sealtape@.service
var Unit string

// Vars are how a service manager says where it listens. They are taken
// out of the environment, so that no program we start speaks for us.
var Vars = []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}

// A Service tells a service manager how a recording goes, as sd_notify(3) says.
// Its methods are safe for concurrent use; those of nil do nothing.
type Service struct {
	addr     *net.UnixAddr
	watchdog time.Duration // 0: it keeps no watch
	log      *slog.Logger

	mu     sync.Mutex
	ready  bool
	over   bool
	status string    // the last that was told
	fed    time.Time // when the watchdog last was
	deaf   bool      // telling failed, and that was logged
}

// New returns the service manager that started us, nil if none did. It takes what tells
// of that from the environment.
func New() (*Service, error) {
	name := os.Getenv("NOTIFY_SOCKET")
	interval, err := daemon.SdWatchdogEnabled(false)
	if name == "" || err != nil {
		interval = 0 // a variable that is not for us
	}
	for _, v := range Vars {
		if err := os.Unsetenv(v); err != nil {
			return nil, err
		}
	}
	if name == "" {
		return nil, nil
	}
	return &Service{addr: &net.UnixAddr{Name: name, Net: "unixgram"}, watchdog: interval}, nil
}

// LogTo has it logged where the service manager cannot be told. It is called before
// anything else.
func (s *Service) LogTo(log *slog.Logger) {
	if s != nil {
		s.log = log
	}
}

// every is how often beat should be called.
func (s *Service) every() time.Duration {
	if s == nil || s.watchdog == 0 {
		return time.Second
	}
	return max(10*time.Millisecond, min(time.Second, s.watchdog/3))
}

// Watch tells how it goes until ctx ends.
func (s *Service) Watch(ctx context.Context, status func() bot.Status) {
	tick := time.NewTicker(s.every())
	defer tick.Stop()
	for {
		s.beat(status(), time.Now())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// beat tells what there is to tell: that the recording runs, when it first does;
// how it goes, when that changed; and that the recorder is at work, unless it
// hangs. Only that ends the watch, for a restart mends no store and no network.
func (s *Service) beat(v bot.Status, now time.Time) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	if v.State == recorder.StateRecording && !s.ready && !s.over {
		s.ready = true
		lines = append(lines, daemon.SdNotifyReady)
	}
	if text := statusText(v, now); text != s.status {
		s.status = text
		lines = append(lines, "STATUS="+text)
	}
	if s.watchdog > 0 && now.Sub(s.fed) >= s.watchdog/4 && !v.Hangs(now) {
		s.fed = now
		lines = append(lines, daemon.SdNotifyWatchdog)
	}
	s.tell(lines)
}

// Ready tells, once, that the service works, and how.
func (s *Service) Ready(status string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ready && !s.over {
		s.ready, s.status = true, status
		s.tell([]string{daemon.SdNotifyReady, "STATUS=" + status})
	}
}

// Feed tells that the service is at work while alive says so, until ctx ends.
func (s *Service) Feed(ctx context.Context, alive func() bool) {
	if s == nil || s.watchdog == 0 {
		return
	}
	tick := time.NewTicker(s.every())
	defer tick.Stop()
	for {
		if alive() {
			s.mu.Lock()
			if now := time.Now(); now.Sub(s.fed) >= s.watchdog/4 {
				s.fed = now
				s.tell([]string{daemon.SdNotifyWatchdog})
			}
			s.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Stopping tells, once, that the recording comes to its end.
func (s *Service) Stopping() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.over = true
		s.tell([]string{daemon.SdNotifyStopping})
	}
}

// tell sends lines, if there are any. Called locked.
func (s *Service) tell(lines []string) {
	if len(lines) == 0 {
		return
	}
	if err := s.send(strings.Join(lines, "\n")); err != nil && !s.deaf {
		s.deaf = true
		s.log.Warn("the service manager could not be told how it goes", "err", err)
	}
}

func (s *Service) send(text string) error {
	c, err := net.DialUnix(s.addr.Net, nil, s.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	// A service manager that does not read must not hold up anything.
	if err := c.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	_, err = c.Write([]byte(text))
	return err
}

// statusText is a line for people, without anybody's name.
func statusText(v bot.Status, now time.Time) string {
	text := string(v.State)
	if !v.Started.IsZero() && v.State != recorder.StateEnded {
		text += fmt.Sprintf(", %s, %s", words.People(v.Participants), words.Count(v.Tracks, "track"))
	}
	switch {
	case v.Objects > 0:
		text += ", " + words.Waits(v.Objects) + " for the store"
	case v.Segments > 0:
		text += ", all stored"
	}
	if p := v.Problems(now); len(p) > 0 {
		text += "; " + strings.Join(p, "; ")
	}
	return text
}
