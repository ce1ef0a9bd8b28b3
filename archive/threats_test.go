package archive_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// THREATS.md says of each claim which test holds it. Those tests have to be.
func TestThreatsNamesTests(t *testing.T) {
	text, err := os.ReadFile("THREATS.md")
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]bool)
	function := regexp.MustCompile(`(?m)^func (Test[A-Z]\w*)\(t \*testing\.T\)`)
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return fs.SkipDir
		case strings.HasSuffix(path, ".txtar"):
			there[d.Name()] = true
		case strings.HasSuffix(path, "_test.go"):
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range function.FindAllSubmatch(src, -1) {
				there[string(m[1])] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`Test[A-Z]\w*|\w+\.txtar`).FindAllString(string(text), -1)
	if len(named) < 40 {
		t.Errorf("THREATS.md names %d tests only", len(named))
	}
	for _, name := range named {
		if !there[name] {
			t.Errorf("THREATS.md names %s, which is not there", name)
		}
	}
	if lines := strings.Count(string(text), "\n"); lines > 340 {
		t.Errorf("THREATS.md has %d lines, nobody will read it", lines)
	}
}

// otherRecording signs, under the ID of a recording, a closed one with less in
// it, and puts it in the place of the former.
func otherRecording(t *testing.T, mem *storetest.Mem, id string, good map[string]string, by note.Signer) {
	t.Helper()
	entries := logged(good)
	for _, e := range entries[2:] {
		if err := mem.Delete(t.Context(), id+"/"+e.Name); err != nil {
			t.Fatal(err)
		}
	}
	log, head, err := archive.Forge(id, entries[:2], archive.StateClosed, by)
	if err != nil {
		t.Fatal(err)
	}
	mem.Set(id+"/log/0000", log)
	mem.Set(id+"/head", head)
}

// Whoever has the recorder's signing key and the store can put another recording
// in the place of one. Only those who have seen the first one notice.
func TestThiefOfTheSigningKey(t *testing.T) {
	s, mem := newSigner(t, "recorder"), new(storetest.Mem)
	id, good := record(t, s, true, 3, hybrid(t).Recipient())
	fill(t, mem, id, good)
	saw := archive.Options{Verifiers: s.verifiers, Heads: archive.HeadDir(t.TempDir())}
	if r, err := archive.Verify(t.Context(), mem, id, saw, nil); err != nil || !r.OK() {
		t.Fatalf("%+v, %v", r, err)
	}
	otherRecording(t, mem, id, good, s)

	r, err := archive.Verify(t.Context(), mem, id, archive.Options{Verifiers: s.verifiers, Heads: archive.HeadDir(t.TempDir())}, nil)
	if err != nil || !r.OK() {
		t.Errorf("who never saw it: %+v, %v: then THREATS.md is too modest", r, err)
	}
	var kinds []string
	r, err = archive.Verify(t.Context(), mem, id, saw, func(p archive.Problem) { kinds = append(kinds, p.Kind) })
	if err != nil || r.OK() || !slices.Equal(kinds, []string{archive.ProblemRolledBack}) {
		t.Errorf("who saw it: %q, %v", kinds, err)
	}
}

// Who has pinned a participant as a member believes the shares that they grant, and no
// recording that they sign.
func TestMemberSignsNoRecording(t *testing.T) {
	recorder, participant := newSigner(t, "recorder"), newSigner(t, "participant")
	mem := new(storetest.Mem)
	id, good := record(t, recorder, true, 3, hybrid(t).Recipient())
	fill(t, mem, id, good)
	otherRecording(t, mem, id, good, participant)
	o := archive.Options{Verifiers: recorder.verifiers, Granters: participant.verifiers}
	if _, err := archive.Open(t.Context(), mem, id, o); !errors.Is(err, archive.ErrForeignSigner) {
		t.Errorf("a member's head: %v", err)
	}
	if r, err := archive.Verify(t.Context(), mem, id, o, nil); err != nil || r.OK() {
		t.Errorf("a member's head verifies: %+v, %v", r, err)
	}
}

// Recover has only the disk to go by: what someone put there it signs. The
// readers then find that it is not a segment.
func TestRecoverSignsWhatItFinds(t *testing.T) {
	s, spool, reader := newSigner(t, "recorder"), t.TempDir(), hybrid(t)
	w := create(t, spool, archive.Config{Signer: s}, reader.Recipient())
	commit(t, begin(t, w, archive.Segment, []byte("genuine")))
	if err := w.Crash(); err != nil {
		t.Fatal(err)
	}
	forged := encrypt(t, "forged", hybrid(t).Recipient())
	if err := os.WriteFile(filepath.Join(spool, w.ID(), "segments/000001.age"), []byte(forged), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Recover(t.Context(), spool, archive.Config{Signer: s}); err != nil {
		t.Fatal(err)
	}
	store := openDir(t, spool)
	o := archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{reader}}
	if r, err := archive.Verify(t.Context(), store, w.ID(), o, nil); err != nil || !r.OK() || r.Objects != 3 {
		t.Errorf("Verify: %+v, %v: then THREATS.md is too modest", r, err)
	}
	r, err := archive.Open(t.Context(), store, w.ID(), o)
	if err != nil {
		t.Fatal(err)
	}
	var bad *archive.CorruptError
	if got, err := r.ReadSegment(t.Context(), 1); !errors.As(err, &bad) {
		t.Errorf("the forged segment: %q, %v", got, err)
	}
}

// An SSH key leaves the same mark in each epoch file, by which whoever knows the
// public half knows the reader. Keys of age's own leave none.
func TestSSHReadersAreRecognisable(t *testing.T) {
	_, ssh := sshReader(t)
	x, pq := classic(t), hybrid(t)
	marks := func(r age.Recipient) []string {
		stanzas, err := r.Wrap(make([]byte, 16))
		if err != nil || len(stanzas) != 1 {
			t.Fatalf("%d stanzas, %v", len(stanzas), err)
		}
		return stanzas[0].Args
	}
	for name, test := range map[string]struct {
		r    age.Recipient
		same bool
	}{"ssh-ed25519": {ssh, true}, "X25519": {x.Recipient(), false}, "hybrid": {pq.Recipient(), false}} {
		if a, b := marks(test.r), marks(test.r); (a[0] == b[0]) != test.same {
			t.Errorf("%s: %q and %q", name, a, b)
		}
	}
}
