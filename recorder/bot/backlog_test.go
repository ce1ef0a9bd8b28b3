package bot

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
)

// sealedObject returns an object that is being written.
func sealedObject(t *testing.T) *archive.Object {
	t.Helper()
	id, err := keys.Generate("Ada")
	if err != nil {
		t.Fatal(err)
	}
	w, err := archive.Create(t.TempDir(), archive.Config{Signer: id.Signer()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.StartEpoch(id.Recipients()); err != nil {
		t.Fatal(err)
	}
	o, err := w.Create(archive.Segment)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Abort(); err != nil {
			t.Error(err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

func TestBacklog(t *testing.T) {
	b, o := newBacklog(1), sealedObject(t)
	if _, err := o.Write(make([]byte, 100_000)); err != nil {
		t.Fatal(err)
	}
	if err := b.commit(o); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(time.Hour)
	if s := b.state(at); s.Objects != 1 || s.Bytes != o.Size() || s.Sealed != o.Size() || s.Uploaded != 0 || s.Oldest < time.Hour || o.Size() < 100_000 {
		t.Errorf("%+v", s)
	}
	b.stored("epochs/000001.age")
	b.stored(o.Name())
	b.stored(o.Name()) // again, by another pass
	if s := b.state(at); s != (Backlog{Sealed: o.Size(), Uploaded: o.Size()}) {
		t.Errorf("%+v", s)
	}
	if err := b.commit(o); err == nil {
		t.Error("committed twice")
	}
	if s := b.state(at); s.Objects != 0 || s.Sealed != o.Size() {
		t.Errorf("what was not committed waits: %+v", s)
	}
	other := sealedObject(t)
	if err := b.commit(other); err != nil {
		t.Fatal(err)
	}
	b.lacked(other.Name())
	if s := b.state(at); s.Objects != 0 || s.Uploaded != o.Size() {
		t.Errorf("what was passed over waits, or counts as stored: %+v", s)
	}
}

// An object waits until the last store has it.
func TestBacklogOfTwoStores(t *testing.T) {
	b, o := newBacklog(2), sealedObject(t)
	if err := b.commit(o); err != nil {
		t.Fatal(err)
	}
	for i, want := range []Backlog{
		{Objects: 1, Bytes: o.Size(), Sealed: o.Size()},
		{Sealed: o.Size(), Uploaded: o.Size()},
	} {
		b.stored(o.Name())
		got := b.state(b.waiting[o.Name()].since)
		if got.Oldest = 0; got != want {
			t.Errorf("with %d stores: %+v, want %+v", i+1, got, want)
		}
	}
}
