package archive_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// A summer is a store that keeps the hashes of all but indexes.
type summer struct{ *storetest.Mem }

func (s summer) Sum(_ context.Context, name string) (archive.Sum, error) {
	data, ok := s.Object(name)
	switch {
	case !ok:
		return archive.Sum{}, fs.ErrNotExist
	case strings.Contains(name, "/index/"):
		return archive.Sum{}, fmt.Errorf("none here: %w", errors.ErrUnsupported)
	}
	return archive.Sum{Size: int64(len(data)), SHA256: sha256.Sum256(data)}, nil
}

// brokenSummer fails a number of times, and keeps nothing.
type brokenSummer struct {
	archive.Store
	fail int64
	err  error

	calls atomic.Int64
}

func (s *brokenSummer) Sum(context.Context, string) (archive.Sum, error) {
	if s.calls.Add(1) <= s.fail {
		return archive.Sum{}, s.err
	}
	return archive.Sum{}, errors.ErrUnsupported
}

// VerifyQuick reads what it is not told, is as sure of it as Verify, and says
// what it took on trust.
func TestVerifyQuick(t *testing.T) {
	s := newSigner(t, "recorder")
	id, good := record(t, s, true, 3, hybrid(t).Recipient())
	quick := func(store archive.Store) (archive.Report, []string, error) {
		var kinds []string
		r, err := archive.VerifyQuick(t.Context(), store, id, archive.Options{Verifiers: s.verifiers},
			func(p archive.Problem) { kinds = append(kinds, p.Kind) })
		return r, kinds, err
	}
	trusting := func(r archive.Report) bool {
		return slices.ContainsFunc(r.CannotRuleOut, func(s string) bool { return strings.Contains(s, "were not read") })
	}

	mem := new(storetest.Mem)
	fill(t, mem, id, good)
	if r, kinds, err := quick(summer{mem}); err != nil || !r.OK() || r.Unread != 4 || !trusting(r) {
		t.Errorf("%+v, %v, %v", r, kinds, err)
	}
	// No sums: all is read, with Retry or without.
	for _, store := range []archive.Store{mem, archive.Retry(mem, archive.RetryConfig{}), &brokenSummer{Store: mem}} {
		if r, kinds, err := quick(store); err != nil || !r.OK() || r.Unread != 0 || r.Objects != 5 || r.Bytes < 450_000 || trusting(r) {
			t.Errorf("%T: %+v, %v, %v", store, r, kinds, err)
		}
	}
	// A failure is tried again, that there is no sum is not.
	broken := errors.New("broken")
	retried := 0
	store := archive.Retry(&brokenSummer{Store: mem, fail: 1, err: broken}, archive.RetryConfig{Min: 1, OnRetry: func(string, error, time.Duration) { retried++ }})
	if _, err := store.(archive.Summer).Sum(t.Context(), "x"); !errors.Is(err, errors.ErrUnsupported) || retried != 1 {
		t.Errorf("%v after %d retries", err, retried)
	}
	// What the store answers is no verdict on the recording.
	if r, kinds, err := quick(&brokenSummer{Store: mem, fail: 1 << 20, err: broken}); err != nil || !slices.Equal(kinds, slices.Repeat([]string{"unreadable"}, 5)) {
		t.Errorf("%+v, %v, %v", r, kinds, err)
	}
	if r, kinds, err := quick(&brokenSummer{Store: mem, fail: 1 << 20, err: archive.ErrDenied}); !errors.Is(err, archive.ErrDenied) || len(kinds) > 0 {
		t.Errorf("%+v, %v, %v", r, kinds, err)
	}
}
