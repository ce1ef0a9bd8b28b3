package archive_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
)

// A digesting store hashes by itself, and notes what is read.
type digesting struct {
	archive.Store
	mu       sync.Mutex
	digested []string
	got      []string
	fails    int   // so often it is away
	err      error // what it says then
}

func (s *digesting) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, name)
	return s.Store.Get(ctx, name, off, n)
}

func (s *digesting) GetDigest(ctx context.Context, name string, max int64) (data []byte, sum [sha256.Size]byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.digested = append(s.digested, name)
	if s.fails > 0 {
		s.fails--
		return nil, sum, s.err
	}
	r, err := s.Store.Get(ctx, name, 0, -1)
	if err != nil {
		return nil, sum, err
	}
	defer r.Close()
	if data, err = io.ReadAll(r); err != nil {
		return nil, sum, err
	}
	if int64(len(data)) > max {
		return nil, sum, fmt.Errorf("%d bytes: %w", len(data), archive.ErrTooLarge)
	}
	return data, sha256.Sum256(data), nil
}

// TestDigester: what the log names is read with the hash that the store's own platform
// computes, through Retry, too, and is what the log says or damaged.
func TestDigester(t *testing.T) {
	t.Parallel()
	m := newMeeting(t, true)
	s := &digesting{Store: m.store, fails: 2, err: errors.New("away")}
	open := func() *archive.Recording {
		r, err := archive.Open(t.Context(), archive.Retry(s, archive.RetryConfig{Attempts: 3, Min: 1, Max: 1}), m.id, archive.Options{
			Verifiers: m.open(t, m.ada).Verifiers(), Identities: []age.Identity{m.ada.id},
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := open()
	if got, err := r.ReadSegment(t.Context(), 0); err != nil || string(got) != m.plain[0] {
		t.Errorf("%q, %v", got, err)
	}
	epoch, segment := m.id+"/epochs/000001.age", m.id+"/segments/000000.age"
	if want := []string{epoch, epoch, epoch, segment}; !slices.Equal(s.digested, want) {
		t.Errorf("digested %q, want %q", s.digested, want)
	}
	if slices.ContainsFunc(s.got, func(name string) bool { return strings.HasSuffix(name, ".age") }) {
		t.Errorf("got %q", s.got)
	}

	sealed, _ := m.store.Object(segment)
	for name, c := range map[string]struct {
		err  error // what the store says
		data []byte
		want error
	}{
		"changed":  {data: append([]byte("x"), sealed[1:]...)},
		"cut":      {data: sealed[:len(sealed)-1]},
		"missing":  {err: fs.ErrNotExist, want: fs.ErrNotExist},
		"withheld": {err: archive.ErrDenied, want: archive.ErrDenied},
		"large":    {err: archive.ErrTooLarge, want: archive.ErrTooLarge},
	} {
		if c.data != nil {
			m.store.Set(segment, c.data)
		}
		s.fails, s.err = 0, c.err
		r := open()
		if _, err := r.EpochSecret(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if c.err != nil {
			s.fails = 1
		}
		var corrupt *archive.CorruptError
		got, err := r.ReadSegment(t.Context(), 0)
		if !errors.As(err, &corrupt) || corrupt.Name != "segments/000000.age" || got != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		m.store.Set(segment, sealed)
	}
}
