package playback

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"filippo.io/age"
)

// A sealedSource has segments as an archive keeps them: as age files, each with
// its hash.
type sealedSource struct {
	id     *age.HybridIdentity
	sealed [][]byte
	hashes [][32]byte
}

func sealedMeeting(b *testing.B, segments int) *sealedSource {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		b.Fatal(err)
	}
	src := &sealedSource{id: id}
	for n := range segments {
		var sealed bytes.Buffer
		w, err := age.Encrypt(&sealed, id.Recipient())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.Write(benchSegment(b, n)); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		src.sealed = append(src.sealed, sealed.Bytes())
		src.hashes = append(src.hashes, sha256.Sum256(sealed.Bytes()))
	}
	return src
}

func (s *sealedSource) Segments() []int {
	numbers := make([]int, len(s.sealed))
	for n := range numbers {
		numbers[n] = n
	}
	return numbers
}

func (s *sealedSource) ReadSegment(_ context.Context, n int) ([]byte, error) {
	if sha256.Sum256(s.sealed[n]) != s.hashes[n] {
		return nil, errors.New("another hash")
	}
	r, err := age.Decrypt(bytes.NewReader(s.sealed[n]), s.id)
	if err != nil {
		return nil, err
	}
	plain := bytes.NewBuffer(make([]byte, 0, len(s.sealed[n])))
	_, err = io.Copy(plain, r)
	return plain.Bytes(), err
}

// copyTo does the least that an export takes: it checks, decrypts and writes.
func (s *sealedSource) copyTo(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	for n := range s.sealed {
		plain, err := s.ReadSegment(context.Background(), n)
		if err == nil {
			_, err = f.Write(plain)
		}
		if err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(f.Sync(), f.Close())
}

// BenchmarkExport exports a minute of 30 voices and 6 pictures of 1 Mbit/s. The
// yardstick checks, decrypts and writes the same bytes, and does nothing else.
// Both are in times the meeting's length for a core.
func BenchmarkExport(b *testing.B) {
	src := sealedMeeting(b, 12)
	s, err := Open(b.Context(), src, Options{Recording: testID})
	if err != nil {
		b.Fatal(err)
	}
	for _, format := range []struct {
		name   string
		export func(context.Context, *Session, string, ExportOptions) (Report, error)
	}{{"mkv", ExportFile}, {"tracks", ExportTracks}} {
		b.Run(format.name, func(b *testing.B) {
			b.ReportAllocs()
			dir := b.TempDir()
			var ours, bare []float64
			for b.Loop() {
				out := filepath.Join(dir, "out")
				x := cpu(b, func() {
					if r, err := format.export(b.Context(), s, out, ExportOptions{}); err != nil || r.Incomplete || r.Dropped() > 0 {
						b.Fatal(r, err)
					}
				})
				y := cpu(b, func() {
					if err := src.copyTo(filepath.Join(dir, "copy")); err != nil {
						b.Fatal(err)
					}
				})
				if err := os.RemoveAll(out); err != nil {
					b.Fatal(err)
				}
				ours, bare = append(ours, time.Minute.Seconds()/x.Seconds()), append(bare, time.Minute.Seconds()/y.Seconds())
			}
			slices.Sort(ours)
			slices.Sort(bare)
			x, y := ours[len(ours)/2], bare[len(bare)/2]
			b.ReportMetric(x, "ours:x-real-time")
			b.ReportMetric(y, "bare:x-real-time")
			b.ReportMetric(100*x/y, "%ofbare")
			b.ReportMetric(100, "min:x-real-time")
		})
	}
}
