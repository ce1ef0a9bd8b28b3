package recorder

import (
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// A stillTrack is one of which nothing comes.
type stillTrack struct{ info TrackInfo }

func (s stillTrack) Info() TrackInfo     { return s.info }
func (stillTrack) Read() (Packet, error) { return Packet{}, io.EOF }
func (stillTrack) RequestKeyFrame()      {}

// Others look at a track that begins, or breaks off, meanwhile. What they look at is theirs to
// read, as the race detector sees it.
func TestTrackIsLookedAt(t *testing.T) {
	info := TrackInfo{ID: "TR_1", Participant: "ada", Source: media.Microphone, Codec: media.Opus, ClockRate: 48000, Encrypted: true}
	c := New(Config{Keys: SharedKeys(frame.NewKeyring(0, frame.KeyOptions{})), Log: slog.New(slog.DiscardHandler)}).config
	r := newRun(c, struct{ Room }{})
	r.clock = startClock(func() time.Duration { return 0 })
	from := stillTrack{info}
	rec, s, _, _ := r.tracks.place(from, info, 0, func(m media.Track) *trackRecorder { return newTrack(r, from, info, m) })
	began := time.Now().Add(-time.Minute)
	for n := range 4 {
		rec.opening.failed(began.Add(time.Duration(n)*time.Second), media.HoleAuth, []byte("a frame"))
	}
	w := newUnopenedReporter(r)
	defer w.stop()
	var all sync.WaitGroup
	for _, f := range []func(){
		func() { rec.begin(s, 0) },
		func() { rec.contain(func() { panic("a fault") }) },
		func() { w.check([]*trackRecorder{rec}, time.Now()) },
		func() {
			r.transcribed(RoomEvent{Type: media.EventTranscription, Participant: "ada", TrackID: info.ID, Segment: "1", Text: "hello"}, 10*time.Second)
		},
	} {
		all.Go(f)
	}
	all.Wait()
	if w.current[rec] == nil {
		t.Error("that it does not open was not seen")
	}
	for {
		select {
		case i := <-r.queue.items:
			if i.event != nil && i.event.Type == media.EventTranscription && i.event.Track != rec.uid {
				t.Errorf("it was said on track %d", i.event.Track)
			}
			continue
		default:
		}
		break
	}
}
