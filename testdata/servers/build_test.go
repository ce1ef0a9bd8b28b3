//go:build unix

package servers

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Without HOME there is a cache all the same, and it is ours alone.
func TestCacheDirWithoutHome(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("TMPDIR", tmp)
	dir, err := cacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(dir) != tmp {
		t.Errorf("the cache is %s, want it in %s", dir, tmp)
	}
	if again, err := cacheDir(); err != nil || again != dir {
		t.Errorf("the second time: %s, %v", again, err)
	}
	if !slices.Contains(buildEnv(), "HOME="+dir) {
		t.Error("the go command gets no HOME")
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := cacheDir(); err == nil {
		t.Error("accepted a folder that others write to")
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), dir); err != nil {
		t.Fatal(err)
	}
	if _, err := cacheDir(); err == nil {
		t.Error("followed a link")
	}
}

func TestBuildEnv(t *testing.T) {
	t.Setenv("GOOGLE_API_KEY", "secret")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("GOFLAGS", "-mod=mod")
	env := buildEnv()
	if slices.ContainsFunc(env, func(v string) bool { return strings.HasSuffix(v, "=secret") }) {
		t.Errorf("a secret is in %q", env)
	}
	if !slices.Contains(env, "GOFLAGS=-mod=mod") {
		t.Error("GOFLAGS is missing")
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path, func() { t.Error("waited for a free lock") })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := lock(ctx, path, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("a taken lock: got %v, want to wait until cancelled", err)
	}
	// The waiting one gets it when the other lets go.
	unlock2, err := lock(t.Context(), path, unlock)
	if err != nil {
		t.Fatal(err)
	}
	unlock2()
}

func TestLogBuffer(t *testing.T) {
	var b logBuffer
	line := strings.Repeat("x", 999) + "\n"
	for range 2000 {
		if n, err := b.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
		if cap(b.buf) > 6*maxLog {
			t.Fatalf("the buffer takes %d bytes", cap(b.buf))
		}
	}
	b.Write([]byte("the end"))
	if got := b.String(); len(got) != maxLog || !strings.HasSuffix(got, "\nthe end") {
		t.Errorf("kept %d bytes, ending in %q", len(got), got[max(0, len(got)-10):])
	}
}
