package ui

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
	h := Hint{"let nobody\x1b else\nread it", []string{"chmod 0600 " + ShellWord("it's; rm -r *")}}
	if got, want := strings.Join(h.Lines(), "\n"), "hint: let nobody\\u{1b} else read it\n    chmod 0600 'it'\\''s; rm -r *'"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := h.String(); !strings.HasSuffix(got, `read it: chmod 0600 'it'\''s; rm -r *'`) {
		t.Errorf("got %q", got)
	}
	for s, want := range map[string]string{"": "''", "-x": "'-x'", "/a/b_c-1.card": "/a/b_c-1.card", "Bob B": "'Bob B'", "$(x)": "'$(x)'", "a\nb": "'a\nb'"} {
		if got := ShellWord(s); got != want {
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
		{errors.Join(archive.ErrDenied, context.Canceled), ExitFailed, ""}, // whatever else came of it
		{errors.New("something else"), ExitFailed, ""},
		{Misuse("no: %w", &keys.PermissionError{Path: "f", Want: 0o600}), ExitUsage, ""},
		{fmt.Errorf("opening: %w", &keys.PermissionError{Path: "f", Want: 0o600}), ExitFailed, "let nobody else"},
		{errors.Join(archive.ErrDenied, syscall.EROFS, fs.ErrPermission), ExitFailed, "the folder is on a file system that is read-only"},
		{errors.Join(archive.ErrDenied, fs.ErrPermission), ExitFailed, "check who owns the folder"},
		{archive.ErrDenied, ExitFailed, "check AWS_ACCESS_KEY_ID"},
		{fs.ErrPermission, ExitFailed, "check who owns it"},
		{&archive.CorruptError{}, ExitUnverified, "see what is wrong"},
		{fmt.Errorf("x: %w", archive.ErrNoKey), ExitNoKey, "only its readers"},
	} {
		code, h := Known(tt.err)
		if code != tt.code || !strings.HasPrefix(h.Why, tt.why) || (tt.why == "") != (h.Why == "") {
			t.Errorf("%v: %d, %q; want %d, %q", tt.err, code, h, tt.code, tt.why)
		}
	}
}
