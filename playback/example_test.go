package playback_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"time"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// A transcriber wants the sound of each person, and to know where it is on the
// clock that all share. The Source is made up here; of an *archive.Recording it
// is two methods, or four with its indexes.
func ExampleOpen() {
	ctx := context.Background()
	s, err := playback.Open(ctx, meeting{}, playback.Options{Recording: recording})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Start().Format("15:04:05"), s.Duration())
	speakers := make(map[uint64]media.Track)
	for _, t := range s.Tracks() {
		if t.Codec == media.Opus {
			speakers[t.UID] = t
		}
	}

	// A decoder would take each frame's Data, here it only counts when someone
	// begins to speak after a second of silence.
	last := make(map[uint64]time.Duration)
	for f, err := range s.Frames(ctx) {
		if err != nil {
			log.Print(err) // a segment that cannot be read; the rest follows
			continue
		}
		t, ok := speakers[f.Track]
		if !ok {
			continue
		}
		if end, ok := last[f.Track]; !ok || f.Time-end > time.Second {
			fmt.Printf("%v %s\n", f.Time, t.Label())
		}
		last[f.Track] = f.Time + f.Duration
	}
	for _, m := range s.Missing() {
		fmt.Printf("%v to %v are missing: %v\n", m.From, m.To, m.Err)
	}
	// Output:
	// 09:00:00 9s
	// 0s Ada (microphone)
	// 1.2s Bob (microphone)
	// 6s Ada (microphone)
	// 4s to 6s are missing: locked
}

const recording = "01JZ0000000000000000000000"

// A meeting has four segments. The third is of other readers.
type meeting struct{}

func (meeting) Segments() []int { return []int{0, 1, 2, 3} }

func (meeting) ReadSegment(_ context.Context, n int) ([]byte, error) {
	const ada, bob = 1, 2
	switch n {
	case 0:
		return segment(n, says(ada, 0, time.Second), says(bob, 1200*time.Millisecond, 2*time.Second))
	case 1:
		return segment(n, says(bob, 2*time.Second, 4*time.Second))
	case 3:
		return segment(n, says(ada, 6*time.Second, 9*time.Second))
	}
	return nil, playback.ErrLocked
}

// says are packets of 20 ms of silence.
func says(uid uint64, from, to time.Duration) (frames []media.Frame) {
	for at := from; at < to; at += 20 * time.Millisecond {
		frames = append(frames, media.Frame{Track: uid, Time: at, Data: []byte{0xf8, 0xff, 0xfe}})
	}
	return frames
}

// segment writes a segment as a recorder does, before it is sealed.
func segment(n int, speech ...[]media.Frame) ([]byte, error) {
	var b bytes.Buffer
	w, err := matroska.NewWriter(&b, matroska.Header{
		Recording: recording, Segment: n, Epoch: 1, Start: time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC),
		Tracks: []media.Track{
			{UID: 1, Participant: "ada", Name: "Ada", Source: media.Microphone, Codec: media.Opus},
			{UID: 2, Participant: "bob", Name: "Bob", Source: media.Microphone, Codec: media.Opus},
		}})
	if err != nil {
		return nil, err
	}
	for _, frames := range speech {
		for _, f := range frames {
			if err := w.WriteFrame(f); err != nil {
				return nil, err
			}
		}
	}
	err = w.Close()
	return b.Bytes(), err
}
