//go:build unix

package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/player"
	"github.com/sealtape/sealtape/playback/tape"
)

// A countingStore counts what is read of the objects, and fails when it is told to.
type countingStore struct {
	archive.Store
	gets atomic.Int64
	down atomic.Bool
}

var errDown = errors.New("the store is down")

func (s *countingStore) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	s.gets.Add(1)
	if s.down.Load() {
		return nil, errDown
	}
	return s.Store.Get(ctx, name, off, n)
}

// library returns the recordings in a folder as the owner of home sees them.
func (l *lab) library(home, store string) (*shownLibrary, *countingStore) {
	l.t.Helper()
	h, err := keys.OpenHome(home)
	if err != nil {
		l.t.Fatal(err)
	}
	me, err := h.Load(nil)
	if err != nil {
		l.t.Fatal(err)
	}
	trust, err := h.Trust()
	if err != nil {
		l.t.Fatal(err)
	}
	s, err := dir.Create(store)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			l.t.Error(err)
		}
	})
	counting := &countingStore{Store: s}
	trust.Recorders = trust.All
	a := &access.Access{Env: &ui.Env{Stdout: io.Discard, Stderr: io.Discard}, Home: h, Store: counting, Trust: trust}
	lib := &library{Library: tape.NewLibrary(counting, a.Options(me.AgeIdentities()))}
	return &shownLibrary{lib.page(), lib, a}, counting
}

// A shownLibrary is what the page shows of a library.
type shownLibrary struct {
	player.Library
	l *library
	a *access.Access
}

func (l *shownLibrary) entries(t *testing.T) map[string]*tape.Description {
	t.Helper()
	all, err := l.Recordings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := make(map[string]*tape.Description)
	for _, e := range all {
		m[e.ID] = e
	}
	return m
}

// problem says what is wrong with a recording beyond that it is not complete.
func problem(d *tape.Description) string {
	switch v := d.Verdict(); {
	case d.Err != nil:
		return d.Err.Error()
	case v.Outcome == tape.Damaged:
		return v.Say("it")
	}
	return strings.Join(d.Problems, "; ")
}

// TestLibrary lists recordings of every kind for a reader of some: what can be
// known is told, what is wrong with one does not hide the others, and what is over
// is not read again.
func TestLibrary(t *testing.T) {
	l := newDesk(t)
	adaHome, ada := l.recorder("Ada")
	bobHome, bob := l.person("Bob", ada)
	eveHome, _ := l.person("Eve")
	store := filepath.Join(l.dir, "store")
	bobCard := writeCard(t, bob)
	all := l.sealed(adaHome, store, "-reader", bobCard, "-room", "Board", "-start", "2026-03-02T10:00:00Z", "-hole", "1500ms")
	part := l.sealed(adaHome, store, "-late", bobCard, "-segments", "3", "-start", "2026-03-03T10:00:00Z")
	none := l.sealed(adaHome, store)
	open := l.sealed(adaHome, store, "-reader", bobCard, "-open", "-start", "2026-03-01T10:00:00Z")
	unsigned := l.sealed(eveHome, store)
	headless := l.sealed(adaHome, store)
	holed := l.sealed(adaHome, store, "-reader", bobCard, "-start", "2026-03-04T10:00:00Z")
	for _, path := range []string{headless + "/head", holed + "/segments/000001.age"} {
		if err := os.Remove(filepath.Join(store, filepath.FromSlash(path))); err != nil {
			t.Fatal(err)
		}
	}

	lib, counting := l.library(bobHome, store)
	got := lib.entries(t)
	people := []string{"Alice", bobTrack.Name}
	for id, want := range map[string]struct {
		State         archive.State
		Access        tape.Access
		Room, Problem string
		Duration      time.Duration
		People        []string
		Incomplete    bool
	}{
		all:      {State: "closed", Access: tape.AccessAll, Room: "Board", Duration: 4 * time.Second, People: people, Incomplete: true},
		part:     {State: "closed", Access: tape.AccessPart, Duration: 6 * time.Second, People: people},
		none:     {State: "closed", Access: tape.AccessNone},
		open:     {State: "open", Access: tape.AccessAll, Room: "Standup", Duration: 4 * time.Second, People: people, Incomplete: true},
		unsigned: {State: "foreign-signer", Problem: "not signed by a known recorder"},
		headless: {State: "damaged", Problem: "has no head"},
		holed: {State: "closed", Access: tape.AccessAll, Room: "Standup", Duration: 4 * time.Second, People: people, Incomplete: true,
			Problem: "lacks 1 object in the store"},
	} {
		e := got[id]
		var names []string
		for _, p := range e.People {
			names = append(names, p.Display())
		}
		said := problem(e)
		if e.State != want.State || e.Opens != want.Access || e.Room != want.Room || e.Duration != want.Duration ||
			!slices.Equal(names, want.People) || e.Err == nil && e.Verdict().Incomplete() != want.Incomplete || !strings.Contains(said, want.Problem) ||
			(want.Problem == "") != (said == "") {
			t.Errorf("%+v\nwant %+v", e, want)
		}
		if e.State == "closed" && (e.Bytes == 0 || len(e.Signers) != 1) {
			t.Errorf("%+v has no size or no signer", e)
		}
	}
	list, err := lib.Recordings(t.Context())
	if err != nil || list[0].ID != holed || list[1].ID != part || list[2].ID != all || list[3].ID != open {
		t.Errorf("the latest does not come first: %v, %v", list, err)
	}

	counting.gets.Store(0)
	if _, err := lib.Recordings(t.Context()); err != nil {
		t.Error(err)
	}
	// The head of what goes on, and of what did not open.
	if n := counting.gets.Load(); n > 3 {
		t.Errorf("%d objects were read to list the same again", n)
	}

	// The store is away: what is known is still listed, and then all is well again.
	fresh, down := l.library(bobHome, store)
	down.down.Store(true)
	if e := fresh.entries(t)[all]; e.State != "" || !strings.Contains(problem(e), errDown.Error()) {
		t.Errorf("without the store: %+v", e)
	}
	down.down.Store(false)
	if e := fresh.entries(t)[all]; problem(e) != "" || e.Room != "Board" {
		t.Errorf("with the store again: %+v", e)
	}
}

// TestPlayable tries what package web is told of segments that cannot be read, and
// why.
func TestPlayable(t *testing.T) {
	l := newDesk(t)
	adaHome, ada := l.recorder("Ada")
	bobHome, bob := l.person("Bob", ada)
	eveHome, _ := l.person("Eve")
	store := filepath.Join(l.dir, "store")
	id := l.sealed(adaHome, store, "-late", writeCard(t, bob), "-segments", "3")
	damaged := l.sealed(adaHome, store, "-reader", writeCard(t, bob), "-segments", "3")
	foreign := l.sealed(eveHome, store)
	flip(t, filepath.Join(store, damaged, "segments", "000000.age"))
	if err := os.Remove(filepath.Join(store, damaged, "segments", "000001.age")); err != nil {
		t.Fatal(err)
	}

	lib, counting := l.library(bobHome, store)
	rec, err := lib.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	f := rec.Log()
	if want := []tape.Epoch{{Number: 1, Hybrid: true, Segments: 2, First: 0, Last: 1}, {Number: 2, Hybrid: true, Opens: true, Segments: 1, First: 2, Last: 2}}; !slices.Equal(f.Epochs, want) {
		t.Errorf("epochs %+v, want %+v", f.Epochs, want)
	}
	if f.ID != id || f.State != "closed" || !f.PostQuantum || len(f.Signers) != 1 {
		t.Errorf("its log says %+v", f)
	}
	if _, err := rec.ReadSegment(t.Context(), 0); !errors.Is(err, playback.ErrLocked) || errors.Is(err, playback.ErrDamaged) {
		t.Errorf("a locked segment: %v", err)
	}
	if _, err := rec.ReadSegment(t.Context(), 2); err != nil {
		t.Errorf("a segment of one's own: %v", err)
	}
	if _, err := rec.(playback.Indexer).ReadIndex(t.Context(), rec.(playback.Indexer).Indexes()[0]); !errors.Is(err, playback.ErrLocked) {
		t.Errorf("a locked index: %v", err)
	}

	if rec, err = lib.Open(t.Context(), damaged); err != nil {
		t.Fatal(err)
	}
	for n, what := range []string{"changed", "gone"} {
		if _, err := rec.ReadSegment(t.Context(), n); !errors.Is(err, playback.ErrDamaged) {
			t.Errorf("a segment that is %s: %v", what, err)
		}
	}
	counting.down.Store(true)
	if _, err := rec.ReadSegment(t.Context(), 2); !errors.Is(err, errDown) || errors.Is(err, playback.ErrDamaged) || errors.Is(err, playback.ErrLocked) {
		t.Errorf("while the store is down: %v", err)
	}
	counting.down.Store(false)

	// What the command read to begin with is not read again.
	kept, counting := l.library(bobHome, store)
	own, err := tape.Open(t.Context(), counting, id, kept.a.Options(identitiesOf(t, bobHome)))
	if err != nil {
		t.Fatal(err)
	}
	if f, err := own.Describe(t.Context()); err != nil || f.Duration != 6*time.Second {
		t.Fatalf("kept: %+v, %v", f, err)
	}
	kept.l.Keep(own)
	counting.gets.Store(0)
	if rec, err = kept.Open(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := rec.Session(t.Context()); err != nil {
		t.Error(err)
	}
	if n := counting.gets.Load(); n > 0 {
		t.Errorf("%d objects were read again", n)
	}

	if _, err := lib.Open(t.Context(), foreign); !errors.Is(err, playback.ErrDamaged) {
		t.Errorf("a recording of someone unknown: %v", err)
	}
	for _, id := range []string{strings.Repeat("0", 26), "../../etc/passwd", ""} {
		if _, err := lib.Open(t.Context(), id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("recording %q: %v", id, err)
		}
	}
}

// identitiesOf are the keys of a home.
func identitiesOf(t *testing.T, home string) []age.Identity {
	t.Helper()
	h, err := keys.OpenHome(home)
	if err != nil {
		t.Fatal(err)
	}
	me, err := h.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	return me.AgeIdentities()
}

// underway returns a recording of a room that has begun in store, by the identity of
// home, who is its reader.
func underway(t *testing.T, home, store, room string) (recordingMaker, *keys.Identity) {
	t.Helper()
	h, err := keys.OpenHome(home)
	if err != nil {
		t.Fatal(err)
	}
	me, err := h.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	m := recordingMaker{room: room, start: time.Now().UTC()}
	if m.w, err = archive.Create(store, archive.Config{Signer: me.Signer()}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.w.StartEpoch(me.Recipients()); err != nil {
		t.Fatal(err)
	}
	return m, me
}

// What a revoked key signed is listed and played as what nobody vouches for, and
// play ends with that.
func TestPlayableDistrusted(t *testing.T) {
	l := newDesk(t)
	home, _ := l.person("Ada")
	store := filepath.Join(l.dir, "store")
	m, me := underway(t, home, store, "Room")
	if err := errors.Join(m.segment(0, true), m.writeIndex(), m.w.Close()); err != nil {
		t.Fatal(err)
	}
	lib, _ := l.library(home, store)
	if rec, err := lib.Open(t.Context(), m.w.ID()); err != nil || rec.Log().Trust().Outcome != tape.Whole || lib.l.distrusted() != nil {
		t.Fatalf("before: %v, %v", err, lib.l.distrusted())
	}
	h, err := keys.OpenHome(home)
	if err != nil {
		t.Fatal(err)
	}
	card, err := me.Card()
	if err != nil {
		t.Fatal(err)
	}
	revocation, err := me.Revoke(card, "")
	if err == nil {
		err = h.Revoke(revocation)
	}
	if err != nil {
		t.Fatal(err)
	}
	lib, _ = l.library(home, store)
	rec, err := lib.Open(t.Context(), m.w.ID())
	if err != nil {
		t.Fatal(err)
	}
	if rec.Log().Trust().Outcome != tape.Damaged {
		t.Error("the page is not told")
	}
	if code, _ := ui.Explain(lib.l.distrusted()); lib.l.distrusted() == nil || code != ui.ExitUnverified {
		t.Errorf("play ends with %v", lib.l.distrusted())
	}
	if e := lib.entries(t)[m.w.ID()]; problem(e) != rec.Log().Trust().Say("it") {
		t.Errorf("listed as %+v", e)
	}
}

// TestPlayableFollows follows a recording that goes on.
func TestPlayableFollows(t *testing.T) {
	l := newDesk(t)
	home, _ := l.recorder("Ada")
	store := filepath.Join(l.dir, "store")
	m, _ := underway(t, home, store, "Live")
	if err := m.segment(0, false); err != nil {
		t.Fatal(err)
	}

	lib, _ := l.library(home, store)
	first, err := lib.Open(t.Context(), m.w.ID())
	if err != nil {
		t.Fatal(err)
	}
	if same, err := first.Follow(t.Context()); err != nil || same != first {
		t.Errorf("with nothing new: %v, %v", same, err)
	}
	if e := lib.entries(t)[m.w.ID()]; e.State != "open" || e.Duration != 2*time.Second || e.Room != "Live" {
		t.Errorf("listed as %+v", e)
	}
	if err := errors.Join(m.segment(1, true), m.writeIndex(), m.w.Close()); err != nil {
		t.Fatal(err)
	}
	next, err := first.Follow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := next.Segments(); next == first || !slices.Equal(got, []int{0, 1}) || next.Log().State != "closed" {
		t.Errorf("followed: segments %v, %+v", got, next.Log())
	}
	if got := first.Segments(); !slices.Equal(got, []int{0}) {
		t.Errorf("the first one has segments %v now", got)
	}
	if e := lib.entries(t)[m.w.ID()]; e.State != "closed" || e.Duration != 4*time.Second || e.Verdict().Incomplete() {
		t.Errorf("listed as %+v", e)
	}
}
