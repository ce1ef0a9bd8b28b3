package playback

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// later returns a recording of the tracks that began at a time after the first, with sound in
// each for its length.
func later(t *testing.T, after, length time.Duration, tracks ...media.Track) *Session {
	t.Helper()
	var frames []media.Frame
	for at := time.Duration(0); at < length; at += 20 * time.Millisecond {
		for _, track := range tracks {
			frames = append(frames, media.Frame{Track: track.UID, Time: at, Duration: 20 * time.Millisecond, Key: true, Data: []byte{0xfc, 0xff, 0xfe}})
		}
	}
	s := open(t, cut(t, tracks, frames, media.Event{Type: media.EventStart, Text: "Weekly"}, media.Event{Time: length, Type: media.EventStop}))
	s.start = s.start.Add(after)
	return s
}

// TestJoin: recordings of one meeting are one, on the clock of the first. Tracks go on where
// nothing overlaps, and what lies between is a hole.
func TestJoin(t *testing.T) {
	sound := func(uid uint64, who string) media.Track {
		return media.Track{UID: uid, Participant: who, Source: media.Microphone, Codec: media.Opus, Channels: 2}
	}
	for _, tt := range []struct {
		name   string
		parts  []*Session
		tracks int
		frames int
		length time.Duration
		holes  []time.Duration // from, to of each
	}{
		{"one", []*Session{later(t, 0, 6*time.Second, sound(1, "ada"))}, 1, 300, 6 * time.Second, nil},
		{"with a gap, out of order, other numbers", []*Session{later(t, 10*time.Second, 6*time.Second, sound(7, "ada")), later(t, 0, 6*time.Second, sound(1, "ada"))},
			1, 600, 16 * time.Second, []time.Duration{6 * time.Second, 10 * time.Second}},
		{"somebody else with the same number", []*Session{later(t, 0, 6*time.Second, sound(1, "ada")), later(t, 10*time.Second, 6*time.Second, sound(1, "bob"))},
			2, 600, 16 * time.Second, []time.Duration{6 * time.Second, 10 * time.Second}},
		{"nothing in the one between", []*Session{later(t, 0, 6*time.Second, sound(1, "ada")), open(t, &memSource{}), later(t, 10*time.Second, 6*time.Second, sound(1, "ada"))},
			1, 600, 16 * time.Second, []time.Duration{6 * time.Second, 10 * time.Second}},
		{"overlapping", []*Session{later(t, 0, 6*time.Second, sound(1, "ada")), later(t, 4*time.Second, 6*time.Second, sound(1, "ada"))}, 2, 600, 10 * time.Second, nil},
		{"three, one within another", []*Session{later(t, 0, 12*time.Second, sound(1, "ada")), later(t, 2*time.Second, time.Second, sound(1, "ada")), later(t, 13*time.Second, time.Second, sound(4, "ada"))},
			2, 600 + 50 + 50, 14 * time.Second, []time.Duration{12 * time.Second, 13 * time.Second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Join(t.Context(), tt.parts)
			if err != nil {
				t.Fatal(err)
			}
			n, before := 0, make(map[uint64]time.Duration)
			for f, err := range s.Frames(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if at, ok := before[f.Track]; ok && f.Time <= at {
					t.Fatalf("a frame of %d at %v after one at %v", f.Track, f.Time, at)
				}
				before[f.Track] = f.Time
				n++
			}
			var holes []time.Duration
			for _, h := range s.Holes() {
				if h.Reason != HoleBetween {
					t.Errorf("a hole for %s", h.Reason)
				}
				holes = append(holes, h.From, h.To)
			}
			if n != tt.frames || len(s.Tracks()) != tt.tracks || len(before) != tt.tracks || s.Duration() != tt.length || len(s.Missing()) > 0 {
				t.Errorf("%d frames of %d tracks in %v, missing %v", n, len(s.Tracks()), s.Duration(), s.Missing())
			}
			if len(holes) != len(tt.holes) || len(holes) > 0 && (holes[0] != tt.holes[0] || holes[1] != tt.holes[1]) {
				t.Errorf("holes %v, want %v", holes, tt.holes)
			}
		})
	}
	if _, err := Join(t.Context(), nil); err == nil {
		t.Error("nothing is joined")
	}
	if _, err := Join(t.Context(), []*Session{later(t, 0, time.Second, sound(1, "ada")), later(t, 2*maxTime, time.Second, sound(1, "ada"))}); err == nil {
		t.Error("recordings of months apart are one meeting")
	}
}
