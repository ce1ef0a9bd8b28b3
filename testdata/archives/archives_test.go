// Package archives_test opens archives that were sealed long ago.
package archives_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

const (
	closedID = "XHG10JCE9C5ZGAPJMG4E4H8MGR"
	cutID    = "TP33CGDV64FH3VAPTPMS89SJK4"

	// v1Sum is the hash over the names and contents of all files in v1, as
	// treeSum makes it. It must never change: a program that cannot read v1 any
	// more is to be mended, not v1.
	v1Sum = "4c15dfdab161dea226eba9fb6b763a6115da06be25b0c62ad0aeffa6fafdc9f8"
)

func TestV1IsAsItWasSealed(t *testing.T) {
	if sum := treeSum(t, "v1"); sum != v1Sum {
		t.Errorf("the files in v1 have the sum %s, want %s: put them back", sum, v1Sum)
	}
}

// treeSum returns the SHA-256 of what sha256sum would print of all files.
func treeSum(t *testing.T, root string) string {
	t.Helper()
	h := sha256.New()
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(root, name))
		fmt.Fprintf(h, "%x  %s\n", sha256.Sum256(b), name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// A reader is one of the keys beside the archives.
func reader(t *testing.T, name string) []age.Identity {
	t.Helper()
	f, err := os.Open(filepath.Join("v1", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ids, err := age.ParseIdentities(f)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// v1 returns the store and the recorder's key.
func v1(t *testing.T) (archive.Store, note.Verifiers) {
	t.Helper()
	vkey, err := os.ReadFile("v1/recorder.vkey")
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := dir.Open("v1/store")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, note.VerifierList(v)
}

func TestV1Verifies(t *testing.T) {
	s, verifiers := v1(t)
	for _, test := range []struct {
		id      string
		state   archive.State
		objects int
	}{{closedID, archive.StateClosed, 13}, {cutID, archive.StateCut, 3}} {
		o := archive.Options{Verifiers: verifiers, Heads: archive.HeadDir(t.TempDir())}
		r, err := archive.Verify(t.Context(), s, test.id, o, func(p archive.Problem) { t.Errorf("%s: %+v", test.id, p) })
		if err != nil || !r.OK() || r.Objects != test.objects || r.Head.State != test.state || len(r.Tail) > 0 {
			t.Errorf("%s: %+v, %v", test.id, r, err)
		}
	}
}

// plaintext returns the hash of each segment as the recorder made it.
func plaintext(t *testing.T, id string) (sums []string) {
	t.Helper()
	f, err := os.Open("v1/plaintext.sha256")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		sum, name, _ := strings.Cut(lines.Text(), "  ")
		if name == fmt.Sprintf("%s/segments/%06d.mkv", id, len(sums)) {
			sums = append(sums, sum)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return sums
}

// Each reader reads their epochs, with the bytes that went in, and no others.
func TestV1Reads(t *testing.T) {
	s, verifiers := v1(t)
	pq, both, classic := archive.EpochInfo{Number: 1, Hybrid: true}, archive.EpochInfo{Number: 2, Hybrid: true, Classic: true}, archive.EpochInfo{Number: 3, Classic: true}
	for _, test := range []struct {
		key, id string
		epochs  []archive.EpochInfo
		epochOf []int // by segment
		opens   []int // segments
		torn    int   // segment, -1 if none
	}{
		{"ada.txt", closedID, []archive.EpochInfo{pq, both, classic}, []int{1, 1, 2, 2, 3}, []int{0, 1, 2, 3}, -1},
		{"bob.txt", closedID, []archive.EpochInfo{pq, both, classic}, []int{1, 1, 2, 2, 3}, []int{2, 3, 4}, -1},
		{"cleo.txt", closedID, []archive.EpochInfo{pq, both, classic}, []int{1, 1, 2, 2, 3}, []int{2, 3}, -1},
		{"ada.txt", cutID, []archive.EpochInfo{pq}, []int{1, 1}, []int{0, 1}, 1},
		{"bob.txt", cutID, []archive.EpochInfo{pq}, []int{1, 1}, nil, 1},
	} {
		t.Run(test.key+" "+test.id, func(t *testing.T) {
			r, err := archive.Open(t.Context(), s, test.id, archive.Options{Verifiers: verifiers, Identities: reader(t, test.key)})
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Epochs(); !slices.Equal(got, test.epochs) {
				t.Errorf("epochs %+v, want %+v", got, test.epochs)
			}
			sums := plaintext(t, test.id)
			if len(r.Segments()) != len(test.epochOf) || len(sums) != len(test.epochOf) {
				t.Fatalf("%d segments, %d hashes, want %d", len(r.Segments()), len(sums), len(test.epochOf))
			}
			for n, info := range r.Segments() {
				if info.Number != n || info.Epoch != test.epochOf[n] || info.Torn != (n == test.torn) {
					t.Errorf("segment %d is %+v", n, info)
				}
				plain, err := r.ReadSegment(t.Context(), n)
				if !slices.Contains(test.opens, n) {
					if !errors.Is(err, archive.ErrNoKey) || plain != nil {
						t.Errorf("segment %d: %d bytes, %v, want ErrNoKey", n, len(plain), err)
					}
					continue
				}
				var torn *archive.TornError
				if n == test.torn != errors.As(err, &torn) || n != test.torn && err != nil {
					t.Fatalf("segment %d: %v", n, err)
				}
				if sum := fmt.Sprintf("%x", sha256.Sum256(plain)); sum != sums[n] {
					t.Errorf("segment %d: %d bytes with SHA-256 %s, want %s", n, len(plain), sum, sums[n])
				}
				wantMedia(t, plain, r.Head().ID, info)
			}
			for _, n := range r.Indexes() {
				b, err := r.ReadIndex(t.Context(), n)
				if errors.Is(err, archive.ErrNoKey) {
					continue
				} else if err != nil {
					t.Fatal(err)
				}
				x, err := media.ReadIndex(bytes.NewReader(b))
				if err != nil || x.Recording != test.id || len(x.Segments) == 0 || len(x.Tracks) != 2 {
					t.Errorf("index %d: %+v, %v", n, x, err)
				}
			}
		})
	}
}

// wantMedia checks that a segment is one, and how much is in it.
func wantMedia(t *testing.T, plain []byte, id string, info archive.SegmentInfo) {
	t.Helper()
	m, err := matroska.NewReader(bytes.NewReader(plain))
	if err != nil {
		t.Errorf("segment %d: %v", info.Number, err)
		return
	}
	h := m.Header()
	if h.Recording != id || h.Segment != info.Number || h.Epoch != info.Epoch || m.FormatVersion() != 1 || len(h.Tracks) != 2 {
		t.Errorf("segment %d says it is %+v, version %d", info.Number, h, m.FormatVersion())
	}
	frames := make(map[uint64]int)
	for {
		b, err := m.Next()
		if err == io.EOF || info.Torn && err == io.ErrUnexpectedEOF {
			break
		} else if err != nil {
			t.Errorf("segment %d: %v", info.Number, err)
			return
		}
		if b.Event == nil {
			frames[b.Frame.Track]++
		}
	}
	// Two seconds of packets of 20 ms and pictures of 200 ms; more in the torn one.
	if sound, pictures := frames[11], frames[12]; !info.Torn && (sound != 100 || pictures != 10) || sound < 100 || pictures < 10 {
		t.Errorf("segment %d has %d sounds and %d pictures", info.Number, sound, pictures)
	}
}
