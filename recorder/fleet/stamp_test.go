package fleet

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A folder has another stamp once a policy in it changed, and the same while none did. One that is
// mounted as a config map of Kubernetes changes by a link alone.
func TestStamp(t *testing.T) {
	dir := t.TempDir()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) { do(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)) }
	write("a.yaml", "rooms: x\n")
	last := StampOf(dir)
	changes := func(what string, want bool) {
		t.Helper()
		if s := StampOf(dir); (s != last) != want {
			t.Errorf("%s: changed is %v", what, !want)
		} else {
			last = s
		}
	}
	changes("nothing", false)
	write("notes.txt", "x")
	write(".a.yaml.swp", "x")
	changes("what is no policy", false)
	write("b.yml", "rooms: y\n")
	changes("another policy", true)
	write("b.yml", "rooms: yy\n")
	changes("another length", true)
	do(os.Chtimes(filepath.Join(dir, "b.yml"), time.Time{}, time.Unix(1e9, 0)))
	changes("written again", true)
	do(os.Chmod(filepath.Join(dir, "b.yml"), 0o644))
	changes("the mode", true)
	do(os.Remove(filepath.Join(dir, "b.yml")))
	changes("one less", true)

	for _, version := range []string{"1", "2"} {
		do(os.Mkdir(filepath.Join(dir, version), 0o700))
		do(os.WriteFile(filepath.Join(dir, version, "c.yaml"), []byte("rooms: "+version), 0o600))
		do(os.Chtimes(filepath.Join(dir, version, "c.yaml"), time.Time{}, time.Unix(1e9, int64(len(version)))))
	}
	do(os.Chtimes(filepath.Join(dir, "2", "c.yaml"), time.Time{}, time.Unix(2e9, 0)))
	do(os.Symlink("1", filepath.Join(dir, "..data")))
	do(os.Symlink(filepath.Join("..data", "c.yaml"), filepath.Join(dir, "c.yaml")))
	changes("a config map", true)
	do(os.Symlink("2", filepath.Join(dir, "..next")))
	changes("its next version, aside", false)
	do(os.Rename(filepath.Join(dir, "..next"), filepath.Join(dir, "..data")))
	changes("its next version", true)
	if StampOf(filepath.Join(dir, "none")) != (Stamp{}) {
		t.Error("a folder that is none has a stamp")
	}
}
