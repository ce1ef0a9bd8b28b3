package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
)

// A command in a hint is alone on its line, and nothing in it is a shell's to read.
func TestHintLines(t *testing.T) {
	h := hint{"let nobody\x1b else\nread it", []string{"chmod 0600 " + shellWord("it's; rm -r *")}}
	if got, want := strings.Join(h.lines(), "\n"), "hint: let nobody\\u{1b} else read it\n    chmod 0600 'it'\\''s; rm -r *'"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := h.String(); !strings.HasSuffix(got, `read it: chmod 0600 'it'\''s; rm -r *'`) {
		t.Errorf("got %q", got)
	}
	for s, want := range map[string]string{"": "''", "-x": "'-x'", "/a/b_c-1.card": "/a/b_c-1.card", "Bob B": "'Bob B'", "$(x)": "'$(x)'", "a\nb": "'a\nb'"} {
		if got := shellWord(s); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}

// The first line of the table that fits an error is the one that says most of it.
func TestAnswers(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code int
		why  string
	}{
		{errors.Join(archive.ErrDenied, context.Canceled), exitFailed, ""}, // whatever else came of it
		{errors.New("something else"), exitFailed, ""},
		{misuse("no: %w", &keys.PermissionError{Path: "f", Want: 0o600}), exitUsage, ""},
		{fmt.Errorf("opening: %w", &keys.PermissionError{Path: "f", Want: 0o600}), exitFailed, "let nobody else"},
		{errors.Join(archive.ErrDenied, syscall.EROFS, fs.ErrPermission), exitFailed, "the folder is on a file system that is read-only"},
		{errors.Join(archive.ErrDenied, fs.ErrPermission), exitFailed, "check who owns the folder"},
		{archive.ErrDenied, exitFailed, "check AWS_ACCESS_KEY_ID"},
		{fs.ErrPermission, exitFailed, "check who owns it"},
		{&archive.CorruptError{}, exitUnverified, "see what is wrong"},
		{fmt.Errorf("x: %w", archive.ErrNoKey), exitNoKey, "only its readers"},
	} {
		code, h := known(tt.err)
		if code != tt.code || !strings.HasPrefix(h.why, tt.why) || (tt.why == "") != (h.why == "") {
			t.Errorf("%v: %d, %q; want %d, %q", tt.err, code, h, tt.code, tt.why)
		}
	}
}
