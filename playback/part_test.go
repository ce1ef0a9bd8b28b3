package playback

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

const dieIn = "SEALTAPE_TEST_DIE_IN"

// An export that is killed leaves nothing in the clear, or what the next one
// removes. What goes on is left alone.
func TestKilledExport(t *testing.T) {
	if dir := os.Getenv(dieIn); dir != "" {
		writeAndHang(dir)
	}
	dir := filepath.Join(t.TempDir(), "out [1]")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self, "-test.run=^TestKilledExport$")
	child.Env = append(os.Environ(), dieIn+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	parts := func() []string {
		t.Helper()
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, filepath.Join(dir, e.Name()))
		}
		return names
	}
	alive := parts()
	if removed, err := SweepParts(dir); err != nil || len(removed) > 0 || !slices.Equal(parts(), alive) {
		t.Errorf("from a live export %q was swept, %v", removed, err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := child.Wait(); err == nil {
		t.Error("it was not killed")
	}
	want := 3
	if f, err := createUnnamed(dir); err == nil {
		want = 2 // the file has never had a name
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	} else if !errors.Is(err, errors.ErrUnsupported) {
		t.Fatal(err)
	}
	if left := parts(); len(left) != want {
		t.Errorf("%q is left, want %d", left, want)
	}
	mine := filepath.Join(dir, ".sealtape-notes")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	removed, err := SweepParts(dir)
	if err != nil || len(removed) != want || !slices.Equal(parts(), []string{mine}) {
		t.Errorf("removed %q, left %q, %v", removed, parts(), err)
	}
}

// writeAndHang does what exports do, and does not come to their end.
func writeAndHang(dir string) {
	for _, named := range []bool{false, true} {
		f, err := createBeside(filepath.Join(dir, "film.mkv"), named)
		if err == nil {
			_, err = f.WriteString("in the clear")
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	folder, err := CreateFolder(filepath.Join(dir, "tracks"))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder.Path(), "a.ogg"), []byte("in the clear"), 0o600)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	select {}
}

// A file without a name gets one that is free, and no other.
func TestCreateBeside(t *testing.T) {
	for _, named := range []bool{false, true} {
		dir := t.TempDir()
		path := filepath.Join(dir, "film.mkv")
		export := func(text string, meanwhile func()) error {
			f, err := createBeside(path, named)
			if err != nil {
				return err
			}
			if _, err := f.WriteString(text); err != nil {
				t.Fatal(err)
			}
			if meanwhile != nil {
				meanwhile()
			}
			return errors.Join(f.commit(), f.discard())
		}
		taken := func() {
			if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := export("film", taken); !errors.Is(err, fs.ErrExist) {
			t.Errorf("named %t: taken meanwhile: %v", named, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "mine" {
			t.Errorf("named %t: %q, %v", named, got, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := export("film", nil); err != nil {
			t.Errorf("named %t: %v", named, err)
		}
		if err := export("film", nil); !errors.Is(err, fs.ErrExist) {
			t.Errorf("named %t: a second one: %v", named, err)
		}
		fi, err := os.Stat(path)
		entries, derr := os.ReadDir(dir)
		if err != nil || derr != nil || len(entries) != 1 || fi.Mode().Perm() != 0o600 || fi.Size() != 4 {
			t.Errorf("named %t: %v, %v, %v", named, fi, entries, err)
		}
	}
}
