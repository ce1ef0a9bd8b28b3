package archive_test

import (
	"bytes"
	cryptorand "crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/agessh"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/testdata/sample"
)

// A member of a modelled meeting, who has one key or more.
type member struct {
	name       string
	identities []age.Identity
	recipients []age.Recipient
	hybrid     bool // has a post-quantum key
	classic    bool // has another
}

// modelMembers returns three members with post-quantum keys, two with each a
// classic kind, and one who has both.
func modelMembers(t *testing.T) []*member {
	t.Helper()
	var all []*member
	add := func(name string, keys ...any) {
		m := &member{name: name}
		for i := 0; i < len(keys); i += 2 {
			m.identities = append(m.identities, keys[i].(age.Identity))
			m.recipients = append(m.recipients, keys[i+1].(age.Recipient))
			_, pq := keys[i].(*age.HybridIdentity)
			m.hybrid, m.classic = m.hybrid || pq, m.classic || !pq
		}
		all = append(all, m)
	}
	for i := range 3 {
		id := hybrid(t)
		add(fmt.Sprintf("hybrid %d", i), id, id.Recipient())
	}
	x := classic(t)
	add("X25519", x, x.Recipient())
	ed, toEd := sshReader(t)
	add("ssh-ed25519", ed, toEd)
	private, err := rsa.GenerateKey(cryptorand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaID, err := agessh.NewRSAIdentity(private)
	if err != nil {
		t.Fatal(err)
	}
	id := hybrid(t)
	add("hybrid and ssh-rsa", id, id.Recipient(), rsaID, rsaID.Recipient())
	return all
}

// A span of a modelled meeting is the time between two changes of who is there.
type span struct {
	present  []int // members, sorted
	segments int   // recorded in it
}

// history makes up a meeting: who comes and goes, and what is recorded between.
func history(rnd *rand.Rand, members int) []span {
	var spans []span
	present := make([]bool, members)
	for i := range present {
		present[i] = rnd.IntN(3) == 0
	}
	for range 4 + rnd.IntN(6) {
		s := span{segments: rnd.IntN(3)}
		for i, p := range present {
			if p {
				s.present = append(s.present, i)
			}
		}
		spans = append(spans, s)
		// One comes or goes, now and then several at once, now and then all go.
		switch i := rnd.IntN(members); rnd.IntN(8) {
		case 0:
			clear(present)
		case 1:
			present[rnd.IntN(members)] = rnd.IntN(2) == 0
			fallthrough
		default:
			present[i] = !present[i]
		}
	}
	return spans
}

// Whoever comes and goes, a member opens what was recorded in the epochs that
// were sealed to them, and nothing else: no key of anyone opens more. The model
// says who may open which segment, and every key is tried on every segment.
func TestWhoMayOpen(t *testing.T) {
	t.Parallel()
	members := modelMembers(t)
	for seed := range sample.Cases(t, 12, 3) {
		for _, access := range []string{"present", "whole"} {
			t.Run(fmt.Sprintf("%s/%d", access, seed), func(t *testing.T) {
				spans := history(rand.New(rand.NewPCG(uint64(seed), 3)), len(members))
				t.Logf("seed %d: %+v", seed, spans)
				modelRecording(t, access, members, spans)
			})
		}
	}
}

// modelRecording records a meeting, with an epoch for each span or with one for
// those who are there first, and tries every key on it.
func modelRecording(t *testing.T, access string, members []*member, spans []span) {
	s, spool := newSigner(t, "recorder"), t.TempDir()
	w, err := archive.Create(spool, archive.Config{Signer: s})
	if err != nil {
		t.Fatal(err)
	}
	// By epoch, from 1, and by segment: who may open it, and what is in it.
	readers := [][]int{nil}
	var epochOf []int
	var contents [][]byte

	for i, span := range spans {
		if access == "present" || len(readers) == 1 {
			n, err := w.StartEpoch(recipients(members, span.present))
			if len(span.present) == 0 {
				if !errors.Is(err, archive.ErrNoReaders) {
					t.Fatalf("span %d, nobody there: StartEpoch: %v", i, err)
				}
				// A piece that nobody could open is not recorded, and above all
				// not sealed to those who were there before.
				if _, err := w.Create(archive.Segment); !errors.Is(err, archive.ErrNoEpoch) {
					t.Fatalf("span %d, nobody there: Create: %v", i, err)
				}
				continue
			}
			if err != nil || n != len(readers) {
				t.Fatalf("span %d: epoch %d, %v, want %d", i, n, err, len(readers))
			}
			readers = append(readers, span.present)
		}
		for range span.segments {
			data := fmt.Appendf(nil, "segment %d, span %d", len(contents), i)
			commit(t, begin(t, w, archive.Segment, data))
			contents = append(contents, data)
			epochOf = append(epochOf, len(readers)-1)
		}
	}
	closeWriter(t, w)
	if len(readers) == 1 {
		return // nobody ever came, and there is no recording
	}

	store := openDir(t, spool)
	all := files(t, filepath.Join(spool, w.ID()))
	tried := make(map[int]bool) // epochs whose secret was tried on all segments
	outsider := &member{name: "outsider", identities: []age.Identity{hybrid(t), classic(t)}}
	for m, who := range append(slices.Clone(members), outsider) {
		for k, key := range who.identities {
			r, err := archive.Open(t.Context(), store, w.ID(), archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{key}})
			if err != nil {
				t.Fatal(err)
			}
			if n := len(r.Segments()); n != len(contents) {
				t.Fatalf("%d segments, want %d", n, len(contents))
			}
			for n, want := range contents {
				may := slices.Contains(readers[epochOf[n]], m)
				got, err := r.ReadSegment(t.Context(), n)
				if may && (err != nil || !bytes.Equal(got, want)) {
					t.Errorf("%s, key %d, segment %d: %q, %v, want it", who.name, k, n, got, err)
				}
				if !may && (!errors.Is(err, archive.ErrNoKey) || got != nil) {
					t.Errorf("%s, key %d, segment %d: %q, %v, want ErrNoKey", who.name, k, n, got, err)
				}
				// Not through the epoch: a segment is sealed to nobody's own key.
				if _, err := age.Decrypt(strings.NewReader(all[fmt.Sprintf("segments/%06d.age", n)]), key); err == nil {
					t.Errorf("%s, key %d opens segment %d by itself", who.name, k, n)
				}
			}
			for e := 1; e < len(readers); e++ {
				may := slices.Contains(readers[e], m)
				secret, err := r.EpochSecret(t.Context(), e)
				if may != (err == nil) || may != (secret != nil) || !may && !errors.Is(err, archive.ErrNoKey) {
					t.Errorf("%s, key %d, epoch %d: secret is there: %v, %v, want %v", who.name, k, e, secret != nil, err, may)
				}
				if secret != nil && !tried[e] {
					tried[e] = true
					onlyOf(t, all, secret, e, epochOf)
				}
			}
		}
	}
	wantEpochFiles(t, store, s, w.ID(), members, readers)
}

// onlyOf checks that the secret of an epoch opens its own segments only.
func onlyOf(t *testing.T, all map[string]string, secret age.Identity, epoch int, epochOf []int) {
	t.Helper()
	for n, e := range epochOf {
		_, err := age.Decrypt(strings.NewReader(all[fmt.Sprintf("segments/%06d.age", n)]), secret)
		if (err == nil) != (e == epoch) {
			t.Errorf("the secret of epoch %d on segment %d of epoch %d: %v", epoch, n, e, err)
		}
	}
}

// wantEpochFiles checks that each epoch is shown as what its readers make it.
func wantEpochFiles(t *testing.T, store archive.Store, s signer, id string, members []*member, readers [][]int) {
	t.Helper()
	r, err := archive.Open(t.Context(), store, id, archive.Options{Verifiers: s.verifiers})
	if err != nil {
		t.Fatal(err)
	}
	var want []archive.EpochInfo
	for e := 1; e < len(readers); e++ {
		want = append(want, archive.EpochInfo{
			Number:  e,
			Hybrid:  slices.ContainsFunc(readers[e], func(m int) bool { return members[m].hybrid }),
			Classic: slices.ContainsFunc(readers[e], func(m int) bool { return members[m].classic }),
		})
	}
	if got := r.Epochs(); !slices.Equal(got, want) {
		t.Errorf("epochs %+v, want %+v", got, want)
	}
}

// recipients returns the keys of the given members.
func recipients(members []*member, of []int) (all []age.Recipient) {
	for _, m := range of {
		all = append(all, members[m].recipients...)
	}
	return all
}
