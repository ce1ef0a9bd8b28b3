package s3

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/testdata/sample"
)

// These tell a child process of TestKill what to do.
const (
	childSpool  = "SEALTAPE_TEST_SPOOL"
	childStore  = "SEALTAPE_TEST_STORE" // a folder, or lines that say which bucket
	childSigner = "SEALTAPE_TEST_SIGNER"
	childReader = "SEALTAPE_TEST_READER"
)

const (
	kills           = 200
	childRecordings = 2  // at once, in one spool
	childSegments   = 4  // in each, then it is closed and a new one begun
	childLines      = 16 // that are said of each, before it is closed
)

// A process that records, copies, lets go of what is stored and removes what is
// over is killed, many times, at any moment. After recovery and copying the store
// has all that was durable.
func TestKill(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	for _, store := range []string{"folder", "minio"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			k := &killer{t: t, store: t.TempDir()}
			var signer string
			signer, k.known, k.reader = newKeys(t)
			var err error
			if k.signer, err = note.NewSigner(signer); err != nil {
				t.Fatal(err)
			}
			data := k.store // where the objects are on the disk
			if store == "minio" {
				c := config(t)
				k.store = strings.Join([]string{c.Endpoint, c.Prefix, c.AccessKey, c.SecretKey}, "\n")
				data = server(t).Data()
			}
			k.env = append(os.Environ(), childStore+"="+k.store, childSigner+"="+signer, childReader+"="+k.reader.Recipient().String())
			n := 0
			for i := range sample.Cases(t, kills, 7) {
				k.kill(i * childLines * childRecordings / kills)
				n++
			}
			// A few may all come where nothing is at stake: then some more.
			for i := 0; i < kills && k.torn+k.released == 0; i += 9 {
				k.kill(i * childLines * childRecordings / kills)
				n++
			}
			t.Logf("%d kills hit %d recordings: %d were empty, %d torn, of %d objects had been released", n, k.moments, k.empty, k.torn, k.released)
			if k.moments < n/2 || k.torn+k.released == 0 {
				t.Error("the kills did not come where it matters")
			}
			wantSealed(t, contents(t, data))
		})
	}
}

// wantSealed fails the test if there is plaintext in files.
func wantSealed(t *testing.T, files map[string]string) {
	t.Helper()
	for name, data := range files {
		if strings.Contains(data, marker) || strings.Contains(data, "AGE-SECRET-KEY") {
			t.Errorf("%s has plaintext in it", name)
		}
	}
}

type killer struct {
	t      *testing.T
	store  string
	env    []string
	signer note.Signer
	known  note.Verifiers
	reader *age.HybridIdentity

	moments, empty, torn, released int
}

// kill starts a child, kills it once it has said so many lines, and looks at
// what it left.
func (k *killer) kill(after int) {
	t := k.t
	spool := t.TempDir()
	child := exec.Command(os.Args[0])
	child.Env = append(k.env, childSpool+"="+spool)
	stderr := new(bytes.Buffer)
	child.Stderr = stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	// The child goes on while its lines are read, so the kill comes anywhere.
	committed := make(map[string]int) // by recording, how many segments
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		var id string
		var segments int
		if _, err := fmt.Sscanf(lines.Text(), "%s %d", &id, &segments); err != nil {
			t.Errorf("the child says %q", lines.Text())
		} else {
			committed[id] = max(committed[id], segments)
		}
		if n == after {
			if err := child.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	if err := child.Wait(); err == nil || child.ProcessState.Exited() {
		t.Fatalf("the child ended by itself: %v, %s", err, stderr)
	}

	ctx := t.Context()
	left := contents(t, spool)
	k.coherent(committed)
	recovered, err := archive.Recover(ctx, spool, archive.Config{Signer: k.signer})
	if err != nil {
		t.Fatal(err)
	}
	before := contents(t, spool)
	if again, err := archive.Recover(ctx, spool, archive.Config{Signer: k.signer}); err != nil || len(again) > 0 || !maps.Equal(before, contents(t, spool)) {
		t.Errorf("a second Recover: %v, %v", again, err)
	}
	wantSealed(t, left)
	wantSealed(t, before)
	k.moments += len(recovered)
	for _, r := range recovered {
		if r.Head.Size == 0 {
			k.empty++
			if committed[r.ID] > 0 {
				t.Errorf("recording %s of %d segments is gone", r.ID, committed[r.ID])
			}
		} else if _, ok := committed[r.ID]; !ok {
			committed[r.ID] = 0
		}
		if left[r.ID+"/.stored"] != "" {
			k.released++
		}
	}
	k.finish(spool, committed)
}

// coherent fails the test if the store has a head, and not all that it signs.
func (k *killer) coherent(ids map[string]int) {
	k.t.Helper()
	dst, err := openChildStore(k.t.Context(), k.store)
	if err != nil {
		k.t.Fatal(err)
	}
	for id := range ids {
		_, err := archive.Verify(k.t.Context(), dst, id, archive.Options{Verifiers: k.known}, func(p archive.Problem) {
			if p.Object != "head" || p.Kind != archive.ProblemMissing {
				k.t.Errorf("recording %s, before the end: %v", id, p)
			}
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // or there is nothing yet
			k.t.Error(err)
		}
	}
}

// finish copies what is in the spool, and checks that the store then has all
// that was committed.
func (k *killer) finish(spool string, committed map[string]int) {
	t := k.t
	ctx := t.Context()
	src, err := dir.Open(spool)
	if err != nil {
		t.Fatal(err)
	}
	dst, err := openChildStore(ctx, k.store)
	if err != nil {
		t.Fatal(err)
	}
	for id, err := range archive.IDs(ctx, src) {
		if err != nil {
			t.Fatal(err)
		}
		if err := archive.Copy(ctx, dst, src, id); err != nil {
			t.Errorf("copying: %v", err)
			continue
		}
		if err := archive.RemoveSpooled(spool, id); err != nil {
			t.Error(err)
		}
	}
	for id, n := range committed {
		rec := whole(t, dst, id, k.known, k.reader)
		segments := rec.Segments()
		if len(segments) < n || !rec.Head().State.Final() {
			t.Errorf("recording %s: %d segments of %d, %s", id, len(segments), n, rec.Head().State)
		}
		for i, s := range segments {
			want := content(s.Number, segmentSize(s.Number))
			got, err := rec.ReadSegment(ctx, s.Number)
			var torn *archive.TornError
			switch {
			case errors.As(err, &torn) && s.Number >= n && i == len(segments)-1:
				k.torn++
				if !bytes.HasPrefix(want, got) {
					t.Errorf("recording %s: the torn segment %d has other bytes", id, s.Number)
				}
			case err != nil || s.Number != i || !bytes.Equal(got, want):
				t.Errorf("recording %s: segment %d: %d bytes, %v", id, s.Number, len(got), err)
			}
		}
	}
	if left := contents(t, spool); len(left) > 0 {
		t.Errorf("the spool still has %d files", len(left))
	}
}

// contents returns the files below a folder, without those that go meanwhile.
func contents(t *testing.T, root string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != root {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		name, _ := filepath.Rel(root, path)
		all[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func openChildStore(ctx context.Context, store string) (archive.Store, error) {
	c := strings.Split(store, "\n")
	if len(c) == 1 {
		return dir.Open(store)
	}
	return Open(ctx, Config{Endpoint: c[0], Region: "us-east-1", Bucket: bucket, Prefix: c[1], AccessKey: c[2], SecretKey: c[3]})
}

// child records until it is killed.
func child() {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	spool := os.Getenv(childSpool)
	reader, err := age.ParseHybridRecipient(os.Getenv(childReader))
	fail(err)
	signer, err := note.NewSigner(os.Getenv(childSigner))
	fail(err)
	dst, err := openChildStore(context.Background(), os.Getenv(childStore))
	fail(err)
	src, err := dir.Open(spool)
	fail(err)
	var wg sync.WaitGroup
	for range childRecordings {
		wg.Go(func() {
			// All begin at once; their first steps should not be in step.
			time.Sleep(rand.N(30 * time.Millisecond))
			for {
				fail(childRecording(spool, signer, reader, dst, src))
			}
		})
	}
	wg.Wait()
}

// childRecording makes one recording, from beginning to end. It says after each
// segment, and in the middle of each, how many are durable, and something when
// the store has more.
func childRecording(spool string, signer note.Signer, reader age.Recipient, dst, src archive.Store) error {
	grown := make(chan struct{}, 1)
	w, err := archive.Create(spool, archive.Config{Signer: signer, Changed: func() {
		select {
		case grown <- struct{}{}:
		default:
		}
	}})
	if err != nil {
		return err
	}
	if _, err := w.StartEpoch([]age.Recipient{reader}); err != nil {
		return err
	}
	c := archive.NewCopier(dst, src, w.ID())
	var releaseErr error
	// A recorder does not wait for the store. Here the moments are to be spread over
	// writing and copying, so it does: one segment may be ahead of what is stored.
	ahead := make(chan struct{}, 2)
	c.OnHead = func(stored []archive.Entry) {
		fmt.Println(w.ID(), 0) // they are in the store
		releaseErr = errors.Join(releaseErr, archive.ReleaseSpooled(spool, w.ID(), stored))
		fmt.Println(w.ID(), 0)
		for _, e := range stored {
			if strings.HasPrefix(e.Name, "segments/") {
				<-ahead
			}
		}
	}
	copied := make(chan error, 1)
	go func() {
		for range grown {
			if err := c.Copy(context.Background()); err != nil {
				copied <- err
				return
			}
		}
		copied <- c.Copy(context.Background())
	}()
	for range childSegments {
		select {
		case ahead <- struct{}{}:
		case err := <-copied:
			return err
		}
		n, err := writeSegment(w, func(n int) { fmt.Println(w.ID(), n) })
		if err != nil {
			return err
		}
		fmt.Println(w.ID(), n+1)
	}
	if err := w.Close(); err != nil {
		return err
	}
	close(grown)
	if err := errors.Join(<-copied, releaseErr); err != nil {
		return err
	}
	return archive.RemoveSpooled(spool, w.ID())
}
