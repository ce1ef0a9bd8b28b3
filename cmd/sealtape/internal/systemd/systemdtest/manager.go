//go:build unix

// Package systemdtest is a service manager for tests.
package systemdtest

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A Manager is a service manager's socket, which it reads all the time.
type Manager struct {
	t     *testing.T
	Path  string        // of the socket
	lines chan []string // of a datagram
}

// New returns one that listens until the test ends.
func New(t *testing.T) *Manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	m := &Manager{t: t, Path: filepath.Join(dir, "notify"), lines: make(chan []string, 10_000)}
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.Path, Net: "unixgram"})
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

// Heard returns the lines that were sent since the last call.
func (m *Manager) Heard() (all []string) {
	m.t.Helper()
	const mark = "no more yet" // datagrams come in the order in which they were sent
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: m.Path, Net: "unixgram"})
	if err == nil {
		_, err = c.Write([]byte(mark))
		err = errors.Join(err, c.Close())
	}
	if err != nil {
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
