package s3

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/minio/minio-go/v7"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

const writeEach = 100 * time.Millisecond // a segment

// content returns what segment n has in these tests: n bytes with a marker that
// must never be found sealed.
func content(number, n int) []byte {
	b := bytes.Repeat([]byte(fmt.Sprintf("%s %06d ", marker, number)), n/(len(marker)+8)+1)
	return b[:n]
}

const marker = "PLANTED-PLAINTEXT-CANARY"

// newKeys makes a recorder's signing key and a reader.
func newKeys(t *testing.T) (skey string, known note.Verifiers, reader *age.HybridIdentity) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, "recorder")
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	if reader, err = age.GenerateHybridIdentity(); err != nil {
		t.Fatal(err)
	}
	return skey, note.VerifierList(v), reader
}

// whole opens a recording without fault.
func whole(t *testing.T, s archive.Store, id string, known note.Verifiers, reader age.Identity) *archive.Recording {
	t.Helper()
	o := archive.Options{Verifiers: known, Identities: []age.Identity{reader}}
	if _, err := archive.Verify(t.Context(), s, id, o, func(p archive.Problem) { t.Errorf("recording %s: %v", id, p) }); err != nil {
		t.Fatal(err)
	}
	rec, err := archive.Open(t.Context(), s, id, o)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// ownServer starts a MinIO for one test, with a bucket.
func ownServer(t *testing.T, c servers.MinIOConfig) (*servers.MinIO, *Store) {
	t.Helper()
	sample.Live(t)
	m, err := servers.StartMinIO(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := m.Bucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	return m, open(t, Config{Endpoint: m.Endpoint, Region: "us-east-1", Bucket: bucket, Prefix: "a folder", AccessKey: m.AccessKey, SecretKey: m.SecretKey})
}

// A live recording goes on, and is copied and let go of, as a recorder does it.
type live struct {
	t      *testing.T
	store  *Store
	spool  string
	w      *archive.Writer
	known  note.Verifiers
	reader *age.HybridIdentity

	stored  chan int   // how many segments the store's head names
	written chan int   // how many were committed
	failed  chan error // of uploads; what nobody takes is dropped

	grown   chan struct{}
	copied  chan error
	stop    chan struct{}
	stopped chan error
}

func goLive(t *testing.T, store *Store) *live {
	t.Helper()
	ctx := t.Context()
	l := &live{
		t: t, store: store, spool: t.TempDir(),
		stored: make(chan int, 1<<12), written: make(chan int, 1<<12), failed: make(chan error, 1<<12),
		grown: make(chan struct{}, 1), copied: make(chan error, 1), stop: make(chan struct{}), stopped: make(chan error, 1),
	}
	dst := archive.Retry(store, archive.RetryConfig{Min: 50 * time.Millisecond, Max: time.Second, OnRetry: func(_ string, err error, _ time.Duration) {
		select {
		case l.failed <- err:
		default:
		}
	}})
	var skey string
	skey, l.known, l.reader = newKeys(t)
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	src, err := dir.Open(l.spool)
	if err != nil {
		t.Fatal(err)
	}
	l.w, err = archive.Create(l.spool, archive.Config{Signer: signer, Changed: func() {
		select {
		case l.grown <- struct{}{}:
		default:
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.w.StartEpoch([]age.Recipient{l.reader.Recipient()}); err != nil {
		t.Fatal(err)
	}

	copier := archive.NewCopier(dst, src, l.w.ID())
	count := 0
	copier.OnHead = func(entries []archive.Entry) {
		if err := archive.ReleaseSpooled(l.spool, l.w.ID(), entries); err != nil {
			t.Error(err)
		}
		count += len(entries)
		l.stored <- count - 1 // without the epoch
	}
	go func() {
		for range l.grown {
			for copier.Copy(ctx) != nil && ctx.Err() == nil {
				time.Sleep(100 * time.Millisecond) // what the store answers while it starts may look final
			}
		}
		l.copied <- copier.Copy(ctx)
	}()
	go func() {
		tick := time.NewTicker(writeEach)
		defer tick.Stop()
		for {
			select {
			case <-l.stop:
				l.stopped <- nil
				return
			case <-tick.C:
			}
			n, err := writeSegment(l.w, func(int) {})
			if err != nil {
				l.stopped <- err
				return
			}
			l.written <- n + 1
		}
	}()
	return l
}

// reach waits until a count that comes from c is n or more.
func (l *live) reach(c <-chan int, n int) (last int) {
	l.t.Helper()
	for last < n {
		select {
		case last = <-c:
		case err := <-l.stopped:
			l.t.Fatalf("the recording failed: %v", err)
		}
	}
	return last
}

// latest returns the last of the counts that wait in c, or 0.
func latest(c <-chan int) (last int) {
	for {
		select {
		case last = <-c:
		default:
			return last
		}
	}
}

// spooled returns the number of segments that wait in the spool. Of the first n
// segments each must be there, or else in the store.
func (l *live) spooled(n int) int {
	l.t.Helper()
	left, err := filepath.Glob(filepath.Join(l.spool, l.w.ID(), "segments", "*.age"))
	if err != nil {
		l.t.Fatal(err)
	}
	for i := range n {
		name := fmt.Sprintf("segments/%06d.age", i)
		if slices.Contains(left, filepath.Join(l.spool, l.w.ID(), filepath.FromSlash(name))) {
			continue
		}
		if _, err := l.store.Stat(l.t.Context(), l.w.ID()+"/"+name); err != nil {
			l.t.Errorf("%s is neither in the spool nor in the store: %v", name, err)
		}
	}
	return len(left)
}

// end ends the recording. All of it, and that is n segments at least, must then
// be in the store, and nothing in the spool.
func (l *live) end(n int) {
	t := l.t
	t.Helper()
	close(l.stop)
	if err := <-l.stopped; err != nil {
		t.Fatal(err)
	}
	if err := l.w.Close(); err != nil {
		t.Fatal(err)
	}
	close(l.grown)
	if err := <-l.copied; err != nil {
		t.Fatal(err)
	}
	rec := whole(t, l.store, l.w.ID(), l.known, l.reader)
	if rec.Head().State != archive.StateClosed || len(rec.Segments()) < n {
		t.Errorf("head %+v, %d segments", rec.Head(), len(rec.Segments()))
	}
	for _, s := range rec.Segments() {
		got, err := rec.ReadSegment(t.Context(), s.Number)
		if err != nil || !bytes.Equal(got, content(s.Number, segmentSize(s.Number))) {
			t.Errorf("segment %d: %d bytes, %v", s.Number, len(got), err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(l.spool, l.w.ID(), "segments")); err != nil || len(left) > 0 {
		t.Errorf("the spool still has %v, %v", left, err)
	}
	t.Logf("%d segments", len(rec.Segments()))
}

// The server dies in the middle of a recording, stays away, and comes back. The
// recording goes on, and all of it arrives; what had arrived was not kept twice.
func TestOutage(t *testing.T) {
	t.Parallel()
	m, store := ownServer(t, servers.MinIOConfig{})
	l := goLive(t, store)
	before := l.reach(l.stored, 5)
	if err := m.Crash(); err != nil {
		t.Fatal(err)
	}
	<-l.failed
	before = max(before, latest(l.stored))
	meanwhile := 40 // segments, in which attempts come to be a second apart
	if sample.All() {
		meanwhile = 600
	}
	during := l.reach(l.written, before+meanwhile)
	if left, err := filepath.Glob(filepath.Join(l.spool, l.w.ID(), "segments", "*.age")); err != nil || len(left) < during-before {
		t.Errorf("%d segments wait in the spool, %v, want those from %d to %d", len(left), err, before, during)
	}
	if err := m.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.reach(l.stored, during) // the recording still goes on
	l.end(during)
}

// The server's disk fills up in the middle of a recording, and is emptied later.
// Meanwhile what is refused waits in the spool.
func TestFull(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	_, store := ownServer(t, servers.MinIOConfig{Disk: 96 << 20})
	l := goLive(t, store)
	l.reach(l.stored, 5)

	// Something else takes each byte that is free, and that becomes free. MinIO
	// refuses objects when a hundredth of its disk is left. It knows how much
	// there is a second late, and may run into the disk's end before.
	var other []string
	enough, filled := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(filled)
		filling := make([]byte, 8<<20)
		rand.Read(filling)
		for size, refused := len(filling), 0; ; {
			select {
			case <-enough:
				return
			default:
			}
			name, data := "other/"+rand.Text(), filling[:size]
			if err := store.Put(ctx, name, archive.BytesBlob(data)); err == nil {
				other = append(other, name)
			} else if refused++; refused%3 == 0 {
				size = max(size/8, 16<<10)
			}
		}
	}()
	full := func(err error) bool {
		var resp minio.ErrorResponse
		return errors.As(err, &resp) && resp.Code == "XMinioStorageFull"
	}
	for !full(<-l.failed) {
	}
	during := l.reach(l.written, 1)
	for l.spooled(during) < 20 {
		during = l.reach(l.written, during+1)
	}
	close(enough)
	<-filled
	for _, name := range other {
		if err := store.Delete(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	l.reach(l.stored, during)
	l.end(during)
}

// segmentSize is how many bytes segment n has: more than a chunk or less.
func segmentSize(n int) int { return 3000 + n%5*50_000 }

// writeSegment writes the next segment in two pieces, and calls between with its
// number between them.
func writeSegment(w *archive.Writer, between func(number int)) (number int, err error) {
	o, err := w.Create(archive.Segment)
	if err != nil {
		return 0, err
	}
	data := content(o.Number(), segmentSize(o.Number()))
	if _, err := o.Write(data[:len(data)*2/3]); err != nil {
		return 0, err
	}
	between(o.Number())
	if _, err := o.Write(data[len(data)*2/3:]); err != nil {
		return 0, err
	}
	return o.Number(), o.Commit()
}
