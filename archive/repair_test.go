package archive_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/storetest"
)

// What one store lost, changed or never had comes back from another, and nothing
// that the recorder did not sign comes with it.
func TestRepair(t *testing.T) {
	s, eve := newSigner(t, "recorder"), newSigner(t, "eve")
	id, good := record(t, s, true, 4, hybrid(t).Recipient())
	_, foreign := record(t, eve, true, 1, hybrid(t).Recipient())
	share := archive.ShareName([]byte("a share"))
	for _, tt := range []struct {
		name string
		a, b func(objects map[string]string)
		put  string // what is put back, as STORE:NAME
		lost string // what is not
	}{
		{name: "nothing"},
		{name: "missing here and there",
			a:   func(o map[string]string) { delete(o, "segments/000001.age"); delete(o, "epochs/000001.age") },
			b:   func(o map[string]string) { delete(o, "segments/000002.age") },
			put: "0:epochs/000001.age 0:segments/000001.age 1:segments/000002.age"},
		{name: "a bit, a cut, a swap",
			a: func(o map[string]string) {
				o["segments/000000.age"] = flip(o["segments/000000.age"], 3000)
				o["segments/000001.age"] = o["segments/000001.age"][:1000]
				o["segments/000002.age"], o["segments/000003.age"] = o["segments/000003.age"], o["segments/000002.age"]
			},
			put: "0:segments/000000.age 0:segments/000001.age 0:segments/000002.age 0:segments/000003.age"},
		{name: "a whole store",
			b:   func(o map[string]string) { clear(o) },
			put: "1:epochs/000001.age 1:head 1:index/000000.age 1:log/0000 1:segments/000000.age 1:segments/000001.age 1:segments/000002.age 1:segments/000003.age"},
		{name: "head and log",
			a:   func(o map[string]string) { o["head"] = foreign["head"]; o["log/0000"] = foreign["log/0000"] },
			b:   func(o map[string]string) { o["log/0000"] += "x" },
			put: "0:head 0:log/0000 1:log/0000", lost: "all"},
		{name: "a log in one place",
			a:   func(o map[string]string) { o["head"] = foreign["head"]; delete(o, "log/0000") },
			put: "0:head 0:log/0000"},
		{name: "in both",
			a:   func(o map[string]string) { delete(o, "segments/000001.age"); delete(o, "segments/000002.age") },
			b:   func(o map[string]string) { o["segments/000001.age"] = flip(o["segments/000001.age"], 77) },
			put: "0:segments/000002.age", lost: "0:segments/000001.age 1:segments/000001.age"},
		{name: "a grant",
			b:   func(o map[string]string) { o[share] = "a share"; o["shares/junk"] = "no share" },
			put: "0:" + share},
		{name: "a grant that is cut",
			a:   func(o map[string]string) { o[share] = "a shar" },
			b:   func(o map[string]string) { o[share] = "a share" },
			put: "0:" + share},
		{name: "a grant that is empty here and changed there",
			a:    func(o map[string]string) { o[share] = "" },
			b:    func(o map[string]string) { o[share] = "a shaRe" },
			lost: "0:" + share + " 1:" + share},
	} {
		for _, quick := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, quick %t", tt.name, quick), func(t *testing.T) {
				var stores []archive.Store
				for _, change := range []func(map[string]string){tt.a, tt.b} {
					mem := new(storetest.Mem)
					objects := maps.Clone(good)
					if change != nil {
						change(objects)
					}
					fill(t, mem, id, objects)
					stores = append(stores, summer{mem})
				}
				var put, lost []string
				report, err := archive.RepairStores(t.Context(), stores, id, archive.RepairOptions{Options: archive.Options{Verifiers: s.verifiers}, Quick: quick, Report: func(r archive.Repair) {
					what := fmt.Sprintf("%d:%s", r.Store, r.Name)
					var corrupt *archive.CorruptError
					if r.Err == nil {
						put = append(put, what)
					} else if lost = append(lost, what); !errors.As(r.Err, &corrupt) {
						t.Errorf("%s: %v", what, r.Err)
					}
				}})
				if tt.lost == "all" { // there is no log to go by
					var corrupt *archive.CorruptError
					if !errors.As(err, &corrupt) || len(put)+len(lost) > 0 {
						t.Errorf("put %q, lost %q, %v", put, lost, err)
					}
					return
				}
				if err != nil || report.Head.Size != 6 || quick != (report.Unread > 0) {
					t.Fatalf("%+v, %v", report, err)
				}
				slices.Sort(put)
				slices.Sort(lost)
				if got := strings.Join(put, " "); got != tt.put {
					t.Errorf("put back %q, want %q", got, tt.put)
				}
				if got := strings.Join(lost, " "); got != tt.lost {
					t.Errorf("lost %q, want %q", got, tt.lost)
				}
				for i, store := range stores {
					r, err := archive.Verify(t.Context(), store, id, archive.Options{Verifiers: s.verifiers}, nil)
					junk := 0
					if tt.name == "a grant" && i == 1 {
						junk = 1
					}
					if want := strings.Count(tt.lost, fmt.Sprint(i, ":")) + junk; err != nil || r.Problems != want {
						t.Errorf("store %d: %d problems, want %d, %v", i, r.Problems, want, err)
					}
				}
			})
		}
	}
}

// Nothing is changed where it is not known what belongs there.
func TestRepairRefuses(t *testing.T) {
	s := newSigner(t, "recorder")
	id, good := record(t, s, true, 2, hybrid(t).Recipient())
	openID, going := record(t, s, false, 2, hybrid(t).Recipient())
	forged := new(storetest.Mem)
	fill(t, forged, id, good)
	otherRecording(t, forged, id, good, s)
	other := make(map[string]string)
	for info := range forged.List(t.Context(), "") {
		data, _ := forged.Object(info.Name)
		other[strings.TrimPrefix(info.Name, id+"/")] = string(data)
	}
	o := archive.Options{Verifiers: s.verifiers}
	refuses := func(name, id string, o archive.Options, a, b map[string]string, want func(error) bool) {
		t.Helper()
		var stores []archive.Store
		for _, objects := range []map[string]string{a, b} {
			mem := &storetest.Mem{}
			fill(t, mem, id, objects)
			mem.OnPut = func(name string) (bool, error) { t.Errorf("put %s", name); return false, nil }
			stores = append(stores, mem)
		}
		if _, err := archive.RepairStores(t.Context(), stores, id, archive.RepairOptions{Options: o, Report: func(r archive.Repair) { t.Errorf("%s: %+v", name, r) }}); !want(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	broken := maps.Clone(good)
	delete(broken, "segments/000000.age")
	refuses("nothing", id, o, nil, nil, is(fs.ErrNotExist))
	refuses("a stranger's", id, archive.Options{Verifiers: newSigner(t, "eve").verifiers}, good, broken, is(archive.ErrForeignSigner))
	refuses("going on", openID, o, going, nil, is(archive.ErrNotOver))
	var fork *archive.ForkError
	refuses("two of one name", id, o, good, other, func(err error) bool { return errors.As(err, &fork) })
	heads := archive.HeadDir(t.TempDir())
	mem := new(storetest.Mem)
	fill(t, mem, id, other)
	seen := o
	seen.Heads = heads
	if _, err := archive.Verify(t.Context(), mem, id, seen, nil); err != nil {
		t.Fatal(err)
	}
	refuses("another than was seen", id, seen, good, broken, func(err error) bool { return errors.As(err, &fork) })
	denied := errors.New("the store is away")
	away := &storetest.Mem{OnGet: func(string, []byte) ([]byte, error) { return nil, denied }}
	fill(t, away, id, good)
	mem = new(storetest.Mem)
	fill(t, mem, id, broken)
	if _, err := archive.RepairStores(t.Context(), []archive.Store{mem, away}, id, archive.RepairOptions{Options: o}); !errors.Is(err, denied) {
		t.Errorf("a store that fails: %v", err)
	}
	if _, err := archive.RepairStores(t.Context(), []archive.Store{mem}, "../x", archive.RepairOptions{Options: o}); err == nil {
		t.Error("took a path for an ID")
	}
}

// Folders, too, of which one lost its log in the middle.
func TestRepairFolders(t *testing.T) {
	s := newSigner(t, "recorder")
	id, good := record(t, s, true, 3, hybrid(t).Recipient())
	var stores []archive.Store
	for i := range 2 {
		d, err := dir.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
		fill(t, d, id, good)
		if err := d.Delete(t.Context(), id+[]string{"/log/0000", "/segments/000001.age"}[i]); err != nil {
			t.Fatal(err)
		}
		stores = append(stores, d)
	}
	if _, err := archive.RepairStores(context.Background(), stores, id, archive.RepairOptions{Options: archive.Options{Verifiers: s.verifiers}}); err != nil {
		t.Fatal(err)
	}
	for i, d := range stores {
		if r, err := archive.Verify(t.Context(), d, id, archive.Options{Verifiers: s.verifiers}, nil); err != nil || !r.OK() {
			t.Errorf("folder %d: %+v, %v", i, r, err)
		}
	}
}
