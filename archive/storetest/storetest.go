// Package storetest tests implementations of archive.Store. Its Mem is a Store in
// memory that fails the way stores do.
//
// One call in a test runs the whole suite:
//
//	func TestStore(t *testing.T) {
//		storetest.Test(t, func(t *testing.T) archive.Store { return open(t) })
//	}
//
// The suite is the contract: callers of an archive.Store should not rely on what
// it does not check. It begins with the checks of storecheck, by which a user's
// store is tried.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storecheck"
)

// Test runs the suite. It calls open in each subtest for an empty store. open may
// register its clean-up with t, which runs when that subtest ends. The largest
// object has 9 MiB, and a store has 60 objects at most.
func Test(t *testing.T, open func(t *testing.T) archive.Store) {
	for _, tt := range []struct {
		name string
		test func(*testing.T, archive.Store)
	}{
		{"Checks", testChecks},
		{"Put", testPut},
		{"PutAgain", testPutAgain},
		{"PutConflict", testPutConflict},
		{"PutReplace", testPutReplace},
		{"PutEmpty", testPutEmpty},
		{"PutLarge", testPutLarge},
		{"PutBadBlob", testPutBadBlob},
		{"PutBadReplace", testPutBadReplace},
		{"PutBelowObject", testPutBelowObject},
		{"PutConcurrent", testPutConcurrent},
		{"PutSameConcurrent", testPutSameConcurrent},
		{"ReplaceConcurrent", testReplaceConcurrent},
		{"Cancelled", testCancelled},
		{"CancelledInPut", testCancelledInPut},
		{"Missing", testMissing},
		{"Ranges", testRanges},
		{"Names", testNames},
		{"HostileNames", testHostileNames},
		{"Delete", testDelete},
		{"DeleteConcurrent", testDeleteConcurrent},
		{"List", testList},
		{"ListStops", testListStops},
		{"ListPrefix", testListPrefix},
		{"ListWhilePutting", testListWhilePutting},
		{"Prefixes", testPrefixes},
		{"Stat", testStat},
		{"Purge", testPurge},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, open(t)) })
	}
}

// testChecks makes the checks of storecheck. They must agree with the suite about
// each store, and be limited only by what its Limits say.
func testChecks(t *testing.T, s archive.Store) {
	checks, err := storecheck.Run(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	limited := make(map[string]bool)
	for _, c := range checks {
		if limited[c.Name] = c.Verdict == storecheck.Limited; !limited[c.Name] && c.Verdict != storecheck.Passed {
			t.Errorf("%s: %v: %v", c.Name, c.Verdict, c.Err)
		}
	}
	l := s.Limits()
	if limited[storecheck.PutIfAbsent] != l.Unguarded || limited[storecheck.Checksums] != l.Unchecked || limited[storecheck.Delete] {
		t.Errorf("the checks say %v, the store %+v", limited, l)
	}
	wantNames(t, s, "")
}

func put(t *testing.T, s archive.Store, name string, data []byte) {
	t.Helper()
	if err := s.Put(t.Context(), name, archive.BytesBlob(data)); err != nil {
		t.Fatalf("Put(%s): %v", name, err)
	}
}

// wantError fails the test unless err matches want.
func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

// get reads a range of an object.
func get(ctx context.Context, s archive.Store, name string, off, n int64) ([]byte, error) {
	r, err := s.Get(ctx, name, off, n)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r)
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	return data, err
}

// wantObject fails the test unless the object name holds want.
func wantObject(t *testing.T, s archive.Store, name string, want []byte) {
	t.Helper()
	got, err := get(t.Context(), s, name, 0, -1)
	if err != nil {
		t.Errorf("Get(%s): %v", name, err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("Get(%s): got %d bytes %.40q, want %d bytes %.40q", name, len(got), got, len(want), want)
	}
}

// wantNone fails the test if the object is there.
func wantNone(t *testing.T, s archive.Store, name string) {
	t.Helper()
	_, err := get(t.Context(), s, name, 0, -1)
	wantError(t, "Get("+name+")", err, fs.ErrNotExist)
}

// list returns what s lists, and fails the test on any error.
func list(t *testing.T, s archive.Store, prefix string) []archive.Info {
	t.Helper()
	var infos []archive.Info
	for info, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatalf("List(%q): %v", prefix, err)
		}
		infos = append(infos, info)
	}
	return infos
}

// wantNames fails the test unless s lists just these names, in this order.
func wantNames(t *testing.T, s archive.Store, prefix string, want ...string) {
	t.Helper()
	var got []string
	for _, info := range list(t, s, prefix) {
		got = append(got, info.Name)
	}
	wantStrings(t, "List("+prefix+")", got, want)
}

func wantStrings(t *testing.T, what string, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Errorf("%s: got %q, want %q", what, got, want)
			return
		}
	}
}
