package playback

import (
	"slices"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// TestFramesBetween: sound from the first to the last, pictures from the key
// frame on that they need. The meeting's picture begins at 10 s and has a key
// frame there and at every 4 s.
func TestFramesBetween(t *testing.T) {
	t.Parallel()
	const s, ms = time.Second, time.Millisecond
	event := func(typ media.EventType, at time.Duration) media.Event {
		return media.Event{Time: at, Type: typ, Track: bob.UID}
	}
	for name, tt := range map[string]struct {
		from, to time.Duration
		events   []media.Event
		errs     map[int]error
		sound    [2]time.Duration // first and last; none if both are 0
		picture  [2]time.Duration
		read     []int
	}{
		"all":                    {sound: [2]time.Duration{0, 59980 * ms}, picture: [2]time.Duration{10 * s, 59900 * ms}, read: []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
		"within a segment":       {from: 33 * s, to: 34 * s, sound: [2]time.Duration{33 * s, 33980 * ms}, picture: [2]time.Duration{32 * s, 33900 * ms}, read: []int{6}},
		"key frame before":       {from: 31 * s, to: 32 * s, sound: [2]time.Duration{31 * s, 31980 * ms}, picture: [2]time.Duration{28 * s, 31900 * ms}, read: []int{5, 6}},
		"at a key frame":         {from: 32 * s, to: 33 * s, sound: [2]time.Duration{32 * s, 32980 * ms}, picture: [2]time.Duration{32 * s, 32900 * ms}, read: []int{6}},
		"to the end":             {from: 56 * s, sound: [2]time.Duration{56 * s, 59980 * ms}, picture: [2]time.Duration{56 * s, 59900 * ms}, read: []int{11}},
		"within a sound":         {from: 33*s + 7*ms, to: 34 * s, sound: [2]time.Duration{33 * s, 33980 * ms}, picture: [2]time.Duration{32 * s, 33900 * ms}, read: []int{6}},
		"before the picture":     {from: 2 * s, to: 11 * s, sound: [2]time.Duration{2 * s, 10980 * ms}, picture: [2]time.Duration{10 * s, 10900 * ms}, read: []int{0, 1, 2}},
		"after the end":          {from: 70 * s, picture: [2]time.Duration{56 * s, 59900 * ms}, read: []int{11}}, // it stands still
		"nothing":                {from: 5 * s, to: 5 * s},
		"locked before":          {from: 36 * s, to: 42 * s, errs: map[int]error{6: ErrLocked}, sound: [2]time.Duration{36 * s, 41980 * ms}, picture: [2]time.Duration{36 * s, 41900 * ms}, read: []int{7, 8}},
		"locked, no key between": {from: 35 * s, to: 42 * s, errs: map[int]error{6: ErrLocked}, sound: [2]time.Duration{35 * s, 41980 * ms}, picture: [2]time.Duration{36 * s, 41900 * ms}, read: []int{7, 8}},
		"begins locked":          {from: 32 * s, to: 37 * s, errs: map[int]error{6: ErrLocked}, sound: [2]time.Duration{35 * s, 36980 * ms}, picture: [2]time.Duration{36 * s, 36900 * ms}, read: []int{7}},
		"muted":                  {from: 31 * s, to: 34 * s, events: []media.Event{event(media.EventMute, 30*s)}, sound: [2]time.Duration{31 * s, 33980 * ms}, picture: [2]time.Duration{32 * s, 33900 * ms}, read: []int{6}},
		"muted before":           {from: 31 * s, to: 34 * s, events: []media.Event{event(media.EventMute, 20*s), event(media.EventUnmute, 21*s)}, sound: [2]time.Duration{31 * s, 33980 * ms}, picture: [2]time.Duration{28 * s, 33900 * ms}, read: []int{5, 6}},
		"over":                   {from: 31 * s, to: 32 * s, events: []media.Event{event(media.EventTrackEnd, 30*s)}, sound: [2]time.Duration{31 * s, 31980 * ms}, read: []int{6}},
	} {
		t.Run(name, func(t *testing.T) {
			src := longMeeting(t)
			l := indexed(t, src, 4)
			if tt.events != nil { // an index may tell of them alone
				x := indexOf(t, src)
				x.Tracks = []media.Track{alice, bob}
				x.Events = tt.events
				l.indexes = map[int][]byte{0: writeIndex(t, x)}
			}
			if tt.errs != nil {
				l.indexes, src.errs = nil, tt.errs
			}
			session := open(t, l)
			var log readLog
			log.of(src)
			times := make(map[uint64][]time.Duration)
			var last time.Duration
			for f, err := range session.FramesBetween(t.Context(), tt.from, tt.to) {
				if err != nil || f.Time < last {
					t.Fatal(f.Time, err)
				}
				last = f.Time
				if len(times[f.Track]) == 0 && !f.Key {
					t.Errorf("track %d begins without a key frame, at %v", f.Track, f.Time)
				}
				times[f.Track] = append(times[f.Track], f.Time)
			}
			check := func(what string, got []time.Duration, want [2]time.Duration, step time.Duration) {
				if want == [2]time.Duration{} {
					if len(got) > 0 {
						t.Errorf("%s from %v", what, got[0])
					}
					return
				}
				if len(got) == 0 || got[0] != want[0] || got[len(got)-1] != want[1] || len(got) != int((want[1]-want[0])/step)+1 {
					t.Errorf("%s: %d frames, %v..., want from %v to %v", what, len(got), got[:min(1, len(got))], want[0], want[1])
				}
			}
			check("sound", times[alice.UID], tt.sound, 20*ms)
			check("picture", times[bob.UID], tt.picture, 100*ms)
			if got := log.numbers(); !slices.Equal(got, tt.read) {
				t.Errorf("segments %v are read, want %v", got, tt.read)
			}
		})
	}
}
