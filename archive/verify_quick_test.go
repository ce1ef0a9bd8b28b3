package archive_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
)

// A summer is a store that keeps the hashes of all but indexes.
type summer struct{ *storetest.Mem }

func (s summer) Stat(ctx context.Context, name string) (archive.Info, error) {
	info, err := s.Mem.Stat(ctx, name)
	if data, ok := s.Object(name); ok && !strings.Contains(name, "/index/") {
		info.SHA256 = sha256.Sum256(data)
	}
	return info, err
}

// A failing store does not tell of objects.
type failing struct {
	archive.Store
	err error
}

func (s failing) Stat(context.Context, string) (archive.Info, error) { return archive.Info{}, s.err }

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
	for _, store := range []archive.Store{mem, archive.Retry(mem, archive.RetryConfig{})} {
		if r, kinds, err := quick(store); err != nil || !r.OK() || r.Unread != 0 || r.Objects != 5 || r.Bytes < 450_000 || trusting(r) {
			t.Errorf("%T: %+v, %v, %v", store, r, kinds, err)
		}
	}
	// What the store answers is no verdict on the recording.
	for _, failure := range []error{errors.New("broken"), archive.ErrDenied} { // it gives the head
		if r, kinds, err := quick(failing{mem, failure}); err != nil || !slices.Equal(kinds, slices.Repeat([]string{"unreadable"}, 5)) {
			t.Errorf("%v: %+v, %v, %v", failure, r, kinds, err)
		}
	}
}
