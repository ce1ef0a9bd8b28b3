package recorder

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// A memorySink keeps what is committed, and refuses what is larger than a Sink
// that seals takes.
type memorySink struct {
	segments, indexes [][]byte
}

const sinkObject = 64 << 20

type memoryObject struct {
	bytes.Buffer
	of *[][]byte
}

func (s *memorySink) CreateSegment() (Object, error) { return &memoryObject{of: &s.segments}, nil }
func (s *memorySink) CreateIndex() (Object, error)   { return &memoryObject{of: &s.indexes}, nil }

func (o *memoryObject) Write(b []byte) (int, error) {
	if o.Len()+len(b) > sinkObject {
		return 0, errors.New("object too large")
	}
	return o.Buffer.Write(b)
}

func (o *memoryObject) Number() int   { return len(*o.of) }
func (o *memoryObject) Epoch() int    { return 1 }
func (o *memoryObject) Commit() error { *o.of = append(*o.of, o.Bytes()); return nil }
func (o *memoryObject) Abort() error  { return nil }

// newTestSegmenter returns a segmenter of 5 s and maxBytes, and where it counts the
// events that it drops.
func newTestSegmenter(maxBytes int64) (*segmenter, *memorySink, map[media.EventType]int) {
	sink, dropped := &memorySink{}, make(map[media.EventType]int)
	return &segmenter{
		sink: sink, recording: "TEST", clock: &recordingClock{start: time.Unix(1e9, 0)}, length: 5 * time.Second, maxBytes: maxBytes,
		onCommit: func(int, int64) {}, onOpen: func(int) {},
		beforeOpen:   func(time.Duration) ([]media.Event, error) { return nil, nil },
		refusedItems: refusedItems{declare: func(media.Event) {}, dropped: func(_ string, t media.EventType, _ error) { dropped[t]++ }},
	}, sink, dropped
}

// contents reads all that was committed.
func (s *memorySink) contents(t testing.TB) (frames map[uint64][]media.Frame, events []media.Event) {
	t.Helper()
	frames = make(map[uint64][]media.Frame)
	for n, b := range s.segments {
		r, err := matroska.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("segment %d: %v", n, err)
		}
		for {
			b, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("segment %d: %v", n, err)
			}
			if b.Event != nil {
				events = append(events, *b.Event)
			} else {
				frames[b.Frame.Track] = append(frames[b.Frame.Track], b.Frame)
			}
		}
	}
	for n, b := range s.indexes {
		if _, err := media.ReadIndex(bytes.NewReader(b)); err != nil {
			t.Fatalf("index %d: %v", n, err)
		}
	}
	return frames, events
}

func opusTrack(uid uint64) media.Track {
	return media.Track{UID: uid, Participant: fmt.Sprintf("p%d", uid), Source: media.Microphone, Codec: media.Opus}
}

func soundAt(uid uint64, at time.Duration) item {
	return item{track: opusTrack(uid), frame: &media.Frame{Track: uid, Time: at, Duration: 20 * time.Millisecond, Key: true, Data: []byte{0xf8, 1}}}
}

// TestMoreTracksThanAHeaderLists: what finds no place in a segment has one in the
// next.
func TestMoreTracksThanAHeaderLists(t *testing.T) {
	for _, alive := range []bool{true, false} {
		s, sink, _ := newTestSegmenter(8 << 20)
		const tracks = 3*media.MaxTracks + 7
		for round := range time.Duration(3) {
			for uid := range uint64(tracks) {
				if err := s.add(soundAt(uid+1, round*20*time.Millisecond), round*20*time.Millisecond); err != nil {
					t.Fatal(err)
				}
				if !alive && round == 2 {
					if err := s.endTrack(uid+1, time.Second); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if err := s.finish(time.Second); err != nil {
			t.Fatal(err)
		}
		frames, _ := sink.contents(t)
		if len(frames) != tracks {
			t.Errorf("alive %v: %d tracks, want %d", alive, len(frames), tracks)
		}
		for uid, f := range frames {
			if len(f) != 3 {
				t.Errorf("alive %v: %d frames of track %d", alive, len(f), uid)
			}
		}
		if len(sink.segments) > 6 {
			t.Errorf("alive %v: %d segments", alive, len(sink.segments))
		}
	}
}

// TestLargestHeader: the tracks that a header can list at most, each as large as
// Check lets it be, fit into what readers take for a header.
func TestLargestHeader(t *testing.T) {
	long := strings.Repeat("é", 1000)
	var tracks []media.Track
	for uid := range uint64(media.MaxTracks) {
		tr := media.Track{UID: math.MaxUint64 - uid, Participant: long, Source: media.Source(long), Codec: media.H265,
			Width: media.MaxSide, Height: media.MaxSide, Private: strings.Repeat("p", media.MaxPrivate)}
		if err := tr.Check(); err != nil {
			t.Fatal(err)
		}
		tracks = append(tracks, tr)
	}
	var b bytes.Buffer
	if _, err := matroska.NewWriter(&b, matroska.Header{Recording: strings.Repeat("R", 26), Segment: 1e6, Epoch: 1e6, Tracks: tracks}); err != nil {
		t.Fatal(err)
	}
	r, err := matroska.NewReader(&b)
	if err != nil || len(r.Header().Tracks) != media.MaxTracks {
		t.Fatalf("read back: %v", err)
	}
}

// TestWaitingFitsItsSegments: what waits for a segment is no more than a Sink
// takes, however fast it comes.
func TestWaitingFitsItsSegments(t *testing.T) {
	s, sink, _ := newTestSegmenter(8 << 20)
	video := media.Track{UID: 1, Participant: "eve", Source: media.Camera, Codec: media.VP8}
	const frames = 12
	big := make([]byte, media.MaxFrame)
	for n := range frames {
		at := time.Duration(n) * 10 * time.Millisecond
		if err := s.add(item{track: video, frame: &media.Frame{Track: 1, Time: at, Key: true, Data: big}}, at); err != nil {
			t.Fatal(err)
		}
		if s.waiting.bytes > 17<<20 {
			t.Fatalf("%d bytes wait", s.waiting.bytes)
		}
	}
	if err := s.finish(time.Second); err != nil {
		t.Fatal(err)
	}
	for n, b := range sink.segments {
		if len(b) > 24<<20 {
			t.Errorf("segment %d has %d bytes", n, len(b))
		}
	}
	if got, _ := sink.contents(t); len(got[1]) != frames {
		t.Errorf("%d frames", len(got[1]))
	}
}

// TestIndexFits: an index is cut before it is larger than a Sink or its readers
// take, whatever is written in a room.
func TestIndexFits(t *testing.T) {
	s, sink, _ := newTestSegmenter(8 << 20)
	text := strings.Repeat("\x01", media.MaxText) // six bytes each in JSON
	const lines = 6                               // 36 MiB
	for n := range lines {
		at := time.Duration(n) * 200 * time.Millisecond
		e := media.Event{Time: at, Type: media.EventChat, Participant: "eve", Text: text}
		if err := errors.Join(s.add(item{event: &e}, at), s.add(soundAt(uint64(n%40+1), at), at)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.finish(lines * 200 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	events := 0
	for n, b := range sink.indexes {
		if len(b) > 32<<20 {
			t.Errorf("index %d has %d bytes", n, len(b))
		}
		x, err := media.ReadIndex(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("index %d: %v", n, err)
		}
		events += len(x.Events)
	}
	if events != lines || len(sink.indexes) < 2 {
		t.Errorf("%d events, %d indexes", events, len(sink.indexes))
	}
}

// FuzzSegmenter: whatever one track or one member hands to the segmenter, nothing
// fails while the Sink does not, all can be read, and every frame of another track
// is there. Each byte of a script is a step.
func FuzzSegmenter(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	f.Add(bytes.Repeat([]byte{7, 3, 40, 1}, 50))
	f.Fuzz(func(t *testing.T, script []byte) {
		script = script[:min(len(script), 200)]
		s, sink, _ := newTestSegmenter(1 << 20)
		times := []time.Duration{0, -1, -time.Hour, time.Second, 40 * 365 * 24 * time.Hour, math.MaxInt64, math.MinInt64}
		others, now := 0, time.Duration(0)
		for n, op := range script {
			arg := int(op) >> 3
			at := times[arg%len(times)]
			eve := media.Track{UID: uint64(arg%5) + 2, Participant: "eve", Codec: []media.Codec{media.VP8, media.H264, media.Opus, "x"}[arg%4],
				Width: arg << 14, Height: 1 << (arg % 20), Private: strings.Repeat("p", arg<<6), Channels: arg % 4}
			var i item
			switch op & 7 {
			case 0:
				now += time.Duration(arg) * 100 * time.Millisecond
				continue
			case 1:
				i = item{track: eve, frame: &media.Frame{Track: eve.UID, Time: at, Key: arg&1 == 0, Data: make([]byte, arg)}}
			case 2:
				i = item{track: eve, frame: &media.Frame{Track: eve.UID, Time: now, Key: arg&1 == 0, Data: make([]byte, map[int]int{30: media.MaxFrame, 31: media.MaxFrame + 1}[arg]+arg<<8)}}
			case 3:
				i = item{event: &media.Event{Time: at, From: times[n%len(times)], Count: arg - 2, Type: media.EventType(strings.Repeat("t", arg%3)), Text: strings.Repeat("\x00", arg<<10)}}
			case 4:
				if err := s.endTrack(eve.UID, now); err != nil {
					t.Fatal(err)
				}
				continue
			case 5: // another track under a number that is known
				eve.UID, eve.Codec = 7, media.VP9
				i = item{track: eve, frame: &media.Frame{Track: matroska.EventsUID, Time: now, Data: []byte{1}}}
			case 6:
				eve.UID = []uint64{0, matroska.EventsUID, math.MaxUint64}[arg%3]
				i = item{track: eve, frame: &media.Frame{Track: eve.UID, Time: now, Data: []byte{1}}}
			case 7:
				others++
				i = soundAt(1, now)
			}
			if err := s.add(i, now); err != nil {
				t.Fatalf("step %d: %v", n, err)
			}
		}
		if err := s.finish(now); err != nil {
			t.Fatal(err)
		}
		frames, _ := sink.contents(t)
		if len(frames[1]) != others {
			t.Fatalf("%d frames of another track, want %d", len(frames[1]), others)
		}
	})
}
