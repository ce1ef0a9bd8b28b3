//go:build linux

package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// noise makes a film of some megabytes, which no codec makes small.
func (l *lab) noise(path string) (sha string) {
	l.t.Helper()
	out, err := exec.CommandContext(l.ctx, "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "nullsrc=size=320x240:rate=25:duration=3,geq=random(1)*255:128:128",
		"-c:v", "libx264", "-preset", "ultrafast", "-qp", "12", path).CombinedOutput()
	if err != nil {
		l.t.Fatalf("%v\n%s", err, out)
	}
	if info, err := os.Stat(path); err != nil || info.Size() < 3<<20 {
		l.t.Fatalf("%v, %v", info, err)
	}
	return hashOfFile(l.t, path)
}

// smallDisk returns a command that runs another one in a mount namespace of its own,
// where a folder is a disk of 2 MiB.
func smallDisk(cmd *exec.Cmd, folder string) *exec.Cmd {
	cmd.Args = append([]string{"sh", "-c", `mount -t tmpfs -o size=2m tmpfs "$1" && shift && exec "$@"`, "sh", folder, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return cmd
}

// TestImportDiskFull: a disk that fills up under the sealed copy ends an import with a
// reason; nothing is left of it, the store gets nothing, and the source is what it was.
func TestImportDiskFull(t *testing.T) {
	w := newWatching(t)
	path := filepath.Join(w.folder, "noise.mp4")
	sum := w.noise(path)
	drafts := filepath.Join(w.home, "import")
	if err := os.Mkdir(drafts, 0o700); err != nil {
		t.Fatal(err)
	}
	// What is left on the small disk is listed before the disk goes with the process.
	cmd := smallDisk(w.command(w.home, nil, "import", path, "--reader", "Ada", "--store", w.store, "--remove-source"), drafts)
	cmd.Args[2] = strings.Replace(cmd.Args[2], `shift && exec "$@"`, `cd "$1" && shift && { "$@"; code=$?; find . -mindepth 1 | sed "s/^/left: /"; exit $code; }`, 1)
	p := w.begin(cmd)
	if code := p.wait(); code != ui.ExitFailed || !strings.Contains(p.stderr(), "no space left on device") || strings.Contains(p.stdout(), "left: ") {
		t.Errorf("exit code %d\n%s%s", code, p.stdout(), p.stderr())
	}
	if len(w.recordings()) != 0 || hashOfFile(t, path) != sum {
		t.Errorf("the store has %q, and the source is %s", w.recordings(), hashOfFile(t, path))
	}
}

// TestImportStoreFull: a store whose disk fills up in the middle is tried again until the
// person ends it; what is there then is not taken for a recording, and the source is what
// it was. With --watch it goes on where it was as soon as there is room.
func TestImportStoreFull(t *testing.T) {
	w := newWatching(t)
	path := filepath.Join(w.folder, "noise.mp4")
	sum := w.noise(path)
	if err := os.Mkdir(w.store, 0o700); err != nil {
		t.Fatal(err)
	}
	p := w.begin(smallDisk(w.command(w.home, nil, "import", path, "--reader", "Ada", "--store", w.store, "--remove-source"), w.store))
	w.told = p.stderr
	w.logged(p, 2, "the store failed, trying again in")
	inside := fmt.Sprintf("/proc/%d/root%s", p.cmd.Process.Pid, w.store) // that disk
	half, err := os.ReadDir(inside)
	if err != nil || len(half) != 1 {
		t.Errorf("%v, %v", half, err)
	}
	if out, _, code := w.run(w.home, nil, "list", "--store", inside); code == 0 && strings.Contains(out, "closed") {
		t.Errorf("half of it is listed as\n%s", out)
	}
	if code := p.stop(syscall.SIGTERM); code != ui.ExitFailed || hashOfFile(t, path) != sum || there(filepath.Join(w.home, "import")) {
		t.Errorf("exit code %d, the source is %s\n%s", code, hashOfFile(t, path), p.stderr())
	}

	p = w.begin(smallDisk(w.command(w.home, nil, "import", "--watch", w.folder, "--settle", "200ms", "--reader", "Ada", "--store", w.store, "--remove-source"), w.store))
	w.told = p.stderr
	w.logged(p, 1, "importing failed; what was recorded is safe where it is")
	if hashOfFile(t, path) != sum {
		t.Error("the source is another")
	}
	pid := p.cmd.Process.Pid
	grow := exec.CommandContext(w.ctx, "nsenter", "-t", fmt.Sprint(pid), "-m", "-U", "--preserve-credentials", "mount", "-o", "remount,size=64m", w.store)
	if os.Getuid() == 0 {
		grow = exec.CommandContext(w.ctx, "nsenter", "-t", fmt.Sprint(pid), "-m", "mount", "-o", "remount,size=64m", w.store)
	}
	if out, err := grow.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	w.until("the source is removed", func() bool { return !there(path) })
	w.must(w.home, "verify", "last", "--deep", "--store", fmt.Sprintf("/proc/%d/root%s", pid, w.store))
	if code := p.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.stderr())
	}
}

// TestImportChanged: a source that changes while it is stored stays, and that is said; the
// recording is there.
func TestImportChanged(t *testing.T) {
	w := newWatching(t)
	w.store = w.minIO()
	var refuse atomic.Bool
	refuse.Store(true)
	w.vars = append(w.vars, w.refusingWith(&refuse, http.StatusServiceUnavailable, "SlowDown"))
	path, other := filepath.Join(w.folder, "a.ogg"), filepath.Join(w.folder, "b.ogg")
	put(t, "sound.ogg", path)
	put(t, "film.mp4", other)
	p := w.begin(w.command(w.home, nil, "import", path, other, "--reader", "Ada", "--store", w.store, "--remove-source"))
	w.told = p.stderr
	w.logged(p, 1, "the store failed, trying again in")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1 // of the same length and date
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	changed := hashOfFile(t, path)
	refuse.Store(false)
	if code := p.wait(); code != ui.ExitFailed || !strings.Contains(p.stderr(), "a.ogg: it has changed while it was read") ||
		!strings.Contains(p.stderr(), "the recording is stored, and no file was deleted") {
		t.Errorf("exit code %d\n%s", code, p.stderr())
	}
	if hashOfFile(t, path) != changed || !there(other) {
		t.Error("a source is gone")
	}
	w.must(w.home, "verify", strings.TrimSpace(p.stdout()), "--store", w.store)
}

// TestImportHostile: names and tags that attack terminals, folders or memory come out as
// harmless text, and the recording with them.
func TestImportHostile(t *testing.T) {
	w := newWatching(t)
	long := strings.Repeat("long ", 2000)
	evil := "\x1b]0;owned\x07\u202egpj.exe\u2066 ../../etc/passwd\x00\xff\xfe"
	path := filepath.Join(w.folder, "-i \x1b[31m\u202e"+"\xff\xfe;$(id)|%s%n.mkv")
	tagged := filepath.Join(t.TempDir(), "tagged.mkv")
	out, err := exec.CommandContext(w.ctx, "ffmpeg", "-nostdin", "-v", "error", "-i", filepath.Join(films.get(t), "film.mp4"), "-c", "copy",
		"-metadata", "title="+strings.ReplaceAll(evil, "\x00", "")+long, "-metadata:s:v", "title=../../"+evil[:20], "-metadata", "creation_time=9999-99-99", tagged).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	sum := put(t, tagged, path)
	clean := func(what, text string) {
		t.Helper()
		for _, bad := range []string{"\x1b", "\x07", "\u202e", "\u2066", "\xff"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s has %q:\n%q", what, bad, text)
			}
		}
		for line := range strings.Lines(text) {
			if len(line) > 4000 {
				t.Errorf("%s has a line of %d bytes", what, len(line))
			}
		}
	}
	all, errs, code := w.run(w.home, nil, "import", path, "--dry-run")
	if clean("dry-run", all+errs); code != 0 {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	id, errs, code := w.run(w.home, nil, "import", path, "--reader", "Ada", "--store", w.store)
	if clean("import", id+errs); code != 0 {
		t.Fatalf("exit code %d\n%s", code, errs)
	}
	id = strings.TrimSpace(id)
	clean("info", w.must(w.home, "info", id, "--timeline", "--store", w.store))
	clean("list", w.must(w.home, "list", "--store", w.store))
	if text := w.must(w.home, "info", id, "--json", "--store", w.store); !strings.Contains(text, sum) || len(text) > 1<<20 {
		t.Errorf("%d bytes", len(text))
	}
	exports := filepath.Join(w.dir, "exports")
	if err := os.Mkdir(exports, 0o700); err != nil {
		t.Fatal(err)
	}
	w.must(w.home, "export", id, "--store", w.store, "--format", "tracks", "-o", filepath.Join(exports, "tracks"))
	if files, err := os.ReadDir(exports); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
	if hashOfFile(t, path) != sum {
		t.Error("the source has changed")
	}
	// The same where nobody looks.
	p := w.watch(nil, "--remove-source", "--log-level", "debug")
	w.until("it is removed", func() bool { return !there(path) })
	if code := p.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
	clean("the log", p.stderr())
}
