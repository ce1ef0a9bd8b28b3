package archive_test

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"runtime"
	"sync"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
)

// segmentSize is that of the segments in benchmarks: the largest a recorder
// makes.
const segmentSize = 8 << 20

// BenchmarkSeal compares a Writer's way to the disk, hashing and fsync
// included, with age.Encrypt that writes nowhere.
func BenchmarkSeal(b *testing.B) {
	data := make([]byte, segmentSize)
	rand.Read(data)
	reader := hybrid(b).Recipient()
	b.Run("age", func(b *testing.B) {
		b.SetBytes(segmentSize)
		for b.Loop() {
			w, err := age.Encrypt(io.Discard, reader)
			if err != nil {
				b.Fatal(err)
			}
			write(b, w, data)
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("writer", func(b *testing.B) {
		w := create(b, b.TempDir(), archive.Config{Signer: newSigner(b, "recorder")}, reader)
		b.SetBytes(segmentSize)
		for b.Loop() {
			o, err := w.Create(archive.Segment)
			if err != nil {
				b.Fatal(err)
			}
			write(b, o, data)
			commit(b, o)
		}
		closeWriter(b, w)
	})
}

// write writes data in pieces, as a muxer does.
func write(b *testing.B, w io.Writer, data []byte) {
	for len(data) > 0 {
		n, err := w.Write(data[:min(len(data), 16<<10)])
		if err != nil {
			b.Fatal(err)
		}
		data = data[n:]
	}
}

// BenchmarkVerify compares Verify of a folder with SHA-256 of the same bytes in
// memory on as many cores.
func BenchmarkVerify(b *testing.B) {
	const segments = 16
	data := make([]byte, segments*segmentSize) // more than caches hold
	rand.Read(data)
	b.Run("sha256", func(b *testing.B) {
		b.SetBytes(segments * segmentSize)
		for b.Loop() {
			var wg sync.WaitGroup
			for core := range runtime.GOMAXPROCS(0) {
				wg.Go(func() {
					for i := core; i < segments; i += runtime.GOMAXPROCS(0) {
						sha256.Sum256(data[i*segmentSize : (i+1)*segmentSize])
					}
				})
			}
			wg.Wait()
		}
	})
	b.Run("verify", func(b *testing.B) {
		spool, s := b.TempDir(), newSigner(b, "recorder")
		w := create(b, spool, archive.Config{Signer: s}, hybrid(b).Recipient())
		for i := range segments {
			commit(b, begin(b, w, archive.Segment, data[i*segmentSize:(i+1)*segmentSize]))
		}
		closeWriter(b, w)
		store := openDir(b, spool)
		b.SetBytes(segments * segmentSize)
		for b.Loop() {
			r, err := archive.Verify(b.Context(), store, w.ID(), archive.Options{Verifiers: s.verifiers}, nil)
			if err != nil || !r.OK() {
				b.Fatal(r, err)
			}
		}
	})
}

// BenchmarkOpen opens a recording of 10,000 segments as the last of 50 readers,
// and reads one.
func BenchmarkOpen(b *testing.B) {
	const segments = 10_000
	s, secret, reader := newSigner(b, "recorder"), hybrid(b), hybrid(b)
	var readers []age.Recipient
	for range 49 {
		readers = append(readers, hybrid(b).Recipient())
	}
	objects := [][2]string{{"epochs/000001.age", encrypt(b, secret.String()+"\n", append(readers, reader.Recipient())...)}}
	segment := encrypt(b, "media", secret.Recipient())
	for i := range segments {
		objects = append(objects, [2]string{fmt.Sprintf("segments/%06d.age", i), segment})
	}
	store, id := forge(b, s, objects...)
	for b.Loop() {
		r, err := archive.Open(b.Context(), store, id, archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{reader}})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.ReadSegment(b.Context(), segments-1); err != nil {
			b.Fatal(err)
		}
	}
}
