package archive_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/internal/approval"
)

// A fleetKey is a signing key as package keys makes them.
type fleetKey struct {
	note.Signer
	v    note.Verifier
	vkey string
	pub  ed25519.PublicKey
	with []note.Signer
}

func (k *fleetKey) Approvals() []note.Signer { return k.with }

func newFleetKey(t *testing.T, word string) *fleetKey {
	t.Helper()
	seed := sha256.Sum256([]byte(word))
	pub := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey(approval.KeyName(pub), pub)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", v.Name(), v.KeyHash(), base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...))))
	if err != nil {
		t.Fatal(err)
	}
	return &fleetKey{Signer: s, v: v, vkey: vkey, pub: pub}
}

// approves returns the approval of a recorder's key.
func (k *fleetKey) approves(t *testing.T, of *fleetKey, at time.Time) approval.Stated {
	t.Helper()
	given, err := approval.Give(k, of.vkey, "the card of "+of.vkey, at)
	if err != nil {
		t.Fatal(err)
	}
	return approval.Stated{Given: given, Recorder: of.pub, Card: sha256.Sum256([]byte("the card of " + of.vkey))}
}

// TestApproved: who has pinned the key of a fleet alone knows the recordings of a worker
// whose key it approved, and no others, whatever whoever stores them puts beside the head.
func TestApproved(t *testing.T) {
	fleet, stranger, other := newFleetKey(t, "fleet"), newFleetKey(t, "stranger"), newFleetKey(t, "another worker")
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name    string
		lines   func(worker *fleetKey) []note.Signer
		change  func(head []byte) []byte
		known   []*fleetKey
		want    bool
		damaged bool
	}{
		{name: "approved", lines: func(w *fleetKey) []note.Signer { return []note.Signer{fleet.approves(t, w, at)} }, want: true},
		{name: "approved by two", lines: func(w *fleetKey) []note.Signer {
			return []note.Signer{stranger.approves(t, w, at), fleet.approves(t, w, at)}
		}, want: true},
		{name: "not approved"},
		{name: "of another key", lines: func(*fleetKey) []note.Signer { return []note.Signer{fleet.approves(t, other, at)} }},
		{name: "of another key, named as this one", lines: func(w *fleetKey) []note.Signer {
			s := fleet.approves(t, other, at)
			s.Recorder = w.pub
			return []note.Signer{s}
		}},
		{name: "by a stranger", lines: func(w *fleetKey) []note.Signer { return []note.Signer{stranger.approves(t, w, at)} }},
		{name: "by a stranger in the fleet's name", lines: func(w *fleetKey) []note.Signer {
			s := stranger.approves(t, w, at)
			s.By, s.ID = fleet.v.Name(), fleet.v.KeyHash()
			return []note.Signer{s}
		}},
		{name: "by itself", lines: func(w *fleetKey) []note.Signer { return []note.Signer{w.approves(t, w, at)} }},
		{name: "by a worker that the fleet approved", lines: func(w *fleetKey) []note.Signer {
			return []note.Signer{other.approves(t, w, at), fleet.approves(t, other, at)}
		}},
		{name: "dated differently", lines: func(w *fleetKey) []note.Signer {
			s := fleet.approves(t, w, at)
			s.Time = s.Time.Add(-time.Hour)
			return []note.Signer{s}
		}},
		{name: "withheld", lines: func(w *fleetKey) []note.Signer { return []note.Signer{fleet.approves(t, w, at)} }, change: func(head []byte) []byte {
			last := bytes.LastIndexByte(head[:len(head)-1], '\n')
			return head[:last+1]
		}},
		{name: "the recorder's signature withheld", lines: func(w *fleetKey) []note.Signer { return []note.Signer{fleet.approves(t, w, at)} }, change: func(head []byte) []byte {
			lines := bytes.SplitAfter(head, []byte("\n"))
			return bytes.Join(slices.Delete(lines, 5, 6), nil)
		}},
		{name: "the head changed", lines: func(w *fleetKey) []note.Signer { return []note.Signer{fleet.approves(t, w, at)} }, change: func(head []byte) []byte {
			return bytes.Replace(head, []byte("state: closed"), []byte("state: open"), 1)
		}, damaged: true},
		{name: "also pinned itself", lines: func(w *fleetKey) []note.Signer { return []note.Signer{fleet.approves(t, w, at)} }, known: []*fleetKey{newFleetKey(t, "worker")}, want: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			worker := newFleetKey(t, "worker")
			if tt.lines != nil {
				worker.with = tt.lines(worker)
			}
			spool := t.TempDir()
			w, err := archive.Create(spool, archive.Config{Signer: worker})
			if err != nil {
				t.Fatal(err)
			}
			x, err := age.GenerateHybridIdentity()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.StartEpoch([]age.Recipient{x.Recipient()}); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			s, err := dir.Open(spool)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if tt.change != nil {
				b := archive.BytesBlob(tt.change(readHead(t, s, w.ID())))
				b.Replace = true
				if err := s.Put(t.Context(), w.ID()+"/head", b); err != nil {
					t.Fatal(err)
				}
			}
			known := []note.Verifier{fleet.v}
			for _, k := range tt.known {
				known = append(known, k.v)
			}
			var problems []string
			report, err := archive.Verify(t.Context(), s, w.ID(), archive.Options{Verifiers: note.VerifierList(known...)}, func(p archive.Problem) { problems = append(problems, p.Kind) })
			if err != nil {
				t.Fatal(err)
			}
			rec, err := archive.Open(t.Context(), s, w.ID(), archive.Options{Verifiers: note.VerifierList(known...)})
			var corrupt *archive.CorruptError
			switch {
			case tt.damaged:
				if !errors.As(err, &corrupt) || !slices.Equal(problems, []string{archive.ProblemBadHead}) {
					t.Errorf("%v, %v", problems, err)
				}
				return
			case !tt.want:
				if !errors.Is(err, archive.ErrForeignSigner) || !slices.Equal(problems, []string{archive.ProblemForeignSigner}) {
					t.Errorf("%v, %v", problems, err)
				}
				return
			case err != nil || len(problems) > 0 || !slices.EqualFunc(report.Signers, rec.Signers(), func(a, b archive.Signer) bool { return a.Name == b.Name }):
				t.Fatalf("%v, %v, %v", problems, err, report.Signers)
			}
			signers := rec.Signers()
			a := signers[len(signers)-1].Approval
			if len(signers) != 1+len(tt.known) || a == nil || signers[len(signers)-1].Name != worker.v.Name() || a.By != fleet.v.Name() || a.Key != worker.vkey ||
				!a.Time.Equal(at) || a.Card != sha256.Sum256([]byte("the card of "+worker.vkey)) {
				t.Errorf("signed by %+v, %+v", signers, a)
			}
		})
	}
}

func readHead(t *testing.T, s archive.Store, id string) []byte {
	t.Helper()
	r, err := s.Get(context.Background(), id+"/head", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestApprovedCopies: an approval goes with the recording to a store, in the heads before its
// end, too; a link's recorder is the only one that can be approved there.
func TestApprovedCopies(t *testing.T) {
	fleet, worker, other := newFleetKey(t, "fleet"), newFleetKey(t, "worker"), newFleetKey(t, "another worker")
	worker.with = []note.Signer{fleet.approves(t, worker, time.Now())}
	spool, to := t.TempDir(), t.TempDir()
	w, err := archive.Create(spool, archive.Config{Signer: worker})
	if err != nil {
		t.Fatal(err)
	}
	x, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	src, err := dir.Open(spool)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	dst, err := dir.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer dst.Close()
	for range 70 { // more than a Copier puts under a head of its own
		if _, err := w.StartEpoch([]age.Recipient{x.Recipient()}); err != nil {
			t.Fatal(err)
		}
	}
	c := archive.NewCopier(dst, src, w.ID())
	c.Signer, c.Own = worker, note.VerifierList(worker.v)
	heads := 0
	c.OnHead = func([]archive.Entry) {
		heads++
		if _, err := archive.Open(t.Context(), dst, w.ID(), archive.Options{Verifiers: note.VerifierList(fleet.v)}); err != nil {
			t.Errorf("head %d: %v", heads, err)
		}
	}
	if err := c.Copy(t.Context()); err != nil || heads < 2 {
		t.Fatalf("%d heads, %v", heads, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Copy(t.Context()); err != nil {
		t.Fatal(err)
	}
	fleetOnly := note.VerifierList(fleet.v)
	for _, tt := range []struct {
		o    archive.Options
		want int // signers
	}{
		{archive.Options{Verifiers: fleetOnly}, 1},
		{archive.Options{Verifiers: note.VerifierList(worker.v), Approvers: fleetOnly}, 2},
		{archive.Options{Verifiers: note.VerifierList(other.v), Approvers: fleetOnly}, 0},
		{archive.Options{Verifiers: note.VerifierList(), Approvers: fleetOnly}, 0},
	} {
		_, signers, err := archive.ReadHead(t.Context(), dst, w.ID(), tt.o)
		if len(signers) != tt.want || (err != nil) != (tt.want == 0) {
			t.Errorf("%+v, %v, want %d signers", signers, err, tt.want)
		}
	}
}
