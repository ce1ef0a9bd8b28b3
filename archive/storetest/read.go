package storetest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/archive"
)

func testMissing(t *testing.T, s archive.Store) {
	wantNone(t, s, "ID/head")
	wantNames(t, s, "")
	put(t, s, "ID/log/0000", []byte("x"))
	// A range that no object has is still no object, and neither is a folder.
	for _, name := range []string{"ID/log/0001", "ID/head", "ID/log", "ID", "ID/log/0000/x"} {
		for _, n := range []int64{-1, 0, 1} {
			_, err := get(t.Context(), s, name, 1, n)
			wantError(t, fmt.Sprintf("Get(%s, 1, %d)", name, n), err, fs.ErrNotExist)
		}
	}
}

func testRanges(t *testing.T, s archive.Store) {
	data := make([]byte, 100_000)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	size := int64(len(data))
	put(t, s, segment, data)
	put(t, s, "ID/empty", nil)
	for _, tt := range []struct{ off, n int64 }{
		{0, -1}, {0, 0}, {0, 1}, {0, size}, {0, size + 1}, {0, math.MaxInt64},
		{1, -1}, {1, 0}, {1, 1}, {1, size - 1}, {1, size}, {1, math.MaxInt64},
		{65_535, 2}, {size - 1, -1}, {size - 1, 1}, {size - 1, 2}, {size - 10, 5},
		{size, -1}, {size, 0}, {size, 1}, {size + 1, -1}, {size + 1, 1}, {1 << 40, 1}, {math.MaxInt64, 1},
	} {
		from := min(tt.off, size)
		to := size
		if tt.n >= 0 && tt.n < size-from {
			to = from + tt.n
		}
		got, err := get(t.Context(), s, segment, tt.off, tt.n)
		if err != nil {
			t.Errorf("Get(%d, %d): %v", tt.off, tt.n, err)
		} else if !bytes.Equal(got, data[from:to]) {
			t.Errorf("Get(%d, %d): got %d bytes, want %d", tt.off, tt.n, len(got), to-from)
		}
		if got, err := get(t.Context(), s, "ID/empty", tt.off, tt.n); err != nil || len(got) != 0 {
			t.Errorf("Get(%d, %d) of an empty object: got %d bytes, %v", tt.off, tt.n, len(got), err)
		}
	}
	_, err := get(t.Context(), s, segment, -1, 1)
	wantError(t, "Get from a negative offset", err, fs.ErrInvalid)

	// Closing early is no error, and leaves the store usable.
	r, err := s.Get(t.Context(), segment, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	wantObject(t, s, segment, data)
}

func testNames(t *testing.T, s archive.Store) {
	names := []string{
		"-", "0", "A.b-C", "a", "z",
		"longest/" + strings.Repeat("x", 247),
		strings.Repeat("d/", 100) + "deep",
	}
	for _, name := range names {
		put(t, s, name, []byte(name))
	}
	for _, name := range names {
		wantObject(t, s, name, []byte(name))
	}
	if got := len(list(t, s, "")); got != len(names) {
		t.Errorf("listed %d objects, want %d", got, len(names))
	}
}

func testHostileNames(t *testing.T, s archive.Store) {
	put(t, s, "a/b", []byte("x"))
	for _, name := range []string{
		"", "/", "//", ".", "..", "../a", "a/../b", "a/../../b", "./a", "a/.", "/a", "a/", "a//b",
		".tmp-1", "a/.tmp-1", ".git/config", "a b", "a\x00b", "a\nb", "a\tb", `..\a`, `a\b`, "C:a", "~", "*", "a?b", "a#b",
		"a%2f..%2fb", "a_b", "\u00e4", "\xff", "a/" + strings.Repeat("x", 254), strings.Repeat("../", 30) + "etc/passwd",
	} {
		wantError(t, fmt.Sprintf("Put(%q)", name), s.Put(t.Context(), name, archive.BytesBlob(nil)), fs.ErrInvalid)
		wantError(t, fmt.Sprintf("Delete(%q)", name), s.Delete(t.Context(), name), fs.ErrInvalid)
		_, err := get(t.Context(), s, name, 0, -1)
		wantError(t, fmt.Sprintf("Get(%q)", name), err, fs.ErrInvalid)
	}
	for _, prefix := range []string{"/", "..", "../", "a/../", "./", ".", "a//", " ", "\x00", "\xff", `\`, "%", strings.Repeat("x", 5000)} {
		wantNames(t, s, prefix)
	}
	wantNames(t, s, "", "a/b")
}

func testDelete(t *testing.T, s archive.Store) {
	put(t, s, "ID/head", []byte("head"))
	put(t, s, "ID/log/0000", []byte("log"))
	put(t, s, "ID/log/0001", []byte("log"))
	for _, name := range []string{"ID", "ID/log", "ID/none", "none", "none/none", "ID/head/none"} {
		if err := s.Delete(t.Context(), name); err != nil {
			t.Errorf("Delete(%s), which is no object: %v", name, err)
		}
	}
	wantNames(t, s, "", "ID/head", "ID/log/0000", "ID/log/0001")
	for range 2 {
		if err := s.Delete(t.Context(), "ID/log/0000"); err != nil {
			t.Fatal(err)
		}
		wantNone(t, s, "ID/log/0000")
		wantNames(t, s, "", "ID/head", "ID/log/0001")
	}
	// The name is free again, even if everything beside it is gone.
	if err := s.Delete(t.Context(), "ID/log/0001"); err != nil {
		t.Fatal(err)
	}
	wantNames(t, s, "ID/log/")
	put(t, s, "ID/log/0000", []byte("other"))
	wantObject(t, s, "ID/log/0000", []byte("other"))
}

// Putting and deleting in one folder do not trip over each other.
func testDeleteConcurrent(t *testing.T, s archive.Store) {
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			name := fmt.Sprintf("ID/log/%04d", i)
			for range 10 {
				if err := s.Put(t.Context(), name, archive.BytesBlob([]byte(name))); err != nil {
					t.Error(err)
				}
				if err := s.Delete(t.Context(), name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	wantNames(t, s, "")
}

func testList(t *testing.T, s archive.Store) {
	// In byte order: '-' and '.' come before '/', which comes before '0'.
	names := []string{
		"A/x", "a-b", "a-b-c/d", "a.b", "a.b.c/d", "a/a", "a/b-c/d", "a/b.c", "a/b/c", "a/b0", "a0", "b/a/a/a", "b/a/a0", "b/b",
	}
	for i := range names {
		name := names[(i*5+3)%len(names)] // 5 and 14 share no factor: all, in another order
		put(t, s, name, []byte(name))
	}
	wantNames(t, s, "", names...)
	for _, info := range list(t, s, "") {
		if info.Size != int64(len(info.Name)) {
			t.Errorf("%s: listed with %d bytes, want %d", info.Name, info.Size, len(info.Name))
		}
	}
}

func testListPrefix(t *testing.T, s archive.Store) {
	for _, name := range []string{"a/b/c", "a/b/d", "a/bc", "ab", "b"} {
		put(t, s, name, nil)
	}
	for prefix, want := range map[string][]string{
		"":       {"a/b/c", "a/b/d", "a/bc", "ab", "b"},
		"a":      {"a/b/c", "a/b/d", "a/bc", "ab"},
		"a/":     {"a/b/c", "a/b/d", "a/bc"},
		"a/b":    {"a/b/c", "a/b/d", "a/bc"},
		"a/b/":   {"a/b/c", "a/b/d"},
		"a/b/c":  {"a/b/c"},
		"a/b/c/": nil,
		"a/b/cc": nil,
		"b":      {"b"},
		"b/":     nil,
		"c":      nil,
		"c/d/e":  nil,
	} {
		wantNames(t, s, prefix, want...)
	}
}

// The caller may break out of a listing.
func testListStops(t *testing.T, s archive.Store) {
	for i := range 5 {
		put(t, s, fmt.Sprintf("ID/segments/%06d.age", i), nil)
	}
	n := 0
	for _, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("listed %d objects, want to break after 2", n)
	}
}

// Objects that exist before and after a listing are listed, once and in order,
// whatever is put meanwhile. No object is listed before it is whole.
func testListWhilePutting(t *testing.T, s archive.Store) {
	old := make(map[string]bool)
	for i := range 10 {
		name := fmt.Sprintf("ID/segments/%06d.age", i*10)
		put(t, s, name, []byte("content"))
		old[name] = true
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 50 {
			name := fmt.Sprintf("ID/segments/%06d.age", i*2+1)
			if err := s.Put(t.Context(), name, archive.BytesBlob([]byte("content"))); err != nil {
				t.Error(err)
			}
		}
	}()
	for last := false; !last; {
		select {
		case <-done:
			last = true
		default:
		}
		found, before := 0, ""
		for _, info := range list(t, s, "ID/") {
			if info.Name <= before {
				t.Errorf("listed %s after %s", info.Name, before)
			}
			before = info.Name
			if info.Size != int64(len("content")) {
				t.Errorf("listed %s with %d bytes", info.Name, info.Size)
			}
			if old[info.Name] {
				found++
			}
		}
		if found != len(old) {
			t.Errorf("listed %d of the %d objects that were there all along", found, len(old))
		}
	}
}

func testPrefixes(t *testing.T, s archive.Store) {
	want := func(want ...string) {
		t.Helper()
		var got []string
		for name, err := range s.Prefixes(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, name)
		}
		wantStrings(t, "Prefixes", got, want)
	}
	want()
	put(t, s, "only", nil)
	want()
	for _, name := range []string{"B/head", "A/head", "A/log/0000", "A/log/0001", "C/epochs/1.age", "A-/x"} {
		put(t, s, name, nil)
	}
	want("A-", "A", "B", "C")
	for _, err := range s.Prefixes(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		break // the caller may
	}
	for _, name := range []string{"B/head", "C/epochs/1.age"} {
		if err := s.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	want("A-", "A")

	// The object of a failed Put is not listed either.
	b := archive.BytesBlob([]byte("x"))
	b.SHA256[0] ^= 1
	if err := s.Put(t.Context(), "D/head", b); !errors.Is(err, archive.ErrMismatch) {
		t.Errorf("got %v, want ErrMismatch", err)
	}
	want("A-", "A")
}

func testStat(t *testing.T, s archive.Store) {
	data := []byte("the old head, and longer")
	before := time.Now().Add(-time.Hour) // clocks differ, by less
	for range 2 {
		put(t, s, "ID/log/0000", data)
		info, err := s.Stat(t.Context(), "ID/log/0000")
		if err != nil {
			t.Fatal(err)
		}
		var none [sha256.Size]byte
		if info.Name != "ID/log/0000" || info.Size != int64(len(data)) || info.SHA256 != none && info.SHA256 != sha256.Sum256(data) {
			t.Errorf("of %d bytes: %+v", len(data), info)
		}
		if m := info.Modified; m.Before(before) || m.After(before.Add(2*time.Hour)) {
			t.Errorf("just put, and modified %v", m)
		}
		if s.Limits().Unchecked && info.SHA256 != none {
			t.Error("a store that keeps no checksums tells one")
		}
		data = data[:10]
		if err := s.Delete(t.Context(), "ID/log/0000"); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, "ID/head", data)
	for _, name := range []string{"ID/log/0000", "ID", "ID/head/x", "none"} {
		_, err := s.Stat(t.Context(), name)
		wantError(t, "Stat("+name+")", err, fs.ErrNotExist)
	}
	_, err := s.Stat(t.Context(), "../head")
	wantError(t, "Stat outside", err, fs.ErrInvalid)
}

func testPurge(t *testing.T, s archive.Store) {
	for _, name := range []string{"A/head", "A/log/0000", "A/log/0001", "AB/head", "B/head"} {
		put(t, s, name, []byte(name))
	}
	for _, prefix := range []string{"", "../", "/"} {
		wantError(t, fmt.Sprintf("Purge(%q)", prefix), s.Purge(t.Context(), prefix), fs.ErrInvalid)
	}
	for _, step := range []struct {
		prefix string
		left   []string
	}{
		{"none", []string{"A/head", "A/log/0000", "A/log/0001", "AB/head", "B/head"}},
		{"A/log/", []string{"A/head", "AB/head", "B/head"}},
		{"A/", []string{"AB/head", "B/head"}},
		{"A/", []string{"AB/head", "B/head"}},
	} {
		if err := s.Purge(t.Context(), step.prefix); err != nil {
			t.Errorf("Purge(%s): %v", step.prefix, err)
		}
		wantNames(t, s, "", step.left...)
	}
}
