//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/testdata/sample"
)

// canaryFilm makes a recording whose sound and pictures carry words, and its title, too.
func canaryFilm(t *testing.T, dir string) (path string) {
	t.Helper()
	sound, pictures := filepath.Join(dir, "sound.ogg"), filepath.Join(dir, "pictures.ivf")
	for name, b := range map[string][]byte{sound: canaryOgg(t), pictures: canaryIVF()} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path = filepath.Join(dir, "film.mkv")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-i", pictures, "-i", sound, "-c", "copy",
		"-metadata", "title="+canaryRoom, path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// TestImportLeavesNothing: what is in a source, in its name, its tags and the chat beside
// it is nowhere else in the clear: not in the home, the store, temporary files or logs, not
// while it is imported, after a kill -9 in the middle, nor in the end.
func TestImportLeavesNothing(t *testing.T) {
	w := newWatching(t)
	film := canaryFilm(t, t.TempDir())
	source, err := os.ReadFile(film)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{canarySound, canaryPicture, canaryRoom} {
		if !strings.Contains(string(source), c) {
			t.Fatalf("%s is not in the source, so looking for it proves nothing", c)
		}
	}
	files, open := 0, 0
	// Temporary files of ffmpeg would be in the system's folder, as it has no other.
	before, err := filepath.Glob("/tmp/*")
	if err != nil {
		t.Fatal(err)
	}
	looked := func(p *process) {
		t.Helper()
		files += searchTree(t, w.home)
		if there(w.store) {
			files += searchTree(t, w.store)
		}
		now, err := filepath.Glob("/tmp/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range now {
			info, err := os.Stat(path)
			if err == nil && info.Mode().IsRegular() && info.Size() < 16<<20 && !slices.Contains(before, path) {
				if b, err := os.ReadFile(path); err == nil {
					search(t, path, b)
				}
			}
		}
		search(t, "the log", []byte(p.stderr()+p.stdout()))
	}
	// Into Zoom's folder, whose name tells, too, with a chat.
	path := w.zoom("2026-11-29 14.03.21 " + canaryName)
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "chat.txt"), []byte("14:03:22 From "+canaryName+" to Everyone:\n\t"+canaryRoom+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, film, path)
	lone := filepath.Join(w.folder, canaryName+".mkv")
	steps := []string{"begun", "sealed", "noted", "put:2", "copied", "stored", "compared"} // each goes on from the one before
	for i := range sample.Cases(t, len(steps), 3) {
		step := steps[i]
		p := w.watch([]string{stepVar + "=" + step}, "--remove-source")
		p.wait()
		if s := p.cmd.ProcessState.Sys().(syscall.WaitStatus); s.Signal() != syscall.SIGKILL {
			t.Fatalf("%s: it was not killed: %v\n%s", step, p.cmd.ProcessState, p.stderr())
		}
		looked(p)
	}
	put(t, "sound.ogg", lone) // not the film, which is known by now
	cut := filepath.Join(w.folder, canaryName+" cut.mp4")
	b, err := os.ReadFile(filepath.Join(films.get(t), "film.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cut, b[:len(b)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	p := w.watch([]string{openVar + "=1"}, "--remove-source")
	w.until("all is removed", func() bool {
		select {
		case <-p.ended:
			t.Fatalf("it ended\n%s", p.stderr())
		default:
		}
		open += searchOpenFilesBut(t, strconv.Itoa(p.cmd.Process.Pid), w.folder)
		return !there(path) && !there(lone)
	})
	w.logged(p, 1, "its index (moov) is missing")
	if code := p.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.stderr())
	}
	looked(p)
	if files < 30 || open == 0 {
		t.Errorf("only %d files and %d open files were looked at", files, open)
	}
	cores, err := filepath.Glob(filepath.Join(w.dir, "core*"))
	if err != nil || len(cores) > 0 {
		t.Errorf("cores %q, %v", cores, err)
	}

	// They are there for who has the key.
	ids := w.recordings()
	plain := filepath.Join(w.dir, "plain")
	var all strings.Builder
	for _, id := range ids {
		out := plain + "-" + id
		w.must(w.home, "decrypt", id, "--store", w.store, "-o", out)
		segments, err := filepath.Glob(filepath.Join(out, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range segments {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(b)
		}
	}
	for _, c := range []string{canarySound, canaryPicture, canaryRoom, canaryName} {
		if len(ids) != 2 || !strings.Contains(all.String(), c) {
			t.Errorf("%d recordings, and %s is in none", len(ids), c)
		}
	}
}

// searchOpenFilesBut is searchOpenFiles but for the files of a folder.
func searchOpenFilesBut(t *testing.T, pid, folder string) (files int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/" + pid + "/fd")
	if err != nil {
		return 0 // it has ended
	}
	for _, fd := range fds {
		path := filepath.Join("/proc", pid, "fd", fd.Name())
		name, err := os.Readlink(path)
		if err != nil || !strings.HasPrefix(name, "/") || strings.HasPrefix(name, "/dev/") || strings.HasPrefix(name, folder) {
			continue
		}
		if b, err := os.ReadFile(path); err == nil {
			files++
			search(t, "open file "+name, b)
		}
	}
	return files
}
