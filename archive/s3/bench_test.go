package s3

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
)

// BenchmarkCopy compares copying a recording from the spool to MinIO, with
// everything that is checked on the way, with bare PUTs of the same objects, as
// many at once. They take turns, so that a busy machine disturbs both alike; the
// speeds are those of the median rounds.
func BenchmarkCopy(b *testing.B) {
	const segments, segmentSize, parallel, rounds = 16, 8 << 20, 4, 5
	signer, _ := newSigner(b)
	folder := b.TempDir()
	reader, err := age.GenerateHybridIdentity()
	if err != nil {
		b.Fatal(err)
	}
	w, err := archive.Create(folder, archive.Config{Signer: signer})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := w.StartEpoch([]age.Recipient{reader.Recipient()}); err != nil {
		b.Fatal(err)
	}
	data := make([]byte, segmentSize)
	for range segments {
		rand.Read(data)
		o, err := w.Create(archive.Segment)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := o.Write(data); err != nil {
			b.Fatal(err)
		}
		if err := o.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	spool, err := dir.Open(folder)
	if err != nil {
		b.Fatal(err)
	}
	defer spool.Close()
	var names []string
	for info, err := range spool.List(b.Context(), w.ID()) {
		if err != nil {
			b.Fatal(err)
		}
		names = append(names, info.Name)
	}

	var ours, bare []time.Duration
	b.SetBytes(2 * rounds * segments * segmentSize)
	for b.Loop() {
		for range rounds { // the median of fewer tells little
			s, err := Open(b.Context(), config(b))
			if err != nil {
				b.Fatal(err)
			}
			start := time.Now()
			c := archive.NewCopier(s, spool, w.ID())
			c.Parallel = parallel
			if err := c.Copy(b.Context()); err != nil {
				b.Fatal(err)
			}
			ours = append(ours, time.Since(start))

			start = time.Now()
			var g errgroup.Group
			g.SetLimit(parallel)
			for _, name := range names {
				g.Go(func() error {
					r, err := spool.Get(b.Context(), name, 0, -1)
					if err != nil {
						return err
					}
					defer r.Close()
					object, err := io.ReadAll(r)
					if err != nil {
						return err
					}
					_, err = s.core.Client.PutObject(b.Context(), bucket, fmt.Sprintf("%sbare/%s", s.prefix, name),
						bytes.NewReader(object), int64(len(object)), minio.PutObjectOptions{DisableMultipart: true})
					return err
				})
			}
			if err := g.Wait(); err != nil {
				b.Fatal(err)
			}
			bare = append(bare, time.Since(start))
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
	speed := func(d []time.Duration) float64 {
		slices.Sort(d)
		return segments * segmentSize / 1e6 / d[len(d)/2].Seconds()
	}
	b.ReportMetric(speed(ours), "ours:MB/s")
	b.ReportMetric(speed(bare), "bare:MB/s")
	b.ReportMetric(100*speed(ours)/speed(bare), "%ofbare")
	b.ReportMetric(80, "%target")
}
