package media

import (
	"reflect"
	"testing"
	"time"
)

// TestTally: what an index tells of segments, of a track whose frames come out of
// order and one that is not in each of them.
func TestTally(t *testing.T) {
	const s = time.Second
	key := func(w, h int) []byte {
		return []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, byte(w), byte(w >> 8), byte(h), byte(h >> 8)}
	}
	delta := []byte{0x11, 0}
	type frame struct {
		track uint64 // 1 is a sound
		at    time.Duration
		data  []byte
	}
	var tally Tally
	for i, tt := range []struct {
		frames []frame
		want   IndexSegment
	}{
		{[]frame{{1, s, nil}, {2, 0, key(320, 180)}, {2, s, delta}, {2, 2 * s, key(1280, 720)}, {2, 3 * s, key(720, 1280)}},
			IndexSegment{Start: 0, Duration: 3 * s, Tracks: []IndexTrack{{UID: 1}, {UID: 2, Keys: []time.Duration{0, 2 * s, 3 * s}, Width: 1280, Height: 720}}}},
		{[]frame{{1, 5 * s, nil}},
			IndexSegment{Start: 5 * s, Duration: 20 * time.Millisecond, Tracks: []IndexTrack{{UID: 1}}}},
		{[]frame{{2, 11 * s, delta}, {2, 12 * s, key(320, 180)}, {3, 13 * s, delta}},
			IndexSegment{Start: 11 * s, Duration: 2 * s, Tracks: []IndexTrack{
				{UID: 2, Continues: true, Begin: 3 * s, Keys: []time.Duration{12 * s}, Width: 320, Height: 180}, {UID: 3, Continues: true}}}},
		{nil, IndexSegment{Start: 15 * s}},
	} {
		tally.Open(i, 7)
		for _, f := range tt.frames {
			codec, lasts := VP8, time.Duration(0)
			if f.track == 1 {
				codec, lasts = Opus, 20*time.Millisecond
			}
			tally.Frame(Frame{Track: f.track, Time: f.at, Duration: lasts, Key: codec == Opus || f.data[0]&1 == 0, Data: f.data}, codec)
		}
		if len(tt.frames) > 0 != tally.Any() {
			t.Errorf("segment %d has frames: %v", i, tally.Any())
		}
		tt.want.Number, tt.want.Epoch, tt.want.Size = i, 7, 99
		if got := tally.Close(99, time.Duration(i)*5*s); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("segment %d is\n%+v, want\n%+v", i, got, tt.want)
		}
	}
}

// TestTallyForgets: what is remembered of tracks that are gone is bounded.
func TestTallyForgets(t *testing.T) {
	var tally Tally
	for n := range 4 * maxShown {
		tally.Open(n, 1)
		tally.Frame(Frame{Track: uint64(n + 1), Key: true, Data: []byte{0x10}}, VP8)
		tally.Close(1, 0)
	}
	if len(tally.shown) > maxShown {
		t.Errorf("%d tracks are remembered", len(tally.shown))
	}
}
