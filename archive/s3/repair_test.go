package s3

import (
	"slices"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/testdata/servers"
)

// Three stores of three kinds, each of which lost something else, give one another
// what they lost; and a sample of each is whole.
func TestRepair(t *testing.T) {
	t.Parallel()
	signer, verifiers := newSigner(t)
	id, folder := recordThree(t, signer)
	minio, versity := open(t, config(t)), open(t, started(t, servers.StartVersityGW)())
	for _, s := range []*Store{minio, versity} {
		if err := archive.Copy(t.Context(), s, folder, id); err != nil {
			t.Fatal(err)
		}
	}
	stores := []archive.Store{folder, minio, versity}
	for i, name := range []string{"/segments/000000.age", "/head", "/log/0000"} {
		if err := stores[i].Delete(t.Context(), id+name); err != nil {
			t.Fatal(err)
		}
	}
	bucketOwner{t, minio, id}.put("segments/000002.age", []byte("damaged"))
	var put []string
	o := archive.Options{Verifiers: verifiers}
	if _, err := archive.RepairStores(t.Context(), stores, id, archive.RepairOptions{Options: o, Quick: true, Report: func(r archive.Repair) {
		if r.Err != nil {
			t.Errorf("%+v", r)
		}
		put = append(put, string(rune('0'+r.Store))+" "+r.Name)
	}}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(put)
	if want := []string{"0 segments/000000.age", "1 head", "1 segments/000002.age", "2 log/0000"}; !slices.Equal(put, want) {
		t.Errorf("put back %q, want %q", put, want)
	}
	for i, s := range stores {
		if r, err := archive.Verify(t.Context(), s, id, o, nil); err != nil || !r.OK() {
			t.Errorf("store %d: %+v, %v", i, r, err)
		}
		if r, err := archive.VerifySample(t.Context(), s, id, o, 0.4, nil); err != nil || !r.OK() || r.Listed != 1 {
			t.Errorf("a sample of store %d: %+v, %v", i, r, err)
		}
	}
}
