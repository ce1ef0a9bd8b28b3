package s3

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/testdata/servers"
)

const (
	outage    = time.Minute            // how long the store is away
	writeEach = 200 * time.Millisecond // a segment
)

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

// The server dies in the middle of a recording, stays away, and comes back. The
// recording goes on, and all of it arrives; what had arrived was not kept twice.
func TestOutage(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m, err := servers.StartMinIO(ctx, servers.MinIOConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := m.Bucket(ctx, bucket); err != nil {
		t.Fatal(err)
	}
	c := config()
	c.Endpoint, c.AccessKey, c.SecretKey = m.Endpoint, m.AccessKey, m.SecretKey
	store := open(t, c)
	var failures atomic.Int64
	dst := archive.Retry(store, archive.RetryConfig{Min: 50 * time.Millisecond, Max: time.Second,
		OnRetry: func(string, error, time.Duration) { failures.Add(1) }})

	skey, known, reader := newKeys(t)
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	spool := t.TempDir()
	src, err := dir.Open(spool)
	if err != nil {
		t.Fatal(err)
	}
	grown := make(chan struct{}, 1)
	w, err := archive.Create(spool, archive.Config{Signer: signer, Changed: func() {
		select {
		case grown <- struct{}{}:
		default:
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.StartEpoch([]age.Recipient{reader.Recipient()}); err != nil {
		t.Fatal(err)
	}

	// Copy, as the recorder does.
	copier := archive.NewCopier(dst, src, w.ID())
	stored := make(chan int, 1<<10) // how many segments the store's head names
	count := 0
	copier.OnHead = func(entries []archive.Entry) {
		if err := archive.ReleaseSpooled(spool, w.ID(), entries); err != nil {
			t.Error(err)
		}
		count += len(entries)
		stored <- count - 1 // without the epoch
	}
	copied := make(chan error, 1)
	go func() {
		for range grown {
			for copier.Copy(ctx) != nil && ctx.Err() == nil {
				time.Sleep(100 * time.Millisecond) // what the store answers while it starts may look final
			}
		}
		copied <- copier.Copy(ctx)
	}()

	// Write, until told to stop.
	written := make(chan int, 1<<10) // segments committed
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		tick := time.NewTicker(writeEach)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			case <-tick.C:
			}
			n, err := writeSegment(w, func(int) {})
			if err != nil {
				stopped <- err
				return
			}
			written <- n + 1
		}
	}()
	reach := func(c <-chan int, n int) (last int) {
		for last < n {
			select {
			case last = <-c:
			case err := <-stopped:
				t.Fatalf("the recording failed: %v", err)
			}
		}
		return last
	}

	before := reach(stored, 5)
	if err := m.Crash(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(outage)
	during := reach(written, before+20)
	if failures.Load() == 0 {
		t.Error("the outage went unnoticed")
	}
	if left, err := filepath.Glob(filepath.Join(spool, w.ID(), "segments", "*.age")); err != nil || len(left) < during-before-10 {
		t.Errorf("%d segments wait in the spool, %v", len(left), err)
	}
	if err := m.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	reach(stored, during) // the recording still goes on
	close(stop)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	close(grown)
	if err := <-copied; err != nil {
		t.Fatal(err)
	}

	rec := whole(t, store, w.ID(), known, reader)
	if rec.Head().State != archive.StateClosed || len(rec.Segments()) < during {
		t.Errorf("head %+v, %d segments", rec.Head(), len(rec.Segments()))
	}
	for _, s := range rec.Segments() {
		got, err := rec.ReadSegment(ctx, s.Number)
		if err != nil || !bytes.Equal(got, content(s.Number, segmentSize(s.Number))) {
			t.Errorf("segment %d: %d bytes, %v", s.Number, len(got), err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(spool, w.ID(), "segments")); err != nil || len(left) > 0 {
		t.Errorf("the spool still has %v, %v", left, err)
	}
	t.Logf("%d segments, %d of them before the outage, %d failures", len(rec.Segments()), before, failures.Load())
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
