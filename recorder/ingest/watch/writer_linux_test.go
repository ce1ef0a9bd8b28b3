package watch

import (
	"os"
	"testing"
	"time"
)

// TestWriter: a recording whose program has it open is not complete, however long nothing
// came; who reads it does not hold it back.
func TestWriter(t *testing.T) {
	l := newLooker(t)
	write(t, l.path("a.mp4"), "1")
	l.look(0, 1)
	w, err := os.OpenFile(l.path("a.mp4"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	r, err := os.Open(l.path("a.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	l.look(time.Hour, 1)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	l.look(time.Hour, 0, "a.mp4")
	// Looking leaves nothing behind that would stop the next writer.
	w, err = os.OpenFile(l.path("a.mp4"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}
