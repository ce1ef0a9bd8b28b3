package replay_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/replay"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// discard takes a room's tracks as a recorder does, and keeps nothing.
func discard(t *testing.T, room recorder.Room, play func(func(string)) error) {
	t.Helper()
	if err := room.Announce(t.Context(), "recorded"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- play(nil) }()
	var readers []chan struct{}
	for {
		e, err := room.Accept(t.Context())
		if errors.Is(err, recorder.ErrEnded) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Track != nil {
			over := make(chan struct{})
			readers = append(readers, over)
			go func() {
				defer close(over)
				for {
					if _, err := e.Track.Read(); err != nil {
						return
					}
				}
			}()
		}
	}
	for _, over := range readers {
		<-over
	}
	if err := errors.Join(<-done, room.Close()); err != nil {
		t.Fatal(err)
	}
}

// short captures a short meeting.
func short(t *testing.T) []byte {
	t.Helper()
	room := roomtest.New("weekly")
	play := roomtest.Short(room)
	var b bytes.Buffer
	discard(t, replay.NewCapture(room, &b, ""), play)
	return b.Bytes()
}

// What passes a Capture and what comes of it keep the contract of rooms.
func TestRoom(t *testing.T) {
	captured := short(t)
	roomtest.TestRoom(t, func(t *testing.T) roomtest.Meeting {
		room, err := replay.Open(bytes.NewReader(captured))
		if err != nil {
			t.Fatal(err)
		}
		return roomtest.Meeting{Room: room}
	})
}

func TestCapture(t *testing.T) {
	roomtest.TestRoom(t, func(t *testing.T) roomtest.Meeting {
		room := roomtest.New("weekly")
		play := roomtest.Short(room)
		return roomtest.Meeting{Room: replay.NewCapture(room, new(bytes.Buffer), ""), Play: play}
	})
}

type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

// A capture that cannot be written is an error at the end, and disturbs nothing.
func TestCaptureFails(t *testing.T) {
	room := roomtest.New("weekly")
	play := roomtest.Short(room)
	c := replay.NewCapture(room, full{}, "")
	if err := c.Announce(t.Context(), "recorded"); err != nil {
		t.Fatal(err)
	}
	if err := play(nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); !errors.Is(err, errFull) {
		t.Errorf("Close: %v, want that it was not written", err)
	}
}

const head = `{"capture":1,"room":"r"}` + "\n"
const mic = `{"at":0,"track":{"n":0,"id":"T","participant":"a","source":"microphone","codec":"opus","clock":48000}}` + "\n"

func TestOpenRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                "",
		"no JSON":                "hello",
		"another version":        `{"capture":2,"room":"r"}`,
		"no room":                `{"capture":1}`,
		"an unknown field":       `{"capture":1,"room":"r","key":"x"}`,
		"two things in a line":   head + `{"at":0,"end":0,"ended":"x"}`,
		"nothing in a line":      head + `{"at":0}`,
		"two objects in a line":  head + `{"at":0,"ended":"x"} {}`,
		"something after it":     head + `{"at":0,"ended":"x"}` + "\n" + `{"at":0,"event":{"type":"join"}}`,
		"a track event":          head + `{"at":0,"event":{"type":"track"}}`,
		"two days":               head + `{"at":172800000000000,"event":{"type":"join"}}`,
		"two days ago":           head + `{"at":0,"event":{"type":"reconnect","since":-172800000000000}}`,
		"a second first track":   head + mic + mic,
		"no clock":               head + strings.Replace(mic, "48000", "0", 1),
		"a packet of nothing":    head + `{"at":0,"packet":{"track":0,"rtp":"gG8AAAAAAAAAAAAB"}}`,
		"a packet after the end": head + mic + `{"at":0,"end":0}` + "\n" + `{"at":0,"packet":{"track":0,"rtp":"gG8AAAAAAAAAAAAB"}}`,
		"no RTP":                 head + mic + `{"at":0,"packet":{"track":0,"rtp":"gG8A"}}`,
		"two ends":               head + mic + `{"at":0,"end":0}` + "\n" + `{"at":0,"end":0}`,
		"a report of long ago":   head + mic + `{"at":0,"packet":{"track":0,"rtp":"gG8AAAAAAAAAAAAB","reports":[{"ntp":-172800000000000,"rtp":0,"at":0}]}}`,
		"a long line":            head + `{"at":0,"ended":"` + strings.Repeat("x", 1<<18) + `"}`,
		"many lines":             head + strings.Repeat(`{"at":0,"event":{"type":"join"}}`+"\n", 1<<18),
	} {
		if _, err := replay.Open(strings.NewReader(text)); !errors.Is(err, replay.ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
	if _, err := replay.Open(strings.NewReader(head + mic)); err != nil {
		t.Errorf("a track that says nothing: %v", err)
	}
}

// Whatever is opened is an error, or is played to its end.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(head + mic + `{"at":1,"packet":{"track":0,"rtp":"gG8AAAAAAAAAAAAB"}}` + "\n" + `{"at":2,"ended":"x"}`))
	f.Add([]byte(head + `{"at":-5,"event":{"type":"speaking","speakers":["a"],"since":-9}}`))
	corpus, err := filepath.Glob("testdata/fuzz/FuzzOpen/*")
	if err != nil || len(corpus) == 0 {
		f.Fatalf("no corpus: %v", err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		room, err := replay.Open(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, replay.ErrFormat) {
				t.Errorf("error of another kind: %v", err)
			}
			return
		}
		if room.Name() == "" || room.Length() < 0 {
			t.Errorf("room %q of %v", room.Name(), room.Length())
		}
		if room.Length() < 1e6 {
			discard(t, room, func(func(string)) error { return nil })
		} else if err := room.Close(); err != nil {
			t.Error(err)
		}
	})
}
