package archive_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// segmentSize is that of the segments in benchmarks: the largest a recorder
// makes.
const segmentSize = 8 << 20

// inTurns runs ours and its yardstick on size bytes, one after the other, so that
// a busy machine disturbs both alike, and reports the speeds of the median
// rounds. The target is in percent of the yardstick. What is done after a round,
// if anything, does not count.
func inTurns(b *testing.B, size int, target float64, ours, yardstick, after func()) {
	var x, y []time.Duration
	b.SetBytes(int64(2 * size))
	for b.Loop() {
		start := time.Now()
		ours()
		middle := time.Now()
		yardstick()
		x, y = append(x, middle.Sub(start)), append(y, time.Since(middle))
		if after != nil {
			after()
		}
	}
	speed := func(d []time.Duration) float64 {
		slices.Sort(d)
		return float64(size) / 1e6 / d[len(d)/2].Seconds()
	}
	b.ReportMetric(speed(x), "ours:MB/s")
	b.ReportMetric(speed(y), "bare:MB/s")
	b.ReportMetric(100*speed(x)/speed(y), "%ofbare")
	b.ReportMetric(target, "%target")
}

// BenchmarkSeal compares a Writer's way to the disk, hashing and fsync included,
// with age.Encrypt that writes nowhere: on a disk, and on one in memory, which
// leaves out what the disk itself takes.
func BenchmarkSeal(b *testing.B) {
	b.Run("disk", func(b *testing.B) { benchmarkSeal(b, b.TempDir()) })
	const memory = "/dev/shm"
	if _, err := os.Stat(memory); err != nil {
		return // no Linux
	}
	b.Run("memory", func(b *testing.B) {
		spool, err := os.MkdirTemp(memory, "sealtape-")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := os.RemoveAll(spool); err != nil {
				b.Error(err)
			}
		})
		benchmarkSeal(b, spool)
	})
}

func benchmarkSeal(b *testing.B, spool string) {
	data := make([]byte, segmentSize)
	rand.Read(data)
	reader := hybrid(b).Recipient()
	w := create(b, spool, archive.Config{Signer: newSigner(b, "recorder")}, reader)
	var last archive.Entry
	inTurns(b, segmentSize, 30, func() {
		o, err := w.Create(archive.Segment)
		if err != nil {
			b.Fatal(err)
		}
		write(b, o, data)
		commit(b, o)
		last.Name = o.Name()
	}, func() {
		w, err := age.Encrypt(io.Discard, reader)
		if err != nil {
			b.Fatal(err)
		}
		write(b, w, data)
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}, func() {
		// A recorder does this once the segment is uploaded. Without, most of what
		// is measured is how the system finds memory for file after file.
		if err := archive.ReleaseSpooled(spool, w.ID(), []archive.Entry{last}); err != nil {
			b.Fatal(err)
		}
	})
	closeWriter(b, w)
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
	spool, s := b.TempDir(), newSigner(b, "recorder")
	w := create(b, spool, archive.Config{Signer: s}, hybrid(b).Recipient())
	for i := range segments {
		commit(b, begin(b, w, archive.Segment, data[i*segmentSize:(i+1)*segmentSize]))
	}
	closeWriter(b, w)
	store := openDir(b, spool)
	inTurns(b, len(data), 80, func() {
		r, err := archive.Verify(b.Context(), store, w.ID(), archive.Options{Verifiers: s.verifiers}, nil)
		if err != nil || !r.OK() {
			b.Fatal(r, err)
		}
	}, func() {
		var wg sync.WaitGroup
		for core := range runtime.GOMAXPROCS(0) {
			wg.Go(func() {
				for i := core; i < segments; i += runtime.GOMAXPROCS(0) {
					sha256.Sum256(data[i*segmentSize : (i+1)*segmentSize])
				}
			})
		}
		wg.Wait()
	}, nil)
}

// A farStore answers each request after some time, and counts how many of them
// had to wait for the answer to another.
type farStore struct {
	archive.Store
	delay time.Duration

	mu    sync.Mutex
	trips int // answers that came one after the other
}

func (s *farStore) trip() {
	s.mu.Lock()
	n := s.trips + 1
	s.mu.Unlock()
	time.Sleep(s.delay)
	s.mu.Lock()
	s.trips = max(s.trips, n)
	s.mu.Unlock()
}

func (s *farStore) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	s.trip()
	return s.Store.Get(ctx, name, off, n)
}

func (s *farStore) List(ctx context.Context, prefix string) iter.Seq2[archive.Info, error] {
	s.trip()
	return s.Store.List(ctx, prefix)
}

// long makes a recording of 10,000 segments of which reader is the last of 50.
func long(t testing.TB, s signer, reader *age.HybridIdentity) (store archive.Store, id string) {
	secret := hybrid(t)
	var readers []age.Recipient
	for range 49 {
		readers = append(readers, hybrid(t).Recipient())
	}
	objects := [][2]string{{"epochs/000001.age", encrypt(t, secret.String()+"\n", append(readers, reader.Recipient())...)}}
	segment := encrypt(t, "media", secret.Recipient())
	for i := range 10_000 {
		objects = append(objects, [2]string{fmt.Sprintf("segments/%06d.age", i), segment})
	}
	return forge(t, s, objects...)
}

// However long a recording is, opening it and its epoch takes four round trips
// to the store at most: head, log (two, of eight files each), epoch.
func TestOpenTrips(t *testing.T) {
	s, reader := newSigner(t, "recorder"), hybrid(t)
	near, id := long(t, s, reader)
	synctest.Test(t, func(t *testing.T) {
		far := &farStore{Store: near, delay: time.Second}
		start := time.Now()
		r, err := archive.Open(t.Context(), far, id, archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{reader}})
		if err == nil {
			_, err = r.EpochSecret(t.Context(), 1)
		}
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); far.trips > 4 || took > 4*time.Second || far.trips < 3 {
			t.Errorf("%d round trips, %v", far.trips, took)
		}
	})
}

// BenchmarkOpen opens a recording of 10,000 segments as the last of 50 readers,
// its epoch included, from a store that takes 20 ms to answer.
func BenchmarkOpen(b *testing.B) {
	s, reader := newSigner(b, "recorder"), hybrid(b)
	near, id := long(b, s, reader)
	o := archive.Options{Verifiers: s.verifiers, Identities: []age.Identity{reader}}
	open := func(store archive.Store) {
		r, err := archive.Open(b.Context(), store, id, o)
		if err == nil {
			_, err = r.EpochSecret(b.Context(), 1)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("trips", func(b *testing.B) {
		trips := 0
		for b.Loop() {
			far := &farStore{Store: near, delay: 20 * time.Millisecond}
			open(far)
			trips = far.trips
		}
		b.ReportMetric(float64(trips), "ours:trips")
		b.ReportMetric(4, "max:trips")
	})
	b.Run("near", func(b *testing.B) {
		for b.Loop() {
			open(near)
		}
	})
}

// BenchmarkWriterMemory writes a long recording, in large segments and in many
// small ones, and reports the most memory that took beyond what there was.
func BenchmarkWriterMemory(b *testing.B) {
	piece := make([]byte, 64<<10) // small: what there is counts for when garbage is collected
	reader, s := hybrid(b).Recipient(), newSigner(b, "recorder")
	var most uint64
	for b.Loop() {
		var before, now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		w := create(b, b.TempDir(), archive.Config{Signer: s}, reader)
		for i := range 1100 { // more than one log file
			o, err := w.Create(archive.Segment)
			if err != nil {
				b.Fatal(err)
			}
			pieces := 1
			if i%50 == 0 {
				pieces = segmentSize / len(piece)
			}
			for range pieces {
				write(b, o, piece)
			}
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapInuse-min(now.HeapInuse, before.HeapInuse))
			commit(b, o)
		}
		closeWriter(b, w)
	}
	b.ReportMetric(float64(most)/(1<<20), "ours:MiB")
	b.ReportMetric(8, "max:MiB")
}

// A growingStore has all segments, and log and head as far as a recorder has come.
type growingStore struct {
	*storetest.Mem
	forged *archive.Forged
	lines  int
}

var sealedSegment = archive.BytesBlob([]byte("sealed"))

func (s *growingStore) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	if strings.Contains(name, "/log/") || strings.HasSuffix(name, "/head") {
		return s.Mem.Get(ctx, name, off, n)
	}
	return sealedSegment.Open()
}

// grow adds so many lines.
func (s *growingStore) grow(b *testing.B, n int) {
	b.Helper()
	for range n {
		e := archive.Entry{Name: fmt.Sprintf("segments/%06d.age", max(0, s.lines-1)), SHA256: sealedSegment.SHA256}
		if s.lines == 0 {
			e.Name = "epochs/000001.age"
		}
		if err := s.forged.Add(e); err != nil {
			b.Fatal(err)
		}
		if s.lines++; s.lines%1024 == 0 || n == 1 {
			s.put(b)
		}
	}
	s.put(b)
}

func (s *growingStore) put(b *testing.B) {
	name, log, head, err := s.forged.Objects()
	if err != nil {
		b.Fatal(err)
	}
	s.Set(s.forged.ID+"/"+name, log)
	s.Set(s.forged.ID+"/head", head)
}

// A forgetfulStore keeps log and head of what is put.
type forgetfulStore struct{ *storetest.Mem }

func (s forgetfulStore) Put(ctx context.Context, name string, b archive.Blob) error {
	if b.Replace {
		return s.Mem.Put(ctx, name, b)
	}
	return nil
}

// BenchmarkGrowth is what one more line costs those who follow a log of so many: a
// reader and a Copier. It is to be the same for all.
func BenchmarkGrowth(b *testing.B) {
	for _, lines := range []int{10_000, 990_000} {
		s := newSigner(b, "recorder")
		src := &growingStore{Mem: new(storetest.Mem), forged: &archive.Forged{ID: archive.NewID(), Signer: s}}
		src.grow(b, lines)
		b.Run(fmt.Sprintf("follow/%d", lines), func(b *testing.B) {
			r, err := archive.Open(b.Context(), src, src.forged.ID, archive.Options{Verifiers: s.verifiers})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				src.grow(b, 1)
				if r, err = r.Follow(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("copy/%d", lines), func(b *testing.B) {
			c := archive.NewCopier(forgetfulStore{new(storetest.Mem)}, src, src.forged.ID)
			if err := c.Copy(b.Context()); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				src.grow(b, 1)
				if err := c.Copy(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
