package s3

import (
	"fmt"
	"path/filepath"
	"testing"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/testdata/sample"
)

// What TestLateReadersBesideJunk of package archive says of memory and a folder
// holds for a server, and so does a name that was taken before.
func TestLateReadersOnServer(t *testing.T) {
	readers, junk := 258, 30
	if sample.All() {
		readers, junk = 300, 300
	}
	skey, known, _ := newKeys(t)
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	spool := filepath.Join(t.TempDir(), "spool")
	w, err := archive.Create(spool, archive.Config{Signer: signer, KeepSecret: true})
	if err != nil {
		t.Fatal(err)
	}
	key := func() *age.HybridIdentity {
		id, err := age.GenerateHybridIdentity()
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	anyone := key()
	if _, err := w.StartEpoch([]age.Recipient{anyone.Recipient()}); err != nil {
		t.Fatal(err)
	}
	o, err := w.Create(archive.Segment)
	if err == nil {
		_, err = o.Write([]byte("all"))
	}
	if err == nil {
		err = o.Commit()
	}
	if err != nil {
		t.Fatal(err)
	}
	some := map[int]*age.HybridIdentity{256: key(), readers - 1: key()}
	for i := range readers {
		to := anyone
		if id, ok := some[i]; ok {
			to = id
		}
		if err := w.Admit([]age.Recipient{to.Recipient()}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	s := open(t, config(t))
	content := make([]byte, 13_000) // as large as a share
	var putting errgroup.Group
	putting.SetLimit(16)
	put := func(name string, data []byte) {
		putting.Go(func() error { return s.Put(t.Context(), w.ID()+"/"+name, archive.BytesBlob(data)) })
	}
	for i := range junk {
		switch {
		case i%3 == 0:
			put(fmt.Sprintf("epochs/000001-late-%04d.age", readers+1+i), content)
		default:
			put("shares/"+archive.NewID()+".age", content)
		}
	}
	put("head", []byte("garbage"))
	put("segments/000000.age", []byte("taken"))
	put("epochs/000001-late-0257.age", []byte("taken"))
	if err := putting.Wait(); err != nil {
		t.Fatal(err)
	}
	src, err := dir.Open(spool)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	taken := 0
	c := archive.NewCopier(s, src, w.ID())
	c.Parallel, c.Own, c.OnTaken = 16, known, func(string) { taken++ }
	if err := c.Copy(t.Context()); err != nil || taken != 3 {
		t.Fatalf("%d names were taken, %v", taken, err)
	}
	for i, id := range some {
		r, err := archive.Open(t.Context(), s, w.ID(), archive.Options{Verifiers: known, Identities: []age.Identity{id}})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.ReadSegment(t.Context(), 0); err != nil || string(got) != "all" {
			t.Errorf("late reader %d: %q, %v", i+1, got, err)
		}
	}
}
