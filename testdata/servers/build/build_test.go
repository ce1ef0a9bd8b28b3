//go:build unix

package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
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
	if !slices.Contains(Env(), "HOME="+dir) {
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

func TestEnv(t *testing.T) {
	t.Setenv("GOOGLE_API_KEY", "secret")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("GOFLAGS", "-mod=mod")
	env := Env()
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

// What the go command says is counted, and said while it works.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		w := watch("it", func(s string) { told = append(told, s) })
		say := func(s string) {
			if n, err := w.Write([]byte(s)); n != len(s) || err != nil {
				t.Fatal(n, err)
			}
			time.Sleep(tellEvery)
			synctest.Wait()
		}
		say("")
		say("go: downloading example.org/a v1.2.3\ngo: downloading exa")
		say("mple.org/b v1.0.0\nexample.org/a/b\n")
		say("internal/cpu\n# example.org/a\na.go:1:1: no\n")
		w.stop()
		want := []string{"it: looking for what has changed", "it: looking for what has changed", "it: 1 modules downloaded", "it: 1 packages compiled", "it: 2 packages compiled"}
		if !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		if got := w.said(); got != "# example.org/a\na.go:1:1: no\n" {
			t.Errorf("kept %q to show where it fails", got)
		}
	})
}

// A line is written at least every five seconds, about all that goes on.
func TestAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		work := func(name string, d time.Duration, err error) Job {
			return func(ctx context.Context, progress func(string)) error {
				progress(name)
				select {
				case <-time.After(d):
					return err
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		if err := All(t.Context(), &b, work("one", 9*time.Second, nil), work("two", 5*time.Second, nil)); err != nil {
			t.Error(err)
		}
		if got, want := b.String(), "  0:04  one; two\n  0:08  one\n"; got != want {
			t.Errorf("wrote %q, want %q", got, want)
		}
		broken := errors.New("broken")
		begun := time.Now()
		if err := All(t.Context(), &b, work("one", time.Hour, nil), work("two", time.Second, broken)); !errors.Is(err, broken) {
			t.Errorf("got %v, want the error of the second", err)
		}
		if time.Since(begun) > time.Second {
			t.Error("the other went on")
		}
	})
}

// A package that is not there says so, in the go command's words.
func TestGoFails(t *testing.T) {
	err := Go(t.Context(), t.TempDir(), Env(), "nothing", func(string) {}, "build", "./nowhere")
	if err == nil || !strings.Contains(err.Error(), "could not build nothing") || !strings.Contains(err.Error(), "go: ") {
		t.Errorf("got %v", err)
	}
}

// The standard library is built where a program is missing, and only there.
func TestStd(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("PATH", "") // whoever builds is found out
	there, missing := Program{Name: "there", Version: "v1"}, Program{Name: "missing", Version: "v1"}
	if err := os.MkdirAll(filepath.Join(cache, "sealtape", "bin", "there-v1"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(there.path(cache), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Std(there)(t.Context(), nil); err != nil {
		t.Errorf("all is there: %v", err)
	}
	if err := Std(there, missing)(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "the standard library") {
		t.Errorf("one is missing: %v", err)
	}
}
