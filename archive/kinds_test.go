//go:build unix

package archive_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// otherKinds are what can lie in a folder in the place of an object. Each is given
// the path, and one outside the store.
var otherKinds = []struct {
	name   string
	kind   string // of the problem that Verify finds in an object of the log
	stays  bool   // Put does not replace it
	in     func(path, outside string, data []byte) error
	follow string // what must be as it was afterwards, below outside
}{
	{name: "link to the same", kind: "missing", follow: "same", in: func(path, outside string, data []byte) error {
		return errors.Join(os.WriteFile(filepath.Join(outside, "same"), data, 0o600), os.Symlink(filepath.Join(outside, "same"), path))
	}},
	{name: "link within the store", kind: "missing", in: func(path, _ string, data []byte) error {
		return errors.Join(os.WriteFile(filepath.Join(filepath.Dir(path), "elsewhere"), data, 0o600), os.Symlink("elsewhere", path))
	}},
	{name: "link to nothing", kind: "missing", in: func(path, outside string, _ []byte) error {
		return os.Symlink(filepath.Join(outside, "nothing"), path)
	}},
	{name: "link to a folder", kind: "missing", in: func(path, outside string, _ []byte) error { return os.Symlink(outside, path) }},
	{name: "pipe", kind: "missing", in: func(path, _ string, _ []byte) error { return syscall.Mkfifo(path, 0o600) }},
	{name: "folder", kind: "missing", stays: true, in: func(path, _ string, _ []byte) error { return os.Mkdir(path, 0o700) }},
	{name: "empty", kind: "truncated", in: func(path, _ string, _ []byte) error { return os.WriteFile(path, nil, 0o600) }},
	{name: "a byte more", kind: "corrupt", in: func(path, _ string, data []byte) error { return os.WriteFile(path, append(data, 0), 0o600) }},
}

// Whatever lies in a folder in the place of one object, the others are checked, it
// is named, and put right from another store where that takes nothing away.
func TestOtherKinds(t *testing.T) {
	s, reader := newSigner(t, "recorder"), hybrid(t)
	id, good := record(t, s, true, 2, reader.Recipient())
	o := archive.Options{Verifiers: s.verifiers}
	mem := new(storetest.Mem)
	fill(t, mem, id, good)
	for _, k := range otherKinds {
		for _, object := range []string{"segments/000001.age", "epochs/000001.age", "index/000000.age", "log/0000", "head"} {
			t.Run(k.name+"/"+object, func(t *testing.T) {
				folder, outside := t.TempDir(), t.TempDir()
				store := openDir(t, folder)
				fill(t, store, id, good)
				at := filepath.Join(folder, id, filepath.FromSlash(object))
				if err := errors.Join(os.Remove(at), k.in(at, outside, []byte(good[object]))); err != nil {
					t.Fatal(err)
				}

				var problems []archive.Problem
				r, err := archive.Verify(t.Context(), store, id, o, func(p archive.Problem) {
					if p.Kind != archive.ProblemAdded { // what lies beside it
						problems = append(problems, p)
					}
				})
				if err != nil || len(problems) != 1 || problems[0].Object != object {
					t.Fatalf("verify: %v, %v", problems, err)
				}
				if want := len(good) - 3; strings.HasSuffix(object, ".age") && (problems[0].Kind != k.kind || r.Objects != want) {
					t.Errorf("verify: %v, and %d objects of %d", problems[0], r.Objects, want)
				}
				if strings.Contains(k.name, "link") && !strings.Contains(problems[0].Text, "symbolic link") && object != "log/0000" {
					t.Errorf("verify does not say what is there: %s", problems[0].Text)
				}

				copied := archive.NewCopier(new(storetest.Mem), store, id)
				bad := 0
				copied.OnBad = func(b *archive.BadObjectError) error {
					bad++
					if b.Name != object {
						t.Errorf("copy: %v", b)
					}
					return nil
				}
				if err := copied.Copy(t.Context()); strings.HasSuffix(object, ".age") && (err != nil || bad != 1) {
					t.Errorf("copy: %d bad, %v", bad, err)
				} else if !strings.HasSuffix(object, ".age") && err == nil {
					t.Errorf("copied without %s", object)
				}

				var told []archive.Repair
				_, err = archive.RepairStores(t.Context(), []archive.Store{store, mem}, id, archive.RepairOptions{Options: o, Report: func(r archive.Repair) { told = append(told, r) }})
				if err != nil || len(told) != 1 || told[0].Store != 0 || told[0].Name != object || k.stays != errors.Is(told[0].Err, archive.ErrConflict) {
					t.Fatalf("repair: %+v, %v", told, err)
				}
				if data, err := os.ReadFile(filepath.Join(outside, k.follow)); k.follow != "" && (err != nil || string(data) != good[object]) {
					t.Errorf("what the link led to: %v", err)
				}
				if k.stays {
					return
				}
				problems = nil
				if _, err := archive.Verify(t.Context(), store, id, o, func(p archive.Problem) { problems = append(problems, p) }); err != nil ||
					slices.ContainsFunc(problems, func(p archive.Problem) bool { return p.Kind != archive.ProblemAdded }) {
					t.Errorf("verify, repaired: %v, %v", problems, err)
				}
			})
		}
	}
}

// A link in the place of a folder is not followed: what lies there is neither read
// nor removed with the recording.
func TestLinkedFolder(t *testing.T) {
	s := newSigner(t, "recorder")
	id, good := record(t, s, true, 2, hybrid(t).Recipient())
	other, goodOther := record(t, s, true, 2, hybrid(t).Recipient())
	o := archive.Options{Verifiers: s.verifiers}
	for _, inside := range []bool{true, false} {
		folder, outside := t.TempDir(), t.TempDir()
		store := openDir(t, folder)
		fill(t, store, id, good)
		fill(t, store, other, goodOther)
		target := filepath.Join(outside, "segments")
		if inside {
			target = filepath.Join(folder, other, "segments")
		} else if err := os.CopyFS(target, os.DirFS(filepath.Join(folder, id, "segments"))); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(folder, id, "segments")
		if err := errors.Join(os.RemoveAll(link), os.Symlink(relative(t, filepath.Dir(link), target), link)); err != nil {
			t.Fatal(err)
		}
		before := files(t, target)
		problems := make(map[string]string)
		if _, err := archive.Verify(t.Context(), store, id, o, func(p archive.Problem) { problems[p.Object] = p.Text }); err != nil {
			t.Fatal(err)
		}
		if text := problems["segments/000000.age"]; len(problems) != 2 || !strings.HasSuffix(text, "/segments is a symbolic link") {
			t.Errorf("inside %t: %v", inside, problems)
		}
		mem := new(storetest.Mem)
		fill(t, mem, id, good)
		named := 0
		_, err := archive.RepairStores(t.Context(), []archive.Store{store, mem}, id, archive.RepairOptions{Options: o, Report: func(r archive.Repair) {
			if named++; !errors.Is(r.Err, archive.ErrConflict) || !strings.Contains(fmt.Sprint(r.Err), "symbolic link") {
				t.Errorf("inside %t: %+v", inside, r)
			}
		}})
		if err != nil || named != 2 {
			t.Errorf("inside %t: repair names %d, %v", inside, named, err)
		}
		if err := archive.Remove(t.Context(), store, id, o); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(filepath.Join(folder, id)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("inside %t: the folder of what was removed: %v", inside, err)
		}
		if !maps.Equal(files(t, target), before) {
			t.Errorf("inside %t: what the link led to has changed", inside)
		}
	}
}

func relative(t *testing.T, from, to string) string {
	t.Helper()
	path, err := filepath.Rel(from, to)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
