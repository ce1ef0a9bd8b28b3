package archive_test

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// A reader who was told of a head takes no older state and no other recording for it,
// though they have seen none before.
func TestTold(t *testing.T) {
	t.Parallel()
	s, spool := newSigner(t, "recorder"), t.TempDir()
	w := create(t, spool, archive.Config{Signer: s}, hybrid(t).Recipient())
	state := func() map[string]string {
		objects := files(t, filepath.Join(spool, w.ID()))
		delete(objects, ".lock")
		return objects
	}
	older := state()
	commit(t, begin(t, w, archive.Segment, []byte("x")))
	told := state()
	commit(t, begin(t, w, archive.Segment, []byte("y")))
	newer := state()
	closeWriter(t, w)
	in := func(objects map[string]string) archive.Store {
		store := new(storetest.Mem)
		fill(t, store, w.ID(), objects)
		return store
	}
	h := must(archive.Open(t.Context(), in(told), w.ID(), archive.Options{Verifiers: s.verifiers})).Head()
	other := h
	other.Root[0] ^= 1

	for name, tt := range map[string]struct {
		objects map[string]string
		told    archive.Head
		want    func(error) bool
		problem string
	}{
		"the same":             {told, h, func(err error) bool { return err == nil }, ""},
		"newer":                {newer, h, func(err error) bool { return err == nil }, ""},
		"older":                {older, h, isA[*archive.RollbackError], archive.ProblemRolledBack},
		"another":              {told, other, isA[*archive.ForkError], archive.ProblemForked},
		"grown out of another": {newer, other, isA[*archive.ForkError], archive.ProblemForked},
	} {
		memory := archive.HeadDir(filepath.Join(t.TempDir(), "heads"))
		o := archive.Options{Verifiers: s.verifiers, Heads: memory, Told: &tt.told}
		if _, err := archive.Open(t.Context(), in(tt.objects), w.ID(), o); !tt.want(err) {
			t.Errorf("%s: opened with %v", name, err)
		}
		var problems []string
		_, err := archive.Verify(t.Context(), in(tt.objects), w.ID(), o, func(p archive.Problem) { problems = append(problems, p.Kind) })
		if got := strings.Join(problems, " "); err != nil || got != tt.problem {
			t.Errorf("%s: verified with %q, %v", name, got, err)
		}
		if seen, ok, err := memory.Load(w.ID()); err != nil || ok != (tt.problem == "") || ok && seen == tt.told && name == "newer" {
			t.Errorf("%s: remembered %v, %v", name, seen, err)
		}
	}
}

// An unlisted store gives objects to who knows their names.
type unlisted struct{ archive.Store }

func (unlisted) List(context.Context, string) iter.Seq2[archive.Info, error] {
	return func(yield func(archive.Info, error) bool) { yield(archive.Info{}, archive.ErrNotListed) }
}

func (unlisted) Prefixes(context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) { yield("", archive.ErrNotListed) }
}

// A store that lists nothing is enough to read and to verify. What only a listing
// shows is said to be unknown.
func TestUnlisted(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, false)
	share := strings.TrimSuffix(strings.TrimPrefix(m.share(t, m.ada, m.carol).Name, "shares/"), ".age")
	m.store.Set(m.id+"/segments/000099.age", []byte("added"))
	store := archive.Retry(unlisted{m.store}, archive.RetryConfig{})
	open := func(p person, share string) *archive.Recording {
		return must(archive.Open(t.Context(), store, m.id, archive.Options{
			Verifiers: m.recorder.verifiers, Granters: note.VerifierList(m.ada.verifier), Identities: []age.Identity{p.id}, Self: []string{p.key}, Share: share,
		}))
	}
	if _, err := open(m.ada, "").ReadSegment(t.Context(), 0); err != nil {
		t.Errorf("a reader: %v", err)
	}
	if _, err := open(m.carol, share).ReadSegment(t.Context(), 0); err != nil {
		t.Errorf("by the name of a grant: %v", err)
	}
	r := open(m.carol, "")
	if _, err := r.ReadSegment(t.Context(), 0); !errors.Is(err, archive.ErrNoKey) || !errors.Is(err, archive.ErrNotListed) {
		t.Errorf("without its name: %v", err)
	}
	if grants, err := open(m.carol, share).Grants(t.Context()); err != nil || len(grants) != 1 {
		t.Errorf("grants: %v, %v", grants, err)
	}
	if _, err := r.Tail(t.Context()); !errors.Is(err, archive.ErrNotListed) {
		t.Errorf("tail: %v", err)
	}
	report, err := archive.Verify(t.Context(), store, m.id, archive.Options{Verifiers: m.recorder.verifiers}, nil)
	said := slices.ContainsFunc(report.CannotRuleOut, func(s string) bool { return strings.Contains(s, "does not list") })
	if err != nil || !report.OK() || !said {
		t.Errorf("%+v, %v", report, err)
	}
}

// A sealed text is read by who has its name and key. Readers and verifiers take it for a
// share that is not theirs.
func TestSealed(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, false)
	share, key, err := archive.PutSealed(t.Context(), m.store, m.id, "a table")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := archive.OpenSealed(t.Context(), m.store, m.id, share, key); err != nil || text != "a table" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := archive.OpenSealed(t.Context(), m.store, m.id, share, hybrid(t)); !errors.Is(err, archive.ErrNoKey) {
		t.Errorf("another key: %v", err)
	}
	if _, err := archive.OpenSealed(t.Context(), m.store, m.id, archive.NewID(), key); !errors.Is(err, archive.ErrNoShare) {
		t.Errorf("another name: %v", err)
	}
	if grants, err := m.open(t, m.ada).Grants(t.Context()); err != nil || len(grants) > 0 {
		t.Errorf("grants: %v, %v", grants, err)
	}
	report, err := archive.Verify(t.Context(), m.store, m.id, archive.Options{Verifiers: m.recorder.verifiers}, nil)
	if err != nil || !report.OK() {
		t.Errorf("%+v, %v", report, err)
	}
	name := m.id + "/shares/" + share + ".age"
	b, _ := m.store.Object(name)
	m.store.Set(name, b[:len(b)-1])
	if _, err := archive.OpenSealed(t.Context(), m.store, m.id, share, key); !isA[*archive.CorruptError](err) {
		t.Errorf("damaged: %v", err)
	}
	if _, _, err := archive.PutSealed(t.Context(), m.store, m.id, strings.Repeat("x", 1<<20)); !errors.Is(err, archive.ErrTooLarge) {
		t.Errorf("too long: %v", err)
	}
}
