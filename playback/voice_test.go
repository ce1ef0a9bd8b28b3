package playback

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// TestStreamVoice: one participant's sound, streamed, is the file that the export of all
// tracks makes of it.
func TestStreamVoice(t *testing.T) {
	t.Parallel()
	s := open(t, cut(t, []media.Track{alice, bob}, append(burst(t, alice, 20*time.Second, 16*time.Second), picture(t, bob, 10*time.Second)...)))
	for _, o := range []ExportOptions{{}, {From: 3 * time.Second, To: 18 * time.Second}, {To: time.Second}} {
		dir := filepath.Join(t.TempDir(), "tracks")
		if _, err := ExportTracks(t.Context(), s, dir, o); err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(dir, "Alice-microphone.ogg"))
		if err != nil {
			t.Fatal(err)
		}
		o.Participants = []string{alice.Participant}
		var b bytes.Buffer
		r, err := StreamVoice(t.Context(), s, &b, o)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), want) || len(r.Tracks) != 1 || r.Incomplete {
			t.Errorf("%v to %v: %d bytes, want %d; report %+v", o.From, o.To, b.Len(), len(want), r)
		}
	}
	for _, who := range [][]string{nil, {bob.Participant}, {alice.Participant, bob.Participant}} {
		if _, err := StreamVoice(t.Context(), s, new(bytes.Buffer), ExportOptions{Participants: who}); !errors.Is(err, ErrNoVoice) {
			t.Errorf("of %q: %v", who, err)
		}
	}
	if _, err := StreamVoice(t.Context(), s, refusing{}, ExportOptions{Participants: []string{alice.Participant}}); !errors.Is(err, errRefusing) {
		t.Errorf("to a writer that refuses: %v", err)
	}
}

var errRefusing = errors.New("no")

type refusing struct{}

func (refusing) Write([]byte) (int, error) { return 0, errRefusing }

// TestTailWriter: what is held back can be written again, and nothing else.
func TestTailWriter(t *testing.T) {
	var out bytes.Buffer
	w := &tailWriter{w: &out}
	want := bytes.Repeat([]byte("0123456789"), heldBack/4)
	for at := 0; at < len(want); at += 7000 {
		if _, err := w.Write(want[at:min(at+7000, len(want))]); err != nil {
			t.Fatal(err)
		}
	}
	if out.Len() != len(want)-heldBack {
		t.Errorf("%d bytes are passed on of %d", out.Len(), len(want))
	}
	want = append(want[:len(want)-9:len(want)-9], "end, page"...)
	if _, err := w.WriteAt([]byte("end, page"), int64(len(want)-9)); err != nil {
		t.Fatal(err)
	}
	for _, off := range []int64{0, int64(out.Len() - 1), int64(len(want) - 8)} {
		if _, err := w.WriteAt([]byte("end, page"), off); err == nil {
			t.Errorf("written at %d", off)
		}
	}
	if err := w.flush(); err != nil || !bytes.Equal(out.Bytes(), want) {
		t.Errorf("%v, %d bytes, want %d", err, out.Len(), len(want))
	}
}
