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
	"iter"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storecheck"
)

// suite is all subtests, and whether they are about lists.
var suite = [...]struct {
	name  string
	test  func(*testing.T, archive.Store)
	lists bool
}{
	{"Checks", testChecks, true},
	{"Put", testPut, false},
	{"PutAgain", testPutAgain, false},
	{"PutConflict", testPutConflict, false},
	{"PutReplace", testPutReplace, false},
	{"PutEmpty", testPutEmpty, false},
	{"PutLarge", testPutLarge, false},
	{"PutBadBlob", testPutBadBlob, false},
	{"PutBadReplace", testPutBadReplace, false},
	{"PutBelowObject", testPutBelowObject, true},
	{"PutConcurrent", testPutConcurrent, false},
	{"PutSameConcurrent", testPutSameConcurrent, false},
	{"ReplaceConcurrent", testReplaceConcurrent, false},
	{"Cancelled", testCancelled, true},
	{"CancelledInPut", testCancelledInPut, false},
	{"Missing", testMissing, true},
	{"Ranges", testRanges, false},
	{"Names", testNames, true},
	{"HostileNames", testHostileNames, true},
	{"Delete", testDelete, true},
	{"DeleteConcurrent", testDeleteConcurrent, true},
	{"List", testList, true},
	{"ListStops", testListStops, true},
	{"ListPrefix", testListPrefix, true},
	{"ListWhilePutting", testListWhilePutting, true},
	{"Prefixes", testPrefixes, true},
	{"Stat", testStat, true},
	{"Purge", testPurge, true},
}

// Size is how many subtests the suite has.
const Size = len(suite)

// Test runs the suite. It calls open in each subtest for an empty store. open may
// register its clean-up with t, which runs when that subtest ends. The largest
// object has 9 MiB, and a store has 60 objects at most.
func Test(t *testing.T, open func(t *testing.T) archive.Store) {
	for _, s := range suite {
		t.Run(s.name, func(t *testing.T) { s.test(t, open(t)) })
	}
}

// TestLists runs what of the suite is about lists, for a store that differs in these
// only from one that passed all of it.
func TestLists(t *testing.T, open func(t *testing.T) archive.Store) {
	for _, s := range suite {
		if s.lists {
			t.Run(s.name, func(t *testing.T) { s.test(t, open(t)) })
		}
	}
}

// TestSome runs the first subtest, which makes the checks, and those of the numbers
// below [Size] that cases yields.
func TestSome(t *testing.T, cases iter.Seq[int], open func(t *testing.T) archive.Store) {
	t.Run(suite[0].name, func(t *testing.T) { suite[0].test(t, open(t)) })
	for i := range cases {
		if i > 0 {
			t.Run(suite[i].name, func(t *testing.T) { suite[i].test(t, open(t)) })
		}
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
