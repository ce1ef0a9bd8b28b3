package archive_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/s3"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// What a process of TestKillAtEveryStep is told in its environment.
const (
	stepNumber = "SEALTAPE_TEST_STEP"  // at which it kills itself, from 1
	stepDoes   = "SEALTAPE_TEST_DOES"  // "record" or "recover"
	stepStore  = "SEALTAPE_TEST_STORE" // a folder, or lines that say which bucket
	stepSigner = "SEALTAPE_TEST_SIGNER"
)

const stepBucket = "archives"

// A process that records and copies to a store kills itself at every step of the
// write order: of the Writer, of the copying, and of letting go of what is stored.
// Another one then recovers, and kills itself at some step of that. In the end
// all that was durable is in the store, at most the open segment is torn, and no
// disk has plaintext on it.
func TestKillAtEveryStep(t *testing.T) {
	if os.Getenv(stepDoes) != "" {
		stepChild(t)
		return
	}
	sample.Live(t)
	t.Parallel()
	for _, store := range []string{"folder", "minio"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			var data string // where the store has its objects on the disk
			var next func() string
			switch store {
			case "folder":
				data = t.TempDir()
				next = func() string { return data }
			case "minio":
				m, err := servers.StartMinIO(t.Context(), servers.MinIOConfig{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := m.Stop(); err != nil {
						t.Error(err)
					}
				})
				if err := m.Bucket(t.Context(), stepBucket); err != nil {
					t.Fatal(err)
				}
				data = m.Data()
				next = func() string { return strings.Join([]string{m.Endpoint, rand.Text(), m.AccessKey, m.SecretKey}, "\n") }
			}
			k := newStepKiller(t)
			steps := k.round(next(), 0)
			kills := 0
			for i := range sample.Cases(t, steps, 8) {
				k.round(next(), i+1)
				kills++
			}
			t.Logf("killed at %d of %d steps, and %d times in recovering from that; %d recordings were torn, of %d objects had been released", kills, steps, k.again, k.torn, k.released)
			if steps < 70 || k.again == 0 || k.released == 0 || kills == steps && (k.again < 50 || k.torn == 0) {
				t.Error("the kills did not come where it matters")
			}
			objects := files(t, data)
			if len(objects) < kills {
				t.Errorf("only %d files in %s", len(objects), data)
			}
			wantSealed(t, objects)
		})
	}
}

// wantSealed fails the test if there is plaintext in files.
func wantSealed(t *testing.T, files map[string]string) {
	t.Helper()
	for name, data := range files {
		if strings.Contains(data, "PLANTED-PLAINTEXT") || strings.Contains(data, "AGE-SECRET-KEY") {
			t.Errorf("%s has plaintext in it", name)
		}
	}
}

// A stepKiller starts processes that kill themselves.
type stepKiller struct {
	t        *testing.T
	signer   signer
	reader   *age.HybridIdentity
	env      []string
	step     int // at which the last one died
	m        int // and the one after it
	torn     int
	again    int
	released int
}

func newStepKiller(t *testing.T) *stepKiller {
	skey, vkey, err := note.GenerateKey(rand.Reader, "recorder")
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	k := &stepKiller{t: t, signer: signer{s, note.VerifierList(v)}, reader: hybrid(t)}
	// The race detector else lets a process that ends wait for a second.
	k.env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", stepSigner+"="+skey, childReader+"="+k.reader.Recipient().String())
	return k
}

// start runs a process until it dies or ends, and returns what it said.
func (k *stepKiller) start(does, spool, store string, step int) (said string, died bool) {
	k.t.Helper()
	child := exec.CommandContext(k.t.Context(), os.Args[0], "-test.run=^TestKillAtEveryStep$")
	child.Env = append(k.env, stepDoes+"="+does, stepNumber+"="+strconv.Itoa(step), childSpool+"="+spool, stepStore+"="+store)
	var out, stderr bytes.Buffer
	child.Stdout, child.Stderr = &out, &stderr
	err := child.Run()
	if err != nil && child.ProcessState.Exited() {
		k.t.Fatalf("to %s until step %d: %v\n%s%s", does, step, err, &out, &stderr)
	}
	return out.String(), err != nil
}

// round has one process killed at a step, or 0 for none, and finishes what it
// left. It returns how many steps there are, if none was killed.
func (k *stepKiller) round(store string, step int) (steps int) {
	t, ctx := k.t, k.t.Context()
	spool := t.TempDir()
	said, died := k.start("record", spool, store, step)
	var id string
	committed := 0
	for line := range strings.Lines(said) {
		fmt.Sscanf(line, "recording %s", &id)
		fmt.Sscanf(line, "segments %d", &committed)
		fmt.Sscanf(line, "steps %d", &steps)
	}
	if id == "" || died != (step > 0) || died != (steps == 0) {
		t.Fatalf("step %d: died: %t, the process says %q", step, died, said)
	}
	wantSealed(t, files(t, spool))
	size := headSize(t, spool, id)
	if files(t, spool)[id+"/.stored"] != "" {
		k.released++
	}

	dst, end, err := openStepStore(ctx, store)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	if died {
		k.coherent(dst, id, step)
		k.m += step - k.step // of neighbours, each dies a step later
		k.step = step
		if _, again := k.start("recover", spool, store, k.m); again {
			k.again++
			k.coherent(dst, id, step)
		} else {
			k.m = 0 // begin anew
		}
	}
	recoverAll(t, spool, archive.Config{Signer: k.signer})
	if err := stepRecover(ctx, spool, dst, archive.Config{Signer: k.signer}, func(string) {}); err != nil {
		t.Fatalf("step %d: %v", step, err)
	}
	if left := files(t, spool); len(left) > 0 {
		t.Errorf("step %d: the spool still has %d files", step, len(left))
	}
	if size == 0 && committed == 0 {
		return steps // there may be nothing at all
	}

	r := verified(t, dst, id, k.signer, k.reader)
	segments := r.Segments()
	if h := r.Head(); h.Size < size || !h.State.Final() || len(segments) < committed || !died && h.State != archive.StateClosed {
		t.Errorf("step %d: head %+v, there were %d objects; %d segments of %d", step, h, size, len(segments), committed)
	}
	for i, s := range segments {
		want := content(s.Number, 70_000)
		got, err := r.ReadSegment(ctx, s.Number)
		var torn *archive.TornError
		switch {
		case errors.As(err, &torn) && s.Number >= committed && i == len(segments)-1:
			k.torn++
			if !bytes.HasPrefix(want, got) {
				t.Errorf("step %d: the torn segment %d has other bytes", step, s.Number)
			}
		case err != nil || s.Number != i || !bytes.Equal(got, want):
			t.Errorf("step %d: %s: %d bytes, %v", step, s.Name, len(got), err)
		}
	}
	return steps
}

// coherent fails the test if the store has a head, and not all that it signs.
func (k *stepKiller) coherent(dst archive.Store, id string, step int) {
	k.t.Helper()
	_, err := archive.Verify(k.t.Context(), dst, id, archive.Options{Verifiers: k.signer.verifiers}, func(p archive.Problem) {
		if p.Object != "head" || p.Kind != archive.ProblemMissing {
			k.t.Errorf("step %d: before the end: %v", step, p)
		}
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // or there is nothing yet
		k.t.Errorf("step %d: %v", step, err)
	}
}

// openStepStore opens the store that the process uses.
func openStepStore(ctx context.Context, store string) (_ archive.Store, end func() error, _ error) {
	c := strings.Split(store, "\n")
	if len(c) == 1 {
		s, err := dir.Create(store)
		if err != nil {
			return nil, nil, err
		}
		return s, s.Close, nil
	}
	s, err := s3.Open(ctx, s3.Config{Endpoint: c[0], Region: "us-east-1", Bucket: stepBucket, Prefix: c[1], AccessKey: c[2], SecretKey: c[3]})
	if err != nil {
		return nil, nil, err
	}
	return s, s.Close, nil
}

// stepChild is the process.
func stepChild(t *testing.T) {
	at, err := strconv.Atoi(os.Getenv(stepNumber))
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	count := 0
	step := func(string) {
		mu.Lock()
		defer mu.Unlock()
		if count++; count == at {
			self.Kill()
			select {} // no step further
		}
	}
	signer, err := note.NewSigner(os.Getenv(stepSigner))
	if err != nil {
		t.Fatal(err)
	}
	dst, _, err := openStepStore(t.Context(), os.Getenv(stepStore))
	if err != nil {
		t.Fatal(err)
	}
	c := archive.Config{Signer: signer}
	spool := os.Getenv(childSpool)
	if os.Getenv(stepDoes) == "recover" {
		err = stepRecover(t.Context(), spool, dst, c, step)
	} else {
		var reader age.Recipient
		if reader, err = age.ParseHybridRecipient(os.Getenv(childReader)); err == nil {
			err = stepRecord(t.Context(), spool, dst, c, step, [2][]age.Recipient{{reader, classic(t).Recipient()}, {reader}})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("steps", count)
}

// stepStoring is a store with a step before and after each Put.
type stepStoring struct {
	archive.Store
	step func(string)
}

func (s stepStoring) Put(ctx context.Context, name string, b archive.Blob) error {
	s.step("put")
	err := s.Store.Put(ctx, name, b)
	s.step("stored")
	return err
}

// stepCopier copies to dst, and lets go of what is stored.
func stepCopier(dst, src archive.Store, spool, id string, step func(string)) (copy func(context.Context) error) {
	c := archive.NewCopier(stepStoring{dst, step}, src, id)
	c.Parallel = 1 // steps in order
	var releaseErr error
	c.OnHead = func(stored []archive.Entry) {
		step("release")
		releaseErr = cmp.Or(releaseErr, archive.ReleaseSpooled(spool, id, stored))
		step("released")
	}
	return func(ctx context.Context) error {
		if err := c.Copy(ctx); err != nil {
			return err
		}
		return releaseErr
	}
}

// stepRecord makes a recording and copies it after each object.
func stepRecord(ctx context.Context, spool string, dst archive.Store, c archive.Config, step func(string), epochs [2][]age.Recipient) error {
	src, err := dir.Open(spool)
	if err != nil {
		return err
	}
	w, err := archive.CreateStepped(spool, c, step)
	if err != nil {
		return err
	}
	fmt.Println("recording", w.ID())
	copy := stepCopier(dst, src, spool, w.ID(), step)
	for _, readers := range epochs {
		if _, err := w.StartEpoch(readers); err != nil {
			return err
		}
		for _, kind := range []archive.Kind{archive.Segment, archive.Index} {
			o, err := w.Create(kind)
			if err != nil {
				return err
			}
			data := content(o.Number(), 70_000)
			if _, err := o.Write(data[:68_000]); err != nil { // more than a chunk
				return err
			}
			// A Writer may be behind with the disk. A process dies here when there is
			// something to be torn.
			part := filepath.Join(spool, w.ID(), filepath.FromSlash(o.Name())+".part")
			for fi, err := os.Stat(part); err != nil || fi.Size() < 65_000; fi, err = os.Stat(part) {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				time.Sleep(time.Millisecond)
			}
			step("half")
			if _, err := o.Write(data[68_000:]); err != nil {
				return err
			}
			if err := o.Commit(); err != nil {
				return err
			}
			if kind == archive.Segment {
				fmt.Println("segments", o.Number()+1)
			}
			if err := copy(ctx); err != nil {
				return err
			}
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := copy(ctx); err != nil {
		return err
	}
	return stepRemove(spool, w.ID(), step)
}

// stepRecover finishes what is in the spool.
func stepRecover(ctx context.Context, spool string, dst archive.Store, c archive.Config, step func(string)) error {
	if _, err := archive.RecoverStepped(ctx, spool, c, step); err != nil {
		return err
	}
	src, err := dir.Open(spool)
	if err != nil {
		return err
	}
	for id, err := range archive.IDs(ctx, src) {
		if err != nil {
			return err
		}
		if err := stepCopier(dst, src, spool, id, step)(ctx); err != nil {
			return err
		}
		if err := stepRemove(spool, id, step); err != nil {
			return err
		}
	}
	return src.Close()
}

func stepRemove(spool, id string, step func(string)) error {
	step("remove")
	err := archive.RemoveSpooled(spool, id)
	step("removed")
	return err
}
