package s3

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/minio/minio-go/v7"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/storetest"
)

// versioned makes a bucket with versions and object lock, and returns a store in
// it.
func versioned(t *testing.T, name string) *Store {
	t.Helper()
	name += "-" + strings.ToLower(rand.Text()[:10])
	admin := open(t, config(t))
	if err := admin.core.MakeBucket(t.Context(), name, minio.MakeBucketOptions{ObjectLocking: true}); err != nil {
		t.Fatal(err)
	}
	c := config(t)
	c.Bucket = name
	return open(t, c)
}

// left returns how many versions begin with prefix.
func left(t *testing.T, s *Store, prefix string) int {
	t.Helper()
	n := 0
	var err error
	for range s.versions(t.Context(), prefix, &err) {
		n++
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func put(t *testing.T, s *Store, name, content string) {
	t.Helper()
	b := archive.BytesBlob([]byte(content))
	b.Replace = true
	if err := s.Put(t.Context(), name, b); err != nil {
		t.Fatal(err)
	}
}

func TestPurge(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		store    *Store
		versions int
	}{
		{"without versions", open(t, config(t)), 6},
		{"with versions", versioned(t, "versioned"), 6 + 3 + 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := test.store
			s.page = 3
			for i := range 5 {
				put(t, s, fmt.Sprintf("ID/log/%04d", i), "content")
			}
			for i := range 4 {
				put(t, s, "ID/head", fmt.Sprint(i))
			}
			put(t, s, "IDX/head", "another recording")
			if test.versions > 6 {
				// An object that was deleted is still there, beneath a marker.
				put(t, s, "ID/log/x", "content")
				if err := s.Delete(t.Context(), "ID/log/x"); err != nil {
					t.Fatal(err)
				}
			}
			if got := left(t, s, "ID/"); got != test.versions {
				t.Errorf("%d versions, want %d", got, test.versions)
			}
			if err := s.Purge(t.Context(), "ID/log/"); err != nil {
				t.Error(err)
			}
			if l, h := left(t, s, "ID/log/"), left(t, s, "ID/head"); l != 0 || h == 0 {
				t.Errorf("%d versions of the log are left, and %d of the head", l, h)
			}
			for range 2 { // also where there is nothing
				if err := s.Purge(t.Context(), "ID/"); err != nil {
					t.Error(err)
				}
			}
			if l, o := left(t, s, "ID/"), left(t, s, "IDX/"); l != 0 || o != 1 {
				t.Errorf("%d versions are left, and %d of another recording", l, o)
			}
		})
	}
	s := open(t, config(t))
	for _, prefix := range []string{"", "../x", "/"} {
		if err := s.Purge(t.Context(), prefix); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v", prefix, err)
		}
	}
	c := config(t)
	c.SecretKey += "x"
	denied, err := newStore(c)
	if err != nil {
		t.Fatal(err)
	}
	defer denied.Close()
	if err := denied.Purge(t.Context(), "ID/"); !errors.Is(err, archive.ErrDenied) {
		t.Errorf("wrong key: %v", err)
	}
}

func TestPurgeRetained(t *testing.T) {
	t.Parallel()
	s := versioned(t, "locked")
	for _, name := range []string{"ID/epochs/1", "ID/epochs/2", "ID/segments/1", "ID/segments/2", "ID/segments/3"} {
		put(t, s, name, "content")
	}
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	mode := minio.Governance
	if err := s.core.PutObjectRetention(t.Context(), s.bucket, s.prefix+"ID/segments/2", minio.PutObjectRetentionOptions{Mode: &mode, RetainUntilDate: &until}); err != nil {
		t.Fatal(err)
	}
	held := minio.LegalHoldEnabled
	if err := s.core.PutObjectLegalHold(t.Context(), s.bucket, s.prefix+"ID/epochs/2", minio.PutObjectLegalHoldOptions{Status: &held}); err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string]archive.RetainedError{
		"ID/epochs/":   {Object: "ID/epochs/2", Objects: 1},
		"ID/segments/": {Object: "ID/segments/2", Objects: 1, Until: until},
	} {
		for range 2 {
			var got *archive.RetainedError
			err := s.Purge(t.Context(), prefix)
			if !errors.As(err, &got) || got.Object != want.Object || got.Objects != want.Objects || !got.Until.Equal(want.Until) {
				t.Errorf("%s: %v, want %+v", prefix, err, want)
			}
			if n := left(t, s, prefix); n != 1 {
				t.Errorf("%s: %d versions left, want the one that is retained", prefix, n)
			}
		}
	}
	// Once it is free, it goes.
	free := minio.LegalHoldDisabled
	if err := s.core.PutObjectLegalHold(t.Context(), s.bucket, s.prefix+"ID/epochs/2", minio.PutObjectLegalHoldOptions{Status: &free}); err != nil {
		t.Fatal(err)
	}
	if err := s.Purge(t.Context(), "ID/epochs/"); err != nil {
		t.Errorf("no longer held: %v", err)
	}
}

// A whole recording goes from a bucket with versions, or waits for its retention
// to end.
func TestRemove(t *testing.T) {
	t.Parallel()
	signer, verifier := storetest.SigningKeys(t, "recorder")
	reader, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	spool := t.TempDir()
	local, err := dir.Open(spool)
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	w, err := archive.Create(spool, archive.Config{Signer: signer})
	if err != nil {
		t.Fatal(err)
	}
	s := versioned(t, "removed")
	store := archive.Retry(s, archive.RetryConfig{Attempts: 3})
	copier := archive.NewCopier(store, local, w.ID())
	for range 2 {
		if _, err := w.StartEpoch([]age.Recipient{reader.Recipient()}); err != nil {
			t.Fatal(err)
		}
		o, err := w.Create(archive.Segment)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(o.Commit(), copier.Copy(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), copier.Copy(t.Context())); err != nil {
		t.Fatal(err)
	}
	o := archive.Options{Verifiers: note.VerifierList(verifier)}
	all, err := archive.Survey(t.Context(), store, o)
	if err != nil || len(all) != 1 || all[0].Err != nil || all[0].Stored.IsZero() {
		t.Fatalf("%+v, %v", all, err)
	}
	before := left(t, s, w.ID()+"/")
	if before < 4+2+3 { // two epochs, two segments, and a log and a head of several versions
		t.Errorf("%d versions", before)
	}

	held := minio.LegalHoldEnabled
	epoch := s.prefix + w.ID() + "/epochs/000001.age"
	if err := s.core.PutObjectLegalHold(t.Context(), s.bucket, epoch, minio.PutObjectLegalHoldOptions{Status: &held}); err != nil {
		t.Fatal(err)
	}
	var retained *archive.RetainedError
	if err := archive.Remove(t.Context(), store, w.ID(), o); !errors.As(err, &retained) || retained.Objects != 1 {
		t.Errorf("got %v", err)
	}
	if n := left(t, s, w.ID()+"/"); n != before-1 {
		t.Errorf("%d versions are left of %d, want all but the other epoch", n, before)
	}
	held = minio.LegalHoldDisabled
	if err := s.core.PutObjectLegalHold(t.Context(), s.bucket, epoch, minio.PutObjectLegalHoldOptions{Status: &held}); err != nil {
		t.Fatal(err)
	}
	if err := archive.Remove(t.Context(), store, w.ID(), o); err != nil {
		t.Error(err)
	}
	if n := left(t, s, w.ID()+"/"); n != 0 {
		t.Errorf("%d versions are left", n)
	}
}
