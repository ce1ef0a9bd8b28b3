//go:build unix

package engine

import (
	"context"
	"errors"
	"io"
	"testing"
)

func write(text string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
}

func TestRun(t *testing.T) {
	t.Setenv("SEALTAPE_PASSPHRASE", "correct horse")
	for _, tt := range []struct{ line, want string }{
		{"cat", "sound"},
		{"cat {}", "sound"},
		{"cat {} {} > {out}.vtt", "soundsound"},
		{"cat > {out}", "sound"},
		{"true", ""}, // nobody has to read
		{`printf %s "$SEALTAPE_PASSPHRASE"`, ""},
	} {
		if got, err := Run(t.Context(), tt.line, 100, write("sound")); string(got) != tt.want || err != nil {
			t.Errorf("%s: %q, %v", tt.line, got, err)
		}
	}
}

func TestRunFails(t *testing.T) {
	var failed *FailedError
	if _, err := Run(t.Context(), "echo one >&2; echo two >&2; exit 3", 100, write("")); !errors.As(err, &failed) || err.Error() != "the command failed: exit status 3: one; two" {
		t.Error(err)
	}
	for _, line := range []string{"yes", "head -c 101 /dev/zero > {out}"} {
		if _, err := Run(t.Context(), line, 100, write("")); !errors.Is(err, ErrTooMuch) {
			t.Errorf("%s: %v", line, err)
		}
	}
	if _, err := Run(t.Context(), "true {out}", 100, write("")); !errors.As(err, &failed) {
		t.Error(err)
	}
	own := errors.New("no sound")
	for _, line := range []string{"cat", "cat {}"} {
		if _, err := Run(t.Context(), line, 100, func(io.Writer) error { return own }); !errors.Is(err, own) {
			t.Errorf("%s: %v", line, err)
		}
	}
	// The end of the context ends the command and what it started, though these never
	// read or write.
	ctx, cancel := context.WithCancel(t.Context())
	started := func(w io.Writer) error {
		cancel()
		_, err := io.Copy(w, endless{})
		return err
	}
	if _, err := Run(ctx, "sleep 1000 & sleep 1000", 100, started); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }
