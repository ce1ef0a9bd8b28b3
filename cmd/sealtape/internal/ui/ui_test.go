package ui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
)

func TestExit(t *testing.T) {
	secret := errors.New("it failed")
	tests := []struct {
		name string
		err  error
		code int
		want string
	}{
		{"none", nil, 0, ""},
		{"any", secret, 1, "sealtape: it failed\n"},
		{"hinted", Hinted(secret, "mend it"), 1, "sealtape: it failed\nhint: mend it\n"},
		{"hinted nil", Hinted(nil, "mend it"), 0, ""},
		{"code", ExitWith(3, secret), 3, "sealtape: it failed\n"},
		{"code and hint", ExitWith(4, Hinted(secret, "mend it")), 4, "sealtape: it failed\nhint: mend it\n"},
		{"hint and code", Hinted(ExitWith(4, secret), "mend it"), 4, "sealtape: it failed\nhint: mend it\n"},
		{"quiet", ExitWith(3, nil), 3, ""},
		{"usage", UsageError{secret, "sealtape list"}, 2, "sealtape: it failed\nhint: see sealtape list --help\n"},
		{"wrapped", fmt.Errorf("outside: %w", ExitWith(5, Hinted(secret, "mend it"))), 5, "sealtape: outside: it failed\nhint: mend it\n"},
		{"interrupted", fmt.Errorf("reading: %w", context.Canceled), 1, "sealtape: interrupted\n"},
		{"escapes", errors.New("bad \x1b[2J"), 1, "sealtape: bad \\u{1b}[2J\n"},
		{"no key", fmt.Errorf("x: %w", archive.ErrNoKey), 5, "sealtape: x: none of the identities opens it\nhint: only its readers can open it; see who you are here\n    sealtape keys show\n"},
		{"own hint instead", Hinted(fmt.Errorf("x: %w", fs.ErrExist), "mine"), 1, "sealtape: x: file already exists\nhint: mine\n"},
		{"mode", &keys.PermissionError{Path: "id.txt", Mode: 0o644, Want: 0o600}, 1, "sealtape: id.txt can be read by others (mode 0644)\nhint: let nobody else read or change it\n    chmod 0600 id.txt\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			e := &Env{Stdout: &out, Stderr: &errOut}
			if code := e.Exit(tt.err); code != tt.code || errOut.String() != tt.want || out.Len() > 0 {
				t.Errorf("code %d, printed %q and %q, want %d and %q", code, errOut.String(), out.String(), tt.code, tt.want)
			}
		})
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// A result that did not reach standard output is no success.
func TestLostOutput(t *testing.T) {
	var errOut bytes.Buffer
	e := &Env{Stdout: fullDisk{}, Stderr: &errOut}
	e.Printf("result\n")
	if code := e.Exit(nil); code != 1 || errOut.String() != "sealtape: writing to standard output: no space left on device\n" {
		t.Errorf("code %d, printed %q", code, errOut.String())
	}
	if e.Table([][]string{{"a"}}) == nil || e.JSON(1) == nil {
		t.Error("a lost table or document is no error")
	}
}

func TestNotes(t *testing.T) {
	var errOut bytes.Buffer
	e := &Env{Stderr: &errOut}
	e.Notef("one\ntwo %s", "\x1b[2J")
	e.Warnf("three %s", "\n\r")
	if want := "one\ntwo \\u{1b}[2J\nsealtape: warning: three  \\u{d}\n"; errOut.String() != want {
		t.Errorf("printed %q, want %q", errOut.String(), want)
	}
}
