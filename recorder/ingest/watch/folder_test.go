package watch

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

// write makes a file, with the folders that it is in.
func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A looker looks at a folder at times that it makes up.
type looker struct {
	t   *testing.T
	dir string
	f   *Folder
	now time.Time
}

func newLooker(t *testing.T) *looker {
	t.Helper()
	dir := t.TempDir()
	f, err := OpenFolder(dir, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return &looker{t, dir, f, time.Unix(1e9, 0)}
}

// look looks after a time, and checks what is complete and how many wait.
func (l *looker) look(after time.Duration, waiting int, complete ...string) Sighting {
	l.t.Helper()
	l.now = l.now.Add(after)
	s, err := l.f.Look(l.now)
	if err != nil {
		l.t.Fatal(err)
	}
	var got []string
	for _, r := range s.Complete {
		got = append(got, filepath.Base(r.Path))
	}
	slices.Sort(got)
	if !slices.Equal(got, complete) || s.Waiting != waiting {
		l.t.Errorf("complete are %q, and %d wait; want %q, and %d", got, s.Waiting, complete, waiting)
	}
	return s
}

func (l *looker) path(name string) string { return filepath.Join(l.dir, filepath.FromSlash(name)) }

// TestAtRest: a recording is complete once nothing of it has changed for long enough, and
// what was done with it is done until it changes.
func TestAtRest(t *testing.T) {
	l := newLooker(t)
	l.look(0, 0)
	write(t, l.path("a.mp4"), "1")
	write(t, l.path("meeting/zoom_0.mp4"), "1")
	write(t, l.path("meeting/Audio Record/ada.m4a"), "1")
	write(t, l.path(".hidden.mp4"), "1")
	write(t, l.path(".hidden/a.mp4"), "1")
	write(t, l.path("empty.mp4"), "")
	if err := os.Mkdir(l.path("nothing"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(l.path("a.mp4"), l.path("link.mp4")); err != nil && runtime.GOOS != "windows" {
		t.Fatal(err)
	}
	l.look(0, 3)
	l.look(29*time.Second, 3)
	write(t, l.path("a.mp4"), "12")
	s := l.look(time.Second, 2, "meeting")
	if r := s.Complete[0]; len(r.Files) != 2 || filepath.Base(r.Files[0].Path) != "ada.m4a" || r.Path != l.path("meeting") {
		t.Errorf("%+v", r)
	}
	l.f.Done(s.Complete[0])
	l.look(29*time.Second, 2)
	s = l.look(time.Second, 1, "a.mp4")
	write(t, l.path("a.mp4"), "123")
	l.f.Done(s.Complete[0]) // which it is not any more
	l.look(time.Second, 2)
	// Another date of the same length counts, and so does another file.
	if err := os.Chtimes(l.path("meeting/zoom_0.mp4"), l.now, l.now); err != nil {
		t.Fatal(err)
	}
	l.look(time.Second, 3)
	write(t, l.path("meeting/chat.txt"), "x")
	l.look(30*time.Second, 2, "a.mp4")
	l.look(30*time.Second, 1, "a.mp4", "meeting")
	// What goes and comes back is another.
	if err := os.Rename(l.path("a.mp4"), l.path("b.mp4")); err != nil {
		t.Fatal(err)
	}
	l.look(time.Hour, 2, "meeting")
}

// TestInTheMaking: what programs call what they still work on holds a recording back,
// for as long as it is there and then for the time of rest.
func TestInTheMaking(t *testing.T) {
	for _, name := range []string{"double_click_to_convert_01.zoom", "video.mp4.part", "a.MP4.crdownload", "tmp.TMP", "~a.mp4", "sub/x.partial"} {
		l := newLooker(t)
		write(t, l.path("meeting/zoom_0.mp4"), "1")
		write(t, l.path("meeting/"+name), "1")
		l.look(0, 1)
		l.look(time.Hour, 1)
		if err := os.Remove(l.path("meeting/" + name)); err != nil {
			t.Fatal(err)
		}
		l.look(time.Hour, 1)
		l.look(29*time.Second, 1)
		l.look(time.Second, 0, "meeting")
	}
}

// TestBounds: what is too much or too deep is told, and the rest goes on.
func TestBounds(t *testing.T) {
	l := newLooker(t)
	write(t, l.path("a.mp4"), "1")
	write(t, l.path("deep/1/2/3/4/5/a.mp4"), "1")
	for range 2 {
		s, err := l.f.Look(l.now)
		if err == nil {
			t.Error("a deep folder is nothing to tell")
		}
		if n := len(s.Complete) + s.Waiting; n != 1 {
			t.Errorf("%d recordings", n)
		}
		l.now = l.now.Add(time.Minute)
	}
	if err := os.RemoveAll(l.dir); err != nil {
		t.Fatal(err)
	}
	if _, err := l.f.Look(l.now); err == nil {
		t.Error("the folder is gone, and nothing is told")
	}
	if _, err := OpenFolder(l.path("a.mp4"), 0); err == nil {
		t.Error("a file that is not there was opened as a folder")
	}
}

// TestPrint: no name is in what stands for a recording, and all that changes is.
func TestPrint(t *testing.T) {
	one := Recording{Path: "/x", Files: []File{{Path: "/x/a", Size: 1, Modified: time.Unix(1, 0)}, {Path: "/x/b", Size: 2, Modified: time.Unix(2, 0)}}}
	prints := map[string]bool{one.Print(): true}
	for _, change := range []func(*Recording){
		func(r *Recording) { r.Files[0].Path = "/x/c" },
		func(r *Recording) { r.Files[1].Size = 3 },
		func(r *Recording) { r.Files[1].Modified = time.Unix(2, 1) },
		func(r *Recording) { r.Files = r.Files[:1] },
		func(r *Recording) { r.Files[0].Path = "/x/a\" 1 1000000000\n\"/x/b" },
	} {
		r := Recording{Path: one.Path, Files: slices.Clone(one.Files)}
		change(&r)
		prints[r.Print()] = true
	}
	if len(prints) != 6 {
		t.Errorf("%d prints", len(prints))
	}
}
