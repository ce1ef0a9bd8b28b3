package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/sealtape/sealtape/archive"
)

const segment = "ID/segments/000000.age"

func testPut(t *testing.T, s archive.Store) {
	data := []byte("age-encryption.org/v1\n\x00\xff\r\n")
	put(t, s, segment, data)
	wantObject(t, s, segment, data)
	wantNames(t, s, "", segment)
	if infos := list(t, s, segment); len(infos) != 1 || infos[0].Size != int64(len(data)) {
		t.Errorf("listed %v, want one object of %d bytes", infos, len(data))
	}
}

func testPutAgain(t *testing.T, s archive.Store) {
	data := []byte("the same")
	for range 3 {
		put(t, s, segment, data)
	}
	wantObject(t, s, segment, data)
	wantNames(t, s, "", segment)
}

func testPutConflict(t *testing.T, s archive.Store) {
	data := []byte("the first")
	put(t, s, segment, data)
	for _, other := range []string{"", "other one", "the first and more", "the"} {
		err := s.Put(t.Context(), segment, archive.BytesBlob([]byte(other)))
		wantError(t, fmt.Sprintf("Put(%q)", other), err, archive.ErrConflict)
		wantObject(t, s, segment, data)
	}
	wantNames(t, s, "", segment)
}

func testPutReplace(t *testing.T, s archive.Store) {
	for _, data := range []string{"new", "replaced by a longer one", "replaced by a longer one", "", "short"} {
		b := archive.BytesBlob([]byte(data))
		b.Replace = true
		if err := s.Put(t.Context(), "ID/head", b); err != nil {
			t.Fatal(err)
		}
		wantObject(t, s, "ID/head", []byte(data))
		wantNames(t, s, "", "ID/head")
	}
}

func testPutEmpty(t *testing.T, s archive.Store) {
	put(t, s, segment, nil)
	put(t, s, segment, nil)
	wantObject(t, s, segment, nil)
	if infos := list(t, s, ""); len(infos) != 1 || infos[0].Size != 0 {
		t.Errorf("listed %v, want one empty object", infos)
	}
	err := s.Put(t.Context(), segment, archive.BytesBlob([]byte("x")))
	wantError(t, "Put over an empty object", err, archive.ErrConflict)
}

// 9 MiB is more than a segment has, and more than the size from which S3 clients
// like to split an upload.
func testPutLarge(t *testing.T, s archive.Store) {
	data := make([]byte, 9<<20)
	rand.Read(data)
	put(t, s, segment, data)
	wantObject(t, s, segment, data)
	put(t, s, segment, data)
	data[len(data)-1] ^= 1
	err := s.Put(t.Context(), segment, archive.BytesBlob(data))
	wantError(t, "Put with the last bit flipped", err, archive.ErrConflict)
}

var errSource = errors.New("source broke")

// badBlobs returns Blobs with a valid hash and size and a source with other
// content, and the error that Put should return.
func badBlobs(content []byte) map[string]struct {
	archive.Blob
	err error
} {
	open := func(r func() io.Reader) archive.Blob {
		b := archive.BytesBlob(content)
		b.Open = func() (io.ReadCloser, error) { return io.NopCloser(r()), nil }
		return b
	}
	flipped := bytes.Clone(content)
	flipped[len(flipped)/2] ^= 1
	noOpen := archive.BytesBlob(content)
	noOpen.Open = func() (io.ReadCloser, error) { return nil, errSource }
	wrongHash := archive.BytesBlob(content)
	wrongHash.SHA256 = sha256.Sum256(flipped)
	return map[string]struct {
		archive.Blob
		err error
	}{
		"wrong hash":    {wrongHash, archive.ErrMismatch},
		"flipped bit":   {open(func() io.Reader { return bytes.NewReader(flipped) }), archive.ErrMismatch},
		"short":         {open(func() io.Reader { return bytes.NewReader(content[1:]) }), archive.ErrMismatch},
		"long":          {open(func() io.Reader { return bytes.NewReader(append(flipped, 'x')) }), archive.ErrMismatch},
		"nothing":       {open(func() io.Reader { return bytes.NewReader(nil) }), archive.ErrMismatch},
		"does not open": {noOpen, errSource},
		"breaks": {open(func() io.Reader {
			return io.MultiReader(bytes.NewReader(content[:len(content)/2]), iotest.ErrReader(errSource))
		}), errSource},
		"breaks at the end": {open(func() io.Reader {
			return io.MultiReader(bytes.NewReader(content), iotest.ErrReader(errSource))
		}), errSource},
	}
}

func testPutBadBlob(t *testing.T, s archive.Store) {
	content := bytes.Repeat([]byte("content "), 10_000)
	for name, bad := range badBlobs(content) {
		err := s.Put(t.Context(), segment, bad.Blob)
		wantError(t, name, err, bad.err)
		if bad.err == errSource {
			wantError(t, name, err, archive.ErrSource)
		}
		wantNone(t, s, segment)
		wantNames(t, s, "")
	}
	// The failed Put did not use up the name.
	put(t, s, segment, content)
	wantObject(t, s, segment, content)
}

func testPutBadReplace(t *testing.T, s archive.Store) {
	old := []byte("the old head")
	put(t, s, "ID/head", old)
	for name, bad := range badBlobs([]byte("the new head, longer")) {
		bad.Replace = true
		wantError(t, name, s.Put(t.Context(), "ID/head", bad.Blob), bad.err)
		wantObject(t, s, "ID/head", old)
	}
	wantNames(t, s, "", "ID/head")
}

// A store may hold "a" beside "a/b", or refuse the second; it must not damage
// the first, nor report success and lose the second.
func testPutBelowObject(t *testing.T, s archive.Store) {
	for _, names := range [][2]string{{"a", "a/b"}, {"c/d/e", "c/d"}} {
		put(t, s, names[0], []byte("first"))
		err := s.Put(t.Context(), names[1], archive.BytesBlob([]byte("second")))
		wantObject(t, s, names[0], []byte("first"))
		if err != nil {
			wantError(t, "Put("+names[1]+")", err, archive.ErrConflict)
			wantNone(t, s, names[1])
		} else {
			wantObject(t, s, names[1], []byte("second"))
		}
	}
}

// If several put different content under one name, exactly one succeeds. In a
// store that does not promise that, at least one does.
func testPutConcurrent(t *testing.T, s archive.Store) {
	for round := range 5 {
		name := fmt.Sprintf("ID/segments/%06d.age", round)
		content := func(i int) []byte { return bytes.Repeat([]byte{byte('a' + i)}, 300_000) }
		errs := make([]error, 6)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				errs[i] = s.Put(t.Context(), name, archive.BytesBlob(content(i)))
			})
		}
		wg.Wait()
		won := -1
		for i, err := range errs {
			switch {
			case err == nil && won >= 0 && s.Limits().Unguarded:
			case err == nil && won >= 0:
				t.Errorf("writers %d and %d both won", won, i)
			case err == nil:
				won = i
			case !s.Limits().Unguarded:
				wantError(t, "a loser", err, archive.ErrConflict)
			}
		}
		if won < 0 {
			t.Fatal("nobody won")
		}
		if !s.Limits().Unguarded {
			wantObject(t, s, name, content(won))
			continue
		}
		got, err := get(t.Context(), s, name, 0, -1)
		if err != nil || len(got) == 0 || !bytes.Equal(got, content(int(got[0]-'a'))) {
			t.Errorf("read a mixture of %d bytes, %v", len(got), err)
		}
	}
}

// If several put the same content, all succeed.
func testPutSameConcurrent(t *testing.T, s archive.Store) {
	data := bytes.Repeat([]byte("same"), 100_000)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if err := s.Put(t.Context(), segment, archive.BytesBlob(data)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	wantObject(t, s, segment, data)
	wantNames(t, s, "", segment)
}

// A reader of an object that is being replaced sees one content or the other.
func testReplaceConcurrent(t *testing.T, s archive.Store) {
	content := func(i int) []byte { return bytes.Repeat([]byte{byte('a' + i)}, 50_000) }
	put(t, s, "ID/head", content(0))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			b := archive.BytesBlob(content(i))
			b.Replace = true
			for range 5 {
				if err := s.Put(t.Context(), "ID/head", b); err != nil && !s.Limits().Unchecked {
					t.Error(err)
				}
			}
		})
	}
	go func() { wg.Wait(); close(done) }()
	for last := false; !last; {
		select {
		case <-done:
			last = true
		default:
		}
		got, err := get(t.Context(), s, "ID/head", 0, -1)
		if err != nil {
			t.Error(err)
		} else if len(got) != 50_000 || !bytes.Equal(got, content(int(got[0]-'a'))) {
			t.Errorf("read a mixture of %d bytes", len(got))
		}
	}
	wantNames(t, s, "", "ID/head")
}

func testCancelled(t *testing.T, s archive.Store) {
	put(t, s, "ID/head", []byte("head"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, "Put", s.Put(ctx, segment, archive.BytesBlob([]byte("x"))), context.Canceled)
	b := archive.BytesBlob([]byte("x"))
	b.Replace = true
	wantError(t, "Put with Replace", s.Put(ctx, "ID/head", b), context.Canceled)
	wantError(t, "Delete", s.Delete(ctx, "ID/head"), context.Canceled)
	_, err := get(ctx, s, "ID/head", 0, -1)
	wantError(t, "Get", err, context.Canceled)
	err = nil
	for _, err = range s.List(ctx, "") {
	}
	wantError(t, "List", err, context.Canceled)
	err = nil
	for _, err = range s.Prefixes(ctx) {
	}
	wantError(t, "Prefixes", err, context.Canceled)
	_, err = s.Stat(ctx, "ID/head")
	wantError(t, "Stat", err, context.Canceled)
	wantError(t, "Purge", s.Purge(ctx, "ID/"), context.Canceled)
	wantNames(t, s, "", "ID/head")
	wantObject(t, s, "ID/head", []byte("head"))
}

// A Put that is cancelled while it reads leaves nothing, or the whole.
func testCancelledInPut(t *testing.T, s archive.Store) {
	content := bytes.Repeat([]byte("content "), 100_000)
	ctx, cancel := context.WithCancel(t.Context())
	b := archive.BytesBlob(content)
	b.Open = func() (io.ReadCloser, error) {
		return io.NopCloser(&cancelReader{bytes.NewReader(content), len(content) / 2, cancel}), nil
	}
	err := s.Put(ctx, segment, b)
	if err != nil {
		wantError(t, "Put", err, context.Canceled)
	}
	got, getErr := get(t.Context(), s, segment, 0, -1)
	switch {
	case getErr == nil && !bytes.Equal(got, content):
		t.Errorf("a part of the object is there: %d bytes", len(got))
	case getErr != nil && err == nil:
		t.Errorf("Put returned nil, but Get: %v", getErr)
	case getErr != nil:
		wantNone(t, s, segment)
		wantNames(t, s, "")
	}
	put(t, s, segment, content)
}

// cancelReader calls cancel once after bytes were read.
type cancelReader struct {
	r      io.Reader
	after  int
	cancel func()
}

func (r *cancelReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if r.after -= n; r.after <= 0 {
		r.cancel()
	}
	return n, err
}
