package archive_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"maps"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// stale is a store whose listings are of another time: they show nothing.
type stale struct{ archive.Store }

func (stale) List(context.Context, string) iter.Seq2[archive.Info, error] {
	return func(func(archive.Info, error) bool) {}
}

// slow is a store that takes an hour for a Put.
type slow struct{ archive.Store }

func (s slow) Put(ctx context.Context, name string, b archive.Blob) error {
	select {
	case <-time.After(time.Hour):
		return s.Store.Put(ctx, name, b)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// What the Copier makes of each thing that a store or the spool can do, with
// Retry under it and the hooks of a recorder over it. The clock is a fake one.
func TestFaults(t *testing.T) {
	t.Parallel()
	s, reader := newSigner(t, "recorder"), hybrid(t)
	id, objects := record(t, s, true, 4, reader.Recipient())
	const victim = "segments/000002.age"
	failed := errors.New("503 slow down")
	conflict409 := errors.New("409 conflicting operation in progress")

	// putFails makes the first times Puts of the victim, and of the head, fail.
	putFails := func(times int, applied bool, err error) func(dst, src *storetest.Mem) {
		return func(dst, _ *storetest.Mem) {
			var mu sync.Mutex
			seen := make(map[string]int)
			dst.OnPut = func(name string) (bool, error) {
				mu.Lock()
				defer mu.Unlock()
				if seen[name]++; seen[name] <= times && (name == id+"/"+victim || name == id+"/head") {
					return applied, err
				}
				return true, nil
			}
		}
	}
	// getGives makes the first times Gets of the victim from src give other bytes.
	getGives := func(times int, damage func([]byte) ([]byte, error)) func(dst, src *storetest.Mem) {
		return func(_, src *storetest.Mem) {
			var mu sync.Mutex
			seen := 0
			src.OnGet = func(name string, data []byte) ([]byte, error) {
				mu.Lock()
				defer mu.Unlock()
				if name == id+"/"+victim && seen < times {
					seen++
					return damage(data)
				}
				return data, nil
			}
		}
	}
	// there: the victim was stored and released before, and the first Get of it
	// gives other bytes.
	there := func(damage func([]byte) ([]byte, error)) func(dst, src *storetest.Mem) {
		return func(dst, src *storetest.Mem) {
			getGives(1, damage)(nil, dst)
			dst.Set(id+"/"+victim, []byte(objects[victim]))
			if err := src.Delete(context.Background(), id+"/"+victim); err != nil {
				t.Error(err)
			}
		}
	}
	half := func(b []byte) ([]byte, error) { return b[:len(b)/2], nil }
	flipped := func(b []byte) ([]byte, error) { b[len(b)/2] ^= 1; return b, nil }

	const never = 1 << 30
	for _, test := range []struct {
		name    string
		fault   func(dst, src *storetest.Mem)
		wrap    func(archive.Store) archive.Store // of the destination
		err     error                             // of Copy, which then puts no head
		retries int                               // at least
		bad     bool                              // the victim is passed over
		takes   time.Duration                     // at least
	}{
		{name: "nothing"},
		{name: "error before effect", fault: putFails(3, false, failed), retries: 6},
		{name: "error after effect", fault: putFails(3, true, failed), retries: 6},
		{name: "error for hours", fault: putFails(300, false, failed), retries: 600, takes: 2 * time.Hour},
		{name: "timeouts", fault: putFails(3, true, context.DeadlineExceeded), retries: 6},
		{name: "409", fault: putFails(3, false, conflict409), retries: 6},
		{name: "412, same bytes", fault: func(dst, _ *storetest.Mem) { dst.Set(id+"/"+victim, []byte(objects[victim])) }},
		{name: "412, other bytes", fault: func(dst, _ *storetest.Mem) { dst.Set(id+"/"+victim, []byte("mine")) }, bad: true},
		{name: "denied", fault: putFails(never, false, archive.ErrDenied), err: archive.ErrDenied},
		{name: "no store", fault: putFails(never, false, archive.ErrNoStore), err: archive.ErrNoStore},
		{name: "short read, once", fault: getGives(1, half)},
		{name: "short read", fault: getGives(never, half), bad: true},
		{name: "flipped bit, once", fault: getGives(1, flipped)},
		{name: "flipped bit in the spool", fault: getGives(never, flipped), bad: true},
		{name: "sector not readable, once", fault: getGives(1, func([]byte) ([]byte, error) { return nil, syscall.EIO })},
		{name: "sector not readable", fault: getGives(never, func([]byte) ([]byte, error) { return nil, syscall.EIO }), bad: true},
		{name: "wrong checksum of a sector", fault: getGives(never, func([]byte) ([]byte, error) { return nil, syscall.EBADMSG }), bad: true},
		{name: "spool not readable", fault: getGives(never, func([]byte) ([]byte, error) { return nil, io.ErrUnexpectedEOF }), err: io.ErrUnexpectedEOF},
		{name: "429", fault: putFails(40, false, errors.New("429 too many requests")), retries: 80, takes: 10 * time.Minute},
		{name: "507, after effect", fault: putFails(40, true, errors.New("507 the disk is full")), retries: 80, takes: 10 * time.Minute},
		{name: "stored before", fault: there(func(b []byte) ([]byte, error) { return b, nil })},
		{name: "stored before, short read", fault: there(half)},
		{name: "stored before, flipped bit", fault: there(flipped)},
		{name: "stored before, reset", fault: there(func([]byte) ([]byte, error) { return nil, failed }), retries: 1},
		{name: "stale list", wrap: func(s archive.Store) archive.Store { return stale{s} }},
		{name: "slow", wrap: func(s archive.Store) archive.Store { return slow{s} }, takes: 3 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dst, src := new(storetest.Mem), new(storetest.Mem)
				fill(t, src, id, objects)
				if test.fault != nil {
					test.fault(dst, src)
				}
				var to archive.Store = dst
				if test.wrap != nil {
					to = test.wrap(to)
				}
				var mu sync.Mutex
				retries := 0
				to = archive.Retry(to, archive.RetryConfig{OnRetry: func(string, error, time.Duration) {
					mu.Lock()
					defer mu.Unlock()
					retries++
				}})
				c := archive.NewCopier(to, src, id)
				var bad, released []string
				c.OnBad = func(b *archive.BadObjectError) error {
					bad = append(bad, b.Name)
					return nil
				}
				c.OnHead = func(stored []archive.Entry) {
					for _, e := range stored {
						if got, _ := dst.Object(id + "/" + e.Name); string(got) != objects[e.Name] {
							t.Errorf("%s may be released, and is not stored", e.Name)
						}
						released = append(released, e.Name)
					}
				}
				start := time.Now()
				err := c.Copy(t.Context())
				if !errors.Is(err, test.err) || test.err == nil && err != nil {
					t.Fatalf("got %v, want %v", err, test.err)
				}
				if took := time.Since(start); took < test.takes {
					t.Errorf("it took %v, want %v", took, test.takes)
				}
				if retries < test.retries {
					t.Errorf("%d retries, want %d", retries, test.retries)
				}
				_, headThere := dst.Object(id + "/head")
				if test.err != nil {
					if headThere || len(released) > 0 || len(bad) > 0 {
						t.Errorf("after an error: head %v, released %q, bad %q", headThere, released, bad)
					}
					return
				}
				if test.bad != (len(bad) == 1) || len(bad) > 1 || test.bad && bad[0] != victim {
					t.Errorf("passed over %q", bad)
				}
				if want := len(logged(objects)) - len(bad); len(released) != want {
					t.Errorf("%d objects may be released, want %d", len(released), want)
				}
				got := objectsIn(t, dst, id)
				want := maps.Clone(objects)
				if test.bad {
					delete(got, victim)
					delete(want, victim)
				}
				if !maps.Equal(got, want) {
					t.Error("the copy is not the same")
				}
				var problems []string
				if _, err := archive.Verify(t.Context(), dst, id, archive.Options{Verifiers: s.verifiers}, func(p archive.Problem) {
					problems = append(problems, p.Object)
				}); err != nil {
					t.Fatal(err)
				}
				if strings.Join(problems, " ") != strings.Join(bad, " ") {
					t.Errorf("Verify finds fault with %q, want %q", problems, bad)
				}
			})
		})
	}
}
