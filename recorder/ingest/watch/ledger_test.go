package watch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// sum is a SHA-256 that is easy to tell from others.
func sum(n int) string { return fmt.Sprintf("%064x", n) }

func entry(id string, sums ...int) Entry {
	e := Entry{Recording: id, Store: "s", State: Sealed, At: time.Unix(1e9, 0).UTC(), Tracks: map[string]string{"1": "2 ab"}}
	for _, n := range sums {
		e.Sources = append(e.Sources, Source{SHA256: sum(n), Whole: n%2 == 0})
	}
	return e
}

func openLedger(t testing.TB, dir string) *Ledger {
	t.Helper()
	l, err := OpenLedger(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestLedger: what was imported is known by its files, in one store and after a restart;
// a recording that is known in part is neither.
func TestLedger(t *testing.T) {
	dir := t.TempDir()
	l := openLedger(t, dir)
	if _, err := OpenLedger(dir); !errors.Is(err, ErrBusy) {
		t.Errorf("opened twice: %v", err)
	}
	for _, e := range []Entry{entry("A", 1, 2), entry("B", 3)} {
		if err := l.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Change("A", func(e *Entry) { e.State, e.Settled = Stored, "mark" }); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, tt := range []struct {
			store string
			sums  []string
			want  string
			err   error
		}{
			{"s", []string{sum(1), sum(2)}, "A", nil},
			{"s", []string{sum(2)}, "A", nil},
			{"s", []string{sum(2), sum(3)}, "A", nil},
			{"s", []string{sum(3)}, "B", nil},
			{"s", []string{sum(4)}, "", nil},
			{"s", []string{sum(4), sum(3)}, "", ErrPartly},
			{"t", []string{sum(1)}, "", nil},
			{"s", nil, "", nil},
		} {
			e, err := l.Find(tt.store, tt.sums)
			if !errors.Is(err, tt.err) || (e != nil) != (tt.want != "") || e != nil && e.Recording != tt.want {
				t.Errorf("%s %q: %+v, %v", tt.store, tt.sums, e, err)
			}
		}
		e, _ := l.Find("s", []string{sum(1)})
		if want := entry("A", 1, 2); e.Removable(sum(1)) || !e.Removable(sum(2)) || e.Removable(sum(3)) || !reflect.DeepEqual(e.Tracks, want.Tracks) || e.State != Stored {
			t.Errorf("%+v", e)
		}
		if s := l.Sealed(); len(s) != 1 || s[0].Recording != "B" || !l.Settled("mark") || l.Settled("another") || l.Settled("") {
			t.Errorf("sealed are %+v, settled is %v", s, l.Settled("mark"))
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = openLedger(t, dir)
	}
	if err := l.Change("A", func(e *Entry) { e.Removing = true }); err != nil {
		t.Fatal(err)
	}
	if e := l.Removing("s", []string{sum(9), sum(2)}); e == nil || e.Recording != "A" || l.Removing("s", []string{sum(3)}) != nil || l.Removing("t", []string{sum(2)}) != nil {
		t.Errorf("being removed is %+v", e)
	}
	if err := l.Drop("B"); err != nil || len(l.Sealed()) != 0 {
		t.Errorf("%+v, %v", l.Sealed(), err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 {
		t.Errorf("%v, %v", files, err)
	}
	if info, err := os.Stat(filepath.Join(dir, ledgerFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestLedgerFull: only what was removed is forgotten, the oldest first.
func TestLedgerFull(t *testing.T) {
	l := openLedger(t, t.TempDir())
	defer l.Close()
	for n := range maxEntries {
		e := entry(fmt.Sprint(n), 10+n)
		e.State = Stored
		l.entries = append(l.entries, &e)
	}
	if err := l.Add(entry("new", 1)); !errors.Is(err, ErrFull) {
		t.Errorf("full: %v", err)
	}
	for _, n := range []int{7, 9} {
		l.entries[n].Removed = true
	}
	if err := l.Add(entry("new", 1)); err != nil {
		t.Fatal(err)
	}
	gone, _ := l.Find("s", []string{sum(10 + 7)})
	kept, _ := l.Find("s", []string{sum(10 + 9)})
	if gone != nil || kept == nil || len(l.entries) != maxEntries {
		t.Errorf("%+v, %+v, %d", gone, kept, len(l.entries))
	}
}

// TestLedgerDamaged: what cannot be read is not taken for empty, and is left as it is.
func TestLedgerDamaged(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "cut": `{"version":1,"recordings":[{"recor`, "newer": `{"version":2,"recordings":[]}`, "null": `{"version":1,"recordings":[null]}`,
		"no hash": `{"version":1,"recordings":[{"recording":"A","state":"stored","sources":[{"sha256":"x"}]}]}`,
		"state":   `{"version":1,"recordings":[{"recording":"A","state":"gone","sources":[{"sha256":"` + sum(1) + `"}]}]}`,
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, ledgerFile)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenLedger(dir); !errors.Is(err, ErrDamaged) || strings.Contains(err.Error(), sum(1)) {
			t.Errorf("%s: %v", name, err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

// FuzzLedger: whatever is in the file, what is taken of it makes sense, and comes again
// when it is written.
func FuzzLedger(f *testing.F) {
	f.Add([]byte(`{"version":1,"recordings":[{"recording":"A","store":"s","state":"stored","at":"2026-05-06T14:15:00Z","sources":[{"sha256":"` + sum(1) + `","whole":true}],"tracks":{"1":"2 ab"}}]}`))
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := parseLedger(b)
		if err != nil {
			return
		}
		dir := t.TempDir()
		l := openLedger(t, dir)
		if err := l.write(all); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		again := openLedger(t, dir)
		defer again.Close()
		if len(again.entries) != len(all) {
			t.Fatalf("%d entries, and then %d", len(all), len(again.entries))
		}
		for i, e := range all {
			if e.Recording != again.entries[i].Recording || len(e.Sources) != len(again.entries[i].Sources) {
				t.Fatalf("%+v, and then %+v", e, again.entries[i])
			}
		}
	})
}
