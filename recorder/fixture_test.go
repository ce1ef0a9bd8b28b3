package recorder_test

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// A sink keeps committed objects in memory and fails on demand.
type sink struct {
	mu       sync.Mutex
	segments [][]byte
	indexes  [][]byte
	aborted  int
	open     int                     // objects neither committed nor aborted
	epoch    int                     // 0 counts as 1: a sink that was not told of epochs
	epochs   []string                // who could read what, by StartEpoch
	sealedTo []int                   // epoch of each segment
	indexTo  []int                   // epoch of each index
	fail     func(segment int) error // asked at every write
	look     func(written []byte)    // is shown what is written
}

type object struct {
	bytes.Buffer
	s      *sink
	index  bool
	number int
	epoch  int
}

func (s *sink) CreateSegment() (recorder.Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	return &object{s: s, number: len(s.segments), epoch: max(1, s.epoch)}, nil
}

func (s *sink) CreateIndex() (recorder.Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	return &object{s: s, index: true, number: len(s.indexes), epoch: max(1, s.epoch)}, nil
}

func (o *object) Write(b []byte) (int, error) {
	if o.s.look != nil && !o.index {
		o.s.look(b)
	}
	if o.s.fail != nil {
		if err := o.s.fail(o.number); err != nil {
			return 0, err
		}
	}
	return o.Buffer.Write(b)
}

func (o *object) Number() int { return o.number }
func (o *object) Epoch() int  { return o.epoch }

func (o *object) Commit() error {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	o.s.open--
	if o.index {
		o.s.indexes, o.s.indexTo = append(o.s.indexes, o.Bytes()), append(o.s.indexTo, o.epoch)
	} else {
		o.s.segments, o.s.sealedTo = append(o.s.segments, o.Bytes()), append(o.s.sealedTo, o.epoch)
	}
	return nil
}

func (o *object) Abort() error {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	o.s.open--
	o.s.aborted++
	return nil
}

// read parses all segments and returns frames, events and the tracks of the
// last header that names them.
func (s *sink) read(t *testing.T) (frames []media.Frame, events []media.Event, tracks map[uint64]media.Track) {
	t.Helper()
	tracks = make(map[uint64]media.Track)
	for i, b := range s.segments {
		r, err := matroska.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("segment %d: %v", i, err)
		}
		if h := r.Header(); h.Segment != i || h.Recording != "TEST" || h.Epoch != s.sealedTo[i] {
			t.Errorf("segment %d says it is segment %d, epoch %d of %q", i, h.Segment, h.Epoch, h.Recording)
		}
		for _, tr := range r.Header().Tracks {
			tracks[tr.UID] = tr
		}
		for {
			b, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("segment %d: %v", i, err)
			}
			if b.Event != nil {
				events = append(events, *b.Event)
			} else {
				frames = append(frames, b.Frame)
			}
		}
	}
	return frames, events, tracks
}

// framesOf parses one segment.
func framesOf(t *testing.T, segment []byte) (frames []media.Frame) {
	t.Helper()
	r, err := matroska.NewReader(bytes.NewReader(segment))
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, err := r.Next()
		if err == io.EOF {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		if b.Event == nil {
			frames = append(frames, b.Frame)
		}
	}
}

func find(events []media.Event, typ media.EventType) (out []media.Event) {
	for _, e := range events {
		if e.Type == typ {
			out = append(out, e)
		}
	}
	return out
}

// A session is a recording that runs, in a bubble of virtual time.
type session struct {
	*recorder.Recorder
	t    *testing.T
	sink *sink
	stop func()
	done chan struct{}

	report recorder.Report // when done is closed
	err    error
}

// start records room, and returns when the room has been told. c needs nothing; its
// Sink is a *sink, if it has one.
func start(t *testing.T, c recorder.Config, room recorder.Room) *session {
	t.Helper()
	if c.Sink == nil {
		c.Sink = &sink{}
	}
	c.Recording, c.Notices.Start = "TEST", cmp.Or(c.Notices.Start, "this room is being recorded")
	s := &session{Recorder: recorder.New(c), t: t, sink: c.Sink.(*sink), done: make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	go func() {
		defer close(s.done)
		s.report, s.err = s.Record(ctx, room)
	}()
	synctest.Wait()
	return s
}

// wait waits for the end of a session, which must be without error.
func (s *session) wait() *recorded {
	s.t.Helper()
	<-s.done
	s.stop()
	if s.err != nil {
		s.t.Fatalf("Record: %v", s.err)
	}
	return &recorded{sink: s.sink, t: s.t, report: s.report}
}

// soFar is what a session has committed until now.
func (s *session) soFar() *recorded {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	out := &recorded{sink: s.sink, t: s.t}
	out.parse()
	return out
}

// end stops a session, and waits for its end.
func (s *session) end() *recorded {
	s.t.Helper()
	s.stop()
	return s.wait()
}

// record runs f beside a recording of room, in a bubble of virtual time.
func record(t *testing.T, c recorder.Config, f func(room *roomtest.Room, stop func())) (*recorded, recorder.Report) {
	t.Helper()
	var out *recorded
	synctest.Test(t, func(t *testing.T) {
		room := roomtest.New("weekly")
		s := start(t, c, room)
		f(room, s.stop)
		out = s.wait()
		select {
		case <-room.Closed():
		default:
			t.Error("the room was not left")
		}
		out.lasts(t, out.report.Duration)
	})
	if out == nil {
		t.FailNow()
	}
	out.t = t
	return out, out.report
}

// lasts checks that readers find a recording as long as its recorder reports it.
func (s *sink) lasts(t *testing.T, reported time.Duration) {
	t.Helper()
	var segments []media.IndexSegment
	var events []media.Event
	for _, b := range s.indexes {
		x, err := media.ReadIndex(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		segments, events = append(segments, x.Segments...), append(events, x.Events...)
	}
	if end := media.End(segments, events); end != reported {
		t.Errorf("the recorder reports %v, readers find %v", reported, end)
	}
}

var opusInfo = recorder.TrackInfo{ID: "TR_a", Participant: "alice", Name: "Alice", Source: media.Microphone,
	Codec: media.Opus, ClockRate: 48000, Channels: 2}
var vp8Info = recorder.TrackInfo{ID: "TR_v", Participant: "alice", Name: "Alice", Source: media.Camera,
	Codec: media.VP8, ClockRate: 90000}

func encrypted(i recorder.TrackInfo) recorder.TrackInfo { i.Encrypted = true; return i }

// opusPacket makes the nth 20 ms packet of a track.
func opusPacket(n int, payload []byte) *rtp.Packet {
	return &rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: 111, SequenceNumber: uint16(65530 + n), Timestamp: uint32(4294960000 + 960*n), SSRC: 1},
		Payload: payload,
	}
}

func opusPayload(n int) []byte { return []byte{0xf8, byte(n), byte(n >> 8), 7} }

func vp8Frame(n int, key bool) []byte {
	b := []byte{0x11, 0, 0, byte(n), byte(n >> 8), 1, 2, 3, 4, 5, 6}
	if key {
		b = []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00, byte(n), byte(n >> 8)}
	}
	return b
}

// vp8Packet makes the one packet of the nth frame, 40 ms apart.
func vp8Packet(n int, payload []byte) *rtp.Packet {
	return &rtp.Packet{
		Header: rtp.Header{Version: 2, PayloadType: 96, Marker: true, SequenceNumber: uint16(100 + n),
			Timestamp: uint32(1000 + 3600*n), SSRC: 2},
		Payload: append([]byte{0x10}, payload...), // descriptor: start of partition 0
	}
}

// sound sends packets from to to, 20 ms apart.
func sound(tr *roomtest.Track, from, to int) {
	for n := from; n < to; n++ {
		tr.Send(opusPacket(n, opusPayload(n)))
		time.Sleep(20 * time.Millisecond)
	}
}

// lose loses the room now, with the tracks that are in it.
func lose(room *roomtest.Room, tracks ...*roomtest.Track) time.Time {
	room.Emit(recorder.RoomEvent{Type: media.EventLost})
	for _, tr := range tracks {
		tr.End()
	}
	return time.Now()
}

func back(room *roomtest.Room, since time.Time) {
	room.Emit(recorder.RoomEvent{Type: media.EventReconnect, Since: since, Reason: media.ReconnectRejoin})
}
