package s3

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/archive"
)

// An object that a MinIO server finds damaged on its disk, which it answers as if it
// had too much to do, is told in a bounded time, and a good copy takes its place.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	signer, verifiers := newSigner(t)
	id, folder := recordThreeOf(t, signer, 1<<20) // smaller ones have no file of their own
	c := config(t)
	s := open(t, c)
	if err := archive.Copy(t.Context(), s, folder, id); err != nil {
		t.Fatal(err)
	}
	damageOnDisk(t, filepath.Join(server(t).Data(), bucket, filepath.FromSlash(c.Prefix), id, "segments", "000001.age"))
	ctx := t.Context()
	store := archive.Retry(s, archive.RetryConfig{})
	o := archive.Options{Verifiers: verifiers}
	var problems []string
	if _, err := archive.Verify(ctx, store, id, o, func(p archive.Problem) { problems = append(problems, p.Kind+" "+p.Object) }); err != nil || !slices.Equal(problems, []string{"unreadable segments/000001.age"}) {
		t.Errorf("verified %q, %v", problems, err)
	}
	var put []string
	if _, err := archive.RepairStores(ctx, []archive.Store{store, folder}, id, archive.RepairOptions{Options: o, Report: func(r archive.Repair) {
		if r.Err != nil {
			t.Errorf("%+v", r)
		}
		put = append(put, r.Name)
	}}); err != nil || !slices.Equal(put, []string{"segments/000001.age"}) {
		t.Errorf("put back %q, %v", put, err)
	}
	if r, err := archive.Verify(ctx, store, id, o, nil); err != nil || !r.OK() {
		t.Errorf("after the repair: %+v, %v", r, err)
	}
}

// damageOnDisk flips bytes in the file that holds an object's content, in the folder
// that a MinIO server has for the object.
func damageOnDisk(t *testing.T, object string) {
	t.Helper()
	var parts []string
	if err := filepath.WalkDir(object, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasPrefix(filepath.Base(path), "part.") {
			parts = append(parts, path)
		}
		return err
	}); err != nil || len(parts) != 1 {
		t.Fatalf("parts %q, %v", parts, err)
	}
	data, err := os.ReadFile(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := 2000; i < 2016; i++ {
		data[i] ^= 0xff
	}
	if err := os.WriteFile(parts[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
}
