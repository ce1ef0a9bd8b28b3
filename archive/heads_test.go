package archive_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// A slowStore answers one Get of the head with what there was when it was asked,
// and only once it is let.
type slowStore struct {
	archive.Store
	armed      atomic.Bool
	asked, let chan struct{}
}

func (s *slowStore) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	r, err := s.Store.Get(ctx, name, off, n)
	if strings.HasSuffix(name, "/head") && s.armed.Swap(false) {
		close(s.asked)
		<-s.let
	}
	return r, err
}

// While one process waits for a slow answer, another sees a newer state. The first
// does not take that back, and believes the old one only if nobody saw a newer.
func TestSlowRollback(t *testing.T) {
	s, spool := newSigner(t, "recorder"), t.TempDir()
	w := create(t, spool, archive.Config{Signer: s}, hybrid(t).Recipient())
	state := func() map[string]string {
		objects := files(t, filepath.Join(spool, w.ID()))
		delete(objects, ".lock")
		return objects
	}
	older := state()
	commit(t, begin(t, w, archive.Segment, []byte("x")))
	newer := state()
	closeWriter(t, w)

	for _, how := range []string{"open", "open known", "follow", "verify"} {
		for _, honest := range []bool{false, true} { // the store shows the newer state when it is asked again
			t.Run(fmt.Sprintf("%s honest %t", how, honest), func(t *testing.T) {
				memory := filepath.Join(t.TempDir(), "heads")
				// Another HeadDir is what another process has.
				options := func() archive.Options {
					return archive.Options{Verifiers: s.verifiers, Heads: archive.HeadDir(memory)}
				}
				there, other := new(storetest.Mem), new(storetest.Mem)
				fill(t, there, w.ID(), older)
				fill(t, other, w.ID(), newer)
				slow := &slowStore{Store: there, asked: make(chan struct{}), let: make(chan struct{})}
				var r *archive.Recording
				if how == "open known" || how == "follow" {
					r = must(archive.Open(t.Context(), slow, w.ID(), options()))
				}
				slow.armed.Store(true)
				done := make(chan error, 1)
				var report archive.Report
				go func() {
					var err error
					switch how {
					case "verify":
						report, err = archive.Verify(t.Context(), slow, w.ID(), options(), nil)
					case "follow":
						r, err = r.Follow(t.Context())
					default:
						r, err = archive.Open(t.Context(), slow, w.ID(), options())
					}
					done <- err
				}()
				<-slow.asked
				must(archive.Open(t.Context(), other, w.ID(), options()))
				if honest {
					fill(t, there, w.ID(), newer)
				}
				close(slow.let)
				err := <-done
				var back *archive.RollbackError
				switch {
				case how == "verify":
					// What is verified is the state that was the newest when it began.
					meanwhile := strings.Contains(strings.Join(report.CannotRuleOut, " "), "was seen meanwhile")
					if err != nil || !report.OK() || !meanwhile {
						t.Errorf("%+v, %v", report, err)
					}
				case !honest:
					if !errors.As(err, &back) {
						t.Errorf("got %v, want a rollback", err)
					}
				case err != nil || r.Head().Size != 2:
					t.Errorf("%v", err)
				}
				if h, _, err := options().Heads.Load(w.ID()); err != nil || h.Size != 2 {
					t.Errorf("in memory: %+v, %v", h, err)
				}
			})
		}
	}
}

// Of many that saw the same head, one goes on from it.
func TestHeadDirReplace(t *testing.T) {
	memory, id := filepath.Join(t.TempDir(), "heads"), archive.NewID()
	head := func(n int64) archive.Head {
		return archive.Head{ID: id, Size: n, Root: sha256.Sum256([]byte{byte(n)}), State: archive.StateOpen}
	}
	var seen *archive.Head
	for round := range int64(5) {
		var wg sync.WaitGroup
		var won atomic.Int64
		for i := range int64(8) {
			wg.Go(func() {
				// Each with an open file of its own, as a process has.
				ok, err := archive.HeadDir(memory).Replace(seen, head(10*round+i+1))
				if err != nil {
					t.Error(err)
				} else if ok && won.Swap(10*round+i+1) != 0 {
					t.Error("two went on from the same")
				}
			})
		}
		wg.Wait()
		h, ok, err := archive.HeadDir(memory).Load(id)
		if err != nil || !ok || h != head(won.Load()) {
			t.Fatalf("%+v, %v, want size %d", h, err, won.Load())
		}
		seen = &h
	}
}
