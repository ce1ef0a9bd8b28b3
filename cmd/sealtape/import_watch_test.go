//go:build unix

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/testdata/sample"
)

// films are small recordings of another program, made once.
var films = &fixture[string]{
	create: func(ctx context.Context, _ func(string)) (string, error) {
		dir, err := os.MkdirTemp("", "sealtape-films-")
		if err != nil {
			return "", err
		}
		for name, args := range map[string][]string{
			"film.mp4":  {"-f", "lavfi", "-i", "testsrc=size=160x90:rate=25:duration=3,format=yuv420p", "-f", "lavfi", "-i", "sine=duration=3", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-c:a", "aac"},
			"sound.ogg": {"-f", "lavfi", "-i", "sine=frequency=880:duration=2", "-c:a", "libopus"},
			"other.ogg": {"-f", "lavfi", "-i", "sine=frequency=220:duration=2", "-c:a", "libopus"},
		} {
			args = slices.Concat([]string{"-nostdin", "-v", "error"}, args, []string{filepath.Join(dir, name)})
			if out, err := exec.CommandContext(ctx, "ffmpeg", args...).CombinedOutput(); err != nil {
				return "", fmt.Errorf("ffmpeg %q: %w\n%s", args, err, out)
			}
		}
		return dir, nil
	},
	remove: os.RemoveAll,
}

// put copies one of the films, or any other file, to a path.
func put(t *testing.T, film, path string) (sha string) {
	t.Helper()
	if !filepath.IsAbs(film) {
		film = filepath.Join(films.get(t), film)
	}
	b, err := os.ReadFile(film)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// hashOfFile is "" if there is no file.
func hashOfFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return ""
	} else if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// A watching is a folder that is watched, with who watches it and the store.
type watching struct {
	*lab
	home, folder, store string
}

func newWatching(t *testing.T) *watching {
	t.Helper()
	inRealTime(t)
	w := &watching{lab: newDesk(t)}
	w.home, _ = w.recorder("Ada")
	w.folder, w.store = filepath.Join(w.dir, "incoming"), filepath.Join(w.dir, "store")
	if err := os.Mkdir(w.folder, 0o700); err != nil {
		t.Fatal(err)
	}
	return w
}

// watch starts watching.
func (w *watching) watch(vars []string, args ...string) *process {
	w.t.Helper()
	p := w.begin(w.command(w.home, vars, append([]string{"import", "--watch", w.folder, "--settle", "200ms", "--reader", "Ada", "--store", w.store}, args...)...))
	w.told = p.stderr
	return p
}

// logged waits until the log has so many lines with some words.
func (w *watching) logged(p *process, n int, words string) {
	w.t.Helper()
	w.until(fmt.Sprintf("the log says %d times: %s", n, words), func() bool {
		select {
		case <-p.ended:
			if strings.Count(p.stderr(), words) < n {
				w.t.Fatalf("it ended: %v\n%s", p.cmd.ProcessState, p.stderr())
			}
		default:
		}
		return strings.Count(p.stderr(), words) >= n
	})
}

// recordings returns the IDs of all that is in a store that is a folder.
func (w *watching) recordings() (ids []string) {
	w.t.Helper()
	all, err := os.ReadDir(w.store)
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	for _, d := range all {
		if archive.ValidID(d.Name()) == nil {
			ids = append(ids, d.Name())
		}
	}
	return ids
}

// TestWatch: what comes into a folder is imported when it is complete, once, also after a
// restart and under another name; what cannot be imported is passed over and told; the log
// names nobody.
func TestWatch(t *testing.T) {
	w := newWatching(t)
	sum := put(t, "film.mp4", filepath.Join(w.folder, "CANARY film.mp4"))
	writes, err := os.OpenFile(filepath.Join(w.folder, "CANARY sound.ogg"), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(filepath.Join(films.get(t), "sound.ogg"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writes.Write(sound[:len(sound)/2]); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.folder, "CANARY notes.mp4"), []byte("no film"), 0o600); err != nil {
		t.Fatal(err)
	}

	p := w.watch(nil, "--metrics-addr", "127.0.0.1:0")
	w.logged(p, 1, "msg=imported")
	w.logged(p, 1, "passed over until it changes")
	w.until("the ID is printed", func() bool { return strings.HasSuffix(p.stdout(), "\n") })
	id := strings.TrimSpace(p.stdout())
	if got := w.recordings(); !slices.Equal(got, []string{id}) {
		t.Errorf("the store has %q, and %q was printed", got, id)
	}
	if out := w.must(w.home, "info", id, "--store", w.store); !strings.Contains(out, sum) || !strings.Contains(out, "CANARY film.mp4") {
		t.Errorf("info says\n%s", out)
	}
	addr := regexp.MustCompile(`msg=metrics addr=(\S+)`).FindStringSubmatch(p.stderr())
	if addr == nil {
		t.Fatalf("no address of the metrics in\n%s", p.stderr())
	}
	w.until("the metrics say so", func() bool {
		resp, err := http.Get("http://" + addr[1] + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		return strings.Contains(text, "\nsealtape_import_recordings_total 1\n") && strings.Contains(text, "\nsealtape_import_passed_over_total 1\n") &&
			strings.Contains(text, "\nsealtape_import_waiting_recordings 1\n")
	})

	// Another one on the same keys would import the same.
	if _, errs, code := w.run(w.home, nil, "import", "--watch", w.folder, "--reader", "Ada", "--store", w.store); code != 1 || !strings.Contains(errs, "another process imports with these keys already") {
		t.Errorf("exit code %d\n%s", code, errs)
	}

	// The program that writes is done.
	if _, err := writes.Write(sound[len(sound)/2:]); err != nil {
		t.Fatal(err)
	}
	if err := writes.Close(); err != nil {
		t.Fatal(err)
	}
	w.logged(p, 2, "msg=imported")
	if code := p.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.stderr())
	}
	if strings.Contains(p.stderr(), "CANARY") {
		t.Errorf("the log names a file:\n%s", p.stderr())
	}

	// It starts again: the same files, and a copy, are known.
	put(t, "film.mp4", filepath.Join(w.folder, "again.mp4"))
	p = w.watch(nil, "--log-level", "debug")
	w.logged(p, 1, "was imported before")
	put(t, "other.ogg", filepath.Join(w.folder, "other.ogg"))
	w.logged(p, 1, "msg=imported")
	if code := p.stop(syscall.SIGINT); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.stderr())
	}
	ids := w.recordings()
	if len(ids) != 3 {
		t.Errorf("the store has %q", ids)
	}
	for _, id := range ids {
		w.must(w.home, "verify", id, "--store", w.store)
	}
	if hashOfFile(t, filepath.Join(w.folder, "CANARY film.mp4")) != sum {
		t.Error("the source has changed")
	}

	// What was imported is removed by one who is told to, and so is a copy of it.
	p = w.watch(nil, "--remove-source")
	w.until("the files are removed", func() bool {
		left, err := os.ReadDir(w.folder)
		return err == nil && len(left) == 1
	})
	w.logged(p, 4, "an SSD, a snapshot, a backup or a sync client may still have them")
	if code := p.stop(syscall.SIGTERM); code != 0 || !there(filepath.Join(w.folder, "CANARY notes.mp4")) || len(w.recordings()) != 3 {
		t.Errorf("exit code %d, %q\n%s", code, w.recordings(), p.stderr())
	}
}

// zoom makes a folder as Zoom leaves it, in which the film is missing, and returns where
// it is to be.
func (w *watching) zoom(name string) (film string) {
	w.t.Helper()
	dir := filepath.Join(w.folder, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		w.t.Fatal(err)
	}
	for name, text := range map[string]string{
		"chat.txt":       "14:03:22 From Bob to Everyone:\n\tHello, CANARY\n",
		"recording.conf": `{"items":[{"audio":"","process":100,"video":"zoom_0.mp4"}]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	return filepath.Join(dir, "zoom_0.mp4")
}

// TestWatchZoom: Zoom's folder is one recording, once Zoom has converted it, and what is
// left of it is none.
func TestWatchZoom(t *testing.T) {
	w := newWatching(t)
	path := w.zoom("2026-11-29 14.03.21 CANARY")
	raw := filepath.Join(filepath.Dir(path), "double_click_to_convert_01.zoom")
	if err := os.WriteFile(raw, []byte("raw"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := w.watch(nil, "--remove-source")
	put(t, "other.ogg", filepath.Join(w.folder, "other.ogg")) // which comes later
	w.until("the other one is removed", func() bool { return !there(filepath.Join(w.folder, "other.ogg")) })
	put(t, "film.mp4", path)
	if err := os.Remove(raw); err != nil {
		t.Fatal(err)
	}
	w.until("it is removed", func() bool { return !there(path) && !there(filepath.Join(filepath.Dir(path), "chat.txt")) })
	put(t, "sound.ogg", filepath.Join(w.folder, "sound.ogg")) // which comes last
	w.until("the last one is removed", func() bool { return !there(filepath.Join(w.folder, "sound.ogg")) })
	if code := p.stop(syscall.SIGTERM); code != 0 || strings.Contains(p.stderr(), "CANARY") || strings.Contains(p.stderr(), "passed over") {
		t.Errorf("exit code %d\n%s", code, p.stderr())
	}
	if !there(filepath.Join(filepath.Dir(path), "recording.conf")) || len(w.recordings()) != 3 {
		t.Errorf("recordings %q", w.recordings())
	}
	id := strings.Fields(p.stdout())[1]
	if out := w.must(w.home, "info", id, "--timeline", "--store", w.store); !strings.Contains(out, "Hello, CANARY") {
		t.Errorf("info says\n%s", out)
	}
}

// TestWatchKilled: kill -9 at any step loses nothing, imports nothing twice, and removes no
// source that the store has not confirmed.
func TestWatchKilled(t *testing.T) {
	t.Parallel()
	steps := []string{"begun", "sealed", "noted", "put:1", "put:2", "put:3", "copied", "stored", "dropped", "compared", "removed", "folder put:2", "folder removed:1", "folder removed:2"}
	films.get(t)
	for i := range sample.Cases(t, len(steps), 4) {
		t.Run(steps[i], func(t *testing.T) {
			w := newWatching(t)
			path := filepath.Join(w.folder, "film.mp4")
			step, folder := strings.CutPrefix(steps[i], "folder ")
			if folder {
				path = w.zoom("2026-11-29 14.03.21 Weekly")
			}
			sum := put(t, "film.mp4", path)
			p := w.watch([]string{stepVar + "=" + step}, "--remove-source")
			p.wait()
			if s := p.cmd.ProcessState.Sys().(syscall.WaitStatus); s.Signal() != syscall.SIGKILL {
				t.Fatalf("it was not killed: %v\n%s", p.cmd.ProcessState, p.stderr())
			}
			removed := strings.HasPrefix(step, "removed")
			if got := hashOfFile(t, path); got != sum && !(removed && got == "") {
				t.Fatalf("the source is %q", got)
			}
			if removed {
				w.must(w.home, "verify", "last", "--store", w.store)
			}

			p = w.watch(nil, "--remove-source")
			other := filepath.Join(w.folder, "other.ogg")
			put(t, "other.ogg", other) // which comes last
			w.until("all is removed", func() bool {
				return !there(path) && !there(other) && !there(filepath.Join(filepath.Dir(path), "chat.txt"))
			})
			w.logged(p, 1, "read back")
			if code := p.stop(syscall.SIGTERM); code != 0 {
				t.Errorf("exit code %d\n%s", code, p.stderr())
			}
			with := 0
			ids := w.recordings()
			for _, id := range ids {
				w.must(w.home, "verify", id, "--deep", "--store", w.store)
				if strings.Contains(w.must(w.home, "info", id, "--store", w.store), sum) {
					with++
				}
			}
			if len(ids) != 2 || with != 1 {
				t.Errorf("%d recordings, and %d of the film", len(ids), with)
			}
			if left, err := os.ReadDir(filepath.Join(w.home, "watch")); err == nil && len(left) > 0 {
				t.Errorf("left are %v", left)
			}
		})
	}
}

// TestWatchStoreAway: while the store is away nothing is lost and nothing removed; it is
// told, and goes on when the store is back, also after a restart, under one ID.
func TestWatchStoreAway(t *testing.T) {
	w := newWatching(t)
	w.store = w.minIO()
	var refuse atomic.Bool
	refuse.Store(true)
	w.vars = append(w.vars, w.refusingWith(&refuse, http.StatusServiceUnavailable, "SlowDown"))
	path := filepath.Join(w.folder, "film.mp4")
	sum := put(t, "film.mp4", path)
	p := w.watch(nil, "--remove-source")
	w.logged(p, 2, "importing failed; what was recorded is safe where it is")
	if code := p.stop(syscall.SIGTERM); code != 0 || hashOfFile(t, path) != sum || p.stdout() != "" {
		t.Errorf("exit code %d, prints %q\n%s", code, p.stdout(), p.stderr())
	}
	p = w.watch(nil, "--remove-source")
	w.logged(p, 1, "importing failed")
	refuse.Store(false)
	w.until("the source is removed", func() bool { return !there(path) })
	if code := p.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.stderr())
	}
	w.must(w.home, "verify", strings.TrimSpace(p.stdout()), "--store", w.store)
	if out := w.must(w.home, "list", "--store", w.store, "--json"); strings.Count(out, `"id"`) != 1 {
		t.Errorf("the store has\n%s", out)
	}
}

// TestWatchChanged: a source that is another file by the time it could be removed stays,
// is told, and is a recording of its own.
func TestWatchChanged(t *testing.T) {
	w := newWatching(t)
	path := filepath.Join(w.folder, "a.ogg")
	first := put(t, "sound.ogg", path)
	p := w.watch([]string{stepVar + "=stored"}, "--remove-source")
	p.wait()
	second := put(t, "other.ogg", path) // over the first, which nobody has any more
	p = w.watch(nil, "--remove-source")
	w.until("the second is removed", func() bool { return !there(path) })
	if code := p.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.stderr())
	}
	var all strings.Builder
	for _, id := range w.recordings() {
		all.WriteString(w.must(w.home, "info", id, "--store", w.store))
	}
	if len(w.recordings()) != 2 || !strings.Contains(all.String(), first) || !strings.Contains(all.String(), second) {
		t.Errorf("%q\n%s", w.recordings(), all.String())
	}
}

// TestWatchDamaged: a source whose recording cannot be read back from the store stays, is
// told, and holds up nothing.
func TestWatchDamaged(t *testing.T) {
	w := newWatching(t)
	path, other := filepath.Join(w.folder, "film.mp4"), filepath.Join(w.folder, "other.ogg")
	sum := put(t, "film.mp4", path)
	p := w.watch([]string{stepVar + "=dropped"}, "--remove-source")
	p.wait()
	segments, err := filepath.Glob(filepath.Join(w.store, "*", "segments", "*"))
	if err != nil || len(segments) == 0 {
		t.Fatal(segments, err)
	}
	b, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(segments[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		put(t, "other.ogg", other)
		p = w.watch(nil, "--remove-source")
		w.logged(p, 1, "its files stay")
		w.until("the other one is removed", func() bool { return !there(other) })
		if code := p.stop(syscall.SIGTERM); code != 0 || hashOfFile(t, path) != sum {
			t.Errorf("exit code %d, the source is %s\n%s", code, hashOfFile(t, path), p.stderr())
		}
	}
}
