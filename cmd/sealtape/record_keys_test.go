//go:build unix

package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/internal/workers"
	"github.com/sealtape/sealtape/recorder/bot/livekitroom"
)

// A synced buffer takes a log from another goroutine, and tells of each line.
type synced struct {
	mu    sync.Mutex
	text  bytes.Buffer
	lines chan struct{}
}

func (s *synced) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(b)
	s.lines <- struct{}{}
	return len(b), nil
}

func TestHangUpReadsTheKeysAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"shared": {"0": {"passphrase": "hunter2"}}}`)
	k, err := livekitroom.ReadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	out := &synced{lines: make(chan struct{}, 8)}
	var g workers.Group
	watchKeys(t.Context(), &g, k, slog.New(slog.NewTextHandler(out, nil)))
	ring := k.Keyring("whoever")
	hang := func() {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		<-out.lines
	}
	write(`{"shared": {"0": {"passphrase": "hunter2"}, "4": {"passphrase": "hunter3"}}}`)
	hang()
	if !ring.Has(4) {
		t.Error("the new key is not there")
	}
	write(`hunter4`)
	hang()
	if !ring.Has(0) || !ring.Has(4) {
		t.Error("a broken file took the keys away")
	}
	if err := g.Stop(); err != nil {
		t.Error(err)
	}
	if log := out.text.String(); !strings.Contains(log, "set=1 removed=0") || !strings.Contains(log, "not valid JSON") || strings.Contains(log, "hunter") {
		t.Errorf("the log says:\n%s", log)
	}
	watchKeys(t.Context(), &g, nil, nil) // a room without keys
}
