package playertest

import (
	"bytes"
	"testing"
	"time"

	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
	fixtures "github.com/sealtape/sealtape/testdata/media"
)

// Meeting is a recording of n segments of 5 s: Alice's sound, Bob's picture.
func Meeting(t testing.TB, n int) *Recording {
	t.Helper()
	r := NewRecording(tape.Description{ID: ID, State: "closed", Signers: []tape.Signer{{Who: "carol"}}, PostQuantum: true,
		Epochs: []tape.Epoch{{Number: 1, Opens: true, First: 0, Last: n - 1}}})
	for i := range n {
		var events []media.Event
		if i == 0 {
			events = []media.Event{{Type: media.EventStart, Text: "Stand-up"}, {Type: media.EventJoin, Participant: "alice", Name: "Alice"}}
		}
		r.Data[i] = Segment(t, i, 5*time.Second, events...)
	}
	return r
}

// Segment is one of a meeting's.
func Segment(t testing.TB, n int, length time.Duration, events ...media.Event) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := matroska.NewWriter(&b, matroska.Header{Recording: ID, Segment: n, Epoch: 1, Start: Start, Tracks: []media.Track{Alice, Bob}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := w.WriteEvent(e); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Duration(n) * length
	for at := start; at < start+length; at += 20 * time.Millisecond {
		if err := w.WriteFrame(media.Frame{Track: Alice.UID, Time: at, Data: []byte{0xf8, 0xff, 0xfe}}); err != nil {
			t.Fatal(err)
		}
		if (at-start)%(40*time.Millisecond) == 0 {
			f := media.Frame{Track: Bob.UID, Time: at, Key: at == start, Data: []byte{1, 0, 0, 0}}
			if f.Key {
				f.Data = []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 160, 0, 120, 0}
			}
			if err := w.WriteFrame(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const cameraFrame = 50 * time.Millisecond

// Cameras is a recording of 15 seconds, in segments of 2.5 s: one camera for
// each codec, and a sender of sound that pauses. Each camera is away for
// two seconds from 4 s on, until a key frame, and stands still for three
// from 9.5 s on, to go on without one.
func Cameras(t testing.TB) *Recording {
	t.Helper()
	const length = 2500 * time.Millisecond
	voice := Alice
	tracks := []media.Track{voice}
	var all []media.Frame
	for i, c := range []media.Codec{media.VP8, media.VP9, media.AV1, media.H264, media.H265} {
		track := media.Track{UID: uint64(100 + i), Participant: string(c), Source: media.Camera, Codec: c}
		at := time.Duration(0)
		for n, data := range fixtures.ClockFrames(string(c)) {
			if c == media.AV1 {
				data = bytes.TrimPrefix(data, []byte{0x12, 0})
			}
			data = media.Store(c, data)
			p := media.Describe(c, data)
			if track.Private == "" {
				track.Private = p.Private
			}
			if track.Width == 0 {
				track.Width, track.Height = p.Width, p.Height
			}
			switch n {
			case 80:
				at += 2 * time.Second
			case 150:
				at += 3 * time.Second
			}
			all = append(all, media.Frame{Track: track.UID, Time: at, Key: p.Key, Data: data})
			at += cameraFrame
		}
		tracks = append(tracks, track)
	}
	for i := range 750 {
		if i%100 < 40 || i%20 == 0 {
			all = append(all, media.Frame{Track: voice.UID, Time: time.Duration(i) * 20 * time.Millisecond, Data: []byte{0xf8, 0xff, 0xfe}})
		}
	}
	r := Meeting(t, 6)
	for n := range 6 {
		var b bytes.Buffer
		w, err := matroska.NewWriter(&b, matroska.Header{Recording: ID, Segment: n, Epoch: 1, Start: Start, Tracks: tracks})
		if err != nil {
			t.Fatal(err)
		}
		for _, track := range tracks[1:] {
			for at, kind := range map[time.Duration]media.EventType{4 * time.Second: media.EventMute, 6 * time.Second: media.EventUnmute} {
				if at/length != time.Duration(n) {
					continue
				}
				if err := w.WriteEvent(media.Event{Time: at, Type: kind, Track: track.UID}); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, f := range all {
			if f.Time/length == time.Duration(n) {
				if err := w.WriteFrame(f); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r.Data[n] = b.Bytes()
	}
	return r
}
