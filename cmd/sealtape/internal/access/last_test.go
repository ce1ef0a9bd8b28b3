package access

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
)

// A shelf is a store with recordings that start a minute apart, the one with the highest
// number last, and whose heads were stored a while after that.
type shelf struct {
	n      int
	after  time.Duration
	locked map[string]bool // no key opens them
	gone   map[string]bool // they have no head
	// timeless: the store does not tell when it has what.
	timeless bool

	stats, opens atomic.Int64
}

var shelfStart = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func shelfID(i int) string { return fmt.Sprintf("R%04d", i) }

func (s *shelf) ids() (ids []string) {
	for i := range s.n {
		ids = append(ids, shelfID(i))
	}
	return ids
}

func (s *shelf) starts(id string) time.Time {
	var i int
	_, _ = fmt.Sscanf(id, "R%d", &i)
	return shelfStart.Add(time.Duration(i) * time.Minute)
}

// search looks for the last one, and returns what was learned, too.
func (s *shelf) search(t *testing.T, known map[string]start) (last string, unknown int, starts map[string]start) {
	t.Helper()
	s.stats.Store(0)
	s.opens.Store(0)
	q := search{starts: known, fresh: make(map[string]start),
		stored: func(_ context.Context, id string) (time.Time, error) {
			s.stats.Add(1)
			if s.gone[id] {
				return time.Time{}, fs.ErrNotExist
			}
			if s.timeless {
				return time.Time{}, nil
			}
			return s.starts(id).Add(s.after), nil
		},
		open: func(_ context.Context, id string) (time.Time, bool, error) {
			s.opens.Add(1)
			return s.starts(id), !s.locked[id], nil
		}}
	last, unknown, err := q.latest(t.Context(), s.ids())
	if err != nil {
		t.Fatal(err)
	}
	starts = maps.Clone(known)
	if starts == nil {
		starts = make(map[string]start)
	}
	maps.Copy(starts, q.fresh)
	return last, unknown, starts
}

// Of 1,000 recordings few are opened to tell which is last, and next time none.
func TestLastOpensFew(t *testing.T) {
	s := &shelf{n: 1000, after: 10 * time.Minute}
	last, unknown, known := s.search(t, nil)
	// Those whose heads were stored after the last one had started, by an hour of slack.
	if last != "R0999" || unknown != 0 || s.stats.Load() != 1000 || s.opens.Load() > 80 {
		t.Errorf("last is %s, %d unknown; asked for %d heads, opened %d", last, unknown, s.stats.Load(), s.opens.Load())
	}
	if last, _, _ := s.search(t, known); last != "R0999" || s.stats.Load() != 0 || s.opens.Load() != 0 {
		t.Errorf("again it is %s; asked for %d heads, opened %d", last, s.stats.Load(), s.opens.Load())
	}
	s.n = 1002
	if last, _, _ := s.search(t, known); last != "R1001" || s.stats.Load() != 2 || s.opens.Load() > 9 {
		t.Errorf("with two more it is %s; asked for %d heads, opened %d", last, s.stats.Load(), s.opens.Load())
	}
}

func TestLast(t *testing.T) {
	all := make(map[string]bool)
	for i := range 20 {
		all[shelfID(i)] = true
	}
	for name, tt := range map[string]struct {
		shelf   *shelf
		known   map[string]start
		last    string
		unknown int
	}{
		"locked":         {shelf: &shelf{n: 20, locked: map[string]bool{"R0019": true, "R0003": true}}, last: "R0018", unknown: 2},
		"without a head": {shelf: &shelf{n: 20, gone: map[string]bool{"R0019": true}}, last: "R0018", unknown: 1},
		"all locked":     {shelf: &shelf{n: 20, locked: all}, last: "", unknown: 20},
		"recorded here": {shelf: &shelf{n: 20, locked: all}, known: map[string]start{"R0007": {at: shelfStart.Add(time.Hour)}},
			last: "R0007", unknown: 19},
		"older than what was recorded here": {shelf: &shelf{n: 20, locked: all},
			known: map[string]start{"R0007": {at: shelfStart.Add(5 * time.Hour)}}, last: "R0007"},
		// The store's clock is far behind: its times are no bound.
		"a clock behind":       {shelf: &shelf{n: 200, after: -48 * time.Hour}, last: "R0199"},
		"a store without time": {shelf: &shelf{n: 20, timeless: true}, last: "R0019"},
	} {
		t.Run(name, func(t *testing.T) {
			last, unknown, _ := tt.shelf.search(t, tt.known)
			if last != tt.last || unknown != tt.unknown {
				t.Errorf("last is %q, %d unknown, want %q, %d", last, unknown, tt.last, tt.unknown)
			}
		})
	}
}

// A question that is not answered ends the search.
func TestLastFails(t *testing.T) {
	failed := errors.New("no passphrase")
	q := search{fresh: make(map[string]start),
		stored: func(context.Context, string) (time.Time, error) { return shelfStart, nil },
		open:   func(context.Context, string) (time.Time, bool, error) { return time.Time{}, false, failed }}
	if _, _, err := q.latest(t.Context(), []string{"A", "B"}); !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
}

// What is noted of starts is known again; what was recorded here stands over it.
func TestNotedStarts(t *testing.T) {
	h, err := keys.OpenHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a, b, c := archive.NewID(), archive.NewID(), archive.NewID()
	at := shelfStart.Add(123456789)
	for _, starts := range []map[string]start{
		{a: {at, true}, b: {at, true}}, {b: {at: at.Add(-time.Hour)}}, {b: {at, true}, c: {at: at}},
	} {
		if err := noteStarts(h, starts); err != nil {
			t.Fatal(err)
		}
	}
	if err := NoteRecorded(h, c, at.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	got, err := knownStarts(h)
	want := map[string]start{a: {at, true}, b: {at: at.Add(-time.Hour)}, c: {at: at.Add(time.Second)}}
	if err != nil || !maps.EqualFunc(got, want, func(x, y start) bool { return x.latest == y.latest && x.at.Equal(y.at) }) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	// A file that grew long begins anew.
	path := filepath.Join(h.Dir(), startsFile)
	if err := os.WriteFile(path, make([]byte, maxRecorded+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := noteStarts(h, map[string]start{a: {at: at}}); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(path); err != nil || fi.Size() > 100 {
		t.Errorf("%v, %v", fi, err)
	}
}
