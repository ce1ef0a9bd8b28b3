package recorder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
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
	kind   recorder.Kind
	number int
	epoch  int
}

func (s *sink) Create(kind recorder.Kind) (recorder.Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.segments)
	if kind == recorder.Index {
		n = len(s.indexes)
	}
	s.open++
	return &object{s: s, kind: kind, number: n, epoch: max(1, s.epoch)}, nil
}

func (o *object) Write(b []byte) (int, error) {
	if o.s.look != nil && o.kind == recorder.Segment {
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
	if o.kind == recorder.Index {
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

// record runs f beside a recording of room, in a bubble of virtual time.
func record(t *testing.T, c recorder.Config, f func(room *roomtest.Room, stop func())) (*sink, recorder.Report) {
	t.Helper()
	var out *sink
	var report recorder.Report
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		c.Recording, c.Sink = "TEST", s
		if c.Notices.Start == "" {
			c.Notices.Start = "this room is being recorded"
		}
		room := roomtest.New("weekly")
		ctx, cancel := context.WithCancel(t.Context())
		var err error
		done := make(chan struct{})
		go func() {
			defer close(done)
			report, err = recorder.New(c).Record(ctx, room)
		}()
		synctest.Wait()
		f(room, cancel)
		<-done
		cancel()
		if err != nil {
			t.Errorf("Record: %v", err)
		}
		select {
		case <-room.Closed():
		default:
			t.Error("the room was not left")
		}
		if err == nil {
			s.lasts(t, report.Duration)
		}
		out = s
	})
	return out, report
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

func TestRecordKeepsEveryFrameOnOneClock(t *testing.T) {
	s, report := record(t, recorder.Config{Duration: 12 * time.Second}, func(room *roomtest.Room, _ func()) {
		room.Join("alice", "Alice")
		audio, video := room.Publish(opusInfo), room.Publish(vp8Info)
		for n := range 500 {
			audio.Send(opusPacket(n, opusPayload(n)))
			if n%2 == 0 {
				video.Send(vp8Packet(n/2, vp8Frame(n/2, n%100 == 0)))
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	frames, events, tracks := s.read(t)
	count := map[uint64]int{}
	for _, f := range frames {
		n := count[f.Track]
		count[f.Track]++
		want := []byte(nil)
		step := 20 * time.Millisecond
		if tracks[f.Track].Codec == media.Opus {
			want = opusPayload(n)
		} else {
			want, step = vp8Frame(n, n%50 == 0), 40*time.Millisecond
			if f.Key != (n%50 == 0) {
				t.Errorf("video frame %d: key is %v", n, f.Key)
			}
		}
		if !bytes.Equal(f.Data, want) {
			t.Fatalf("track %d frame %d is %x, want %x", f.Track, n, f.Data, want)
		}
		if at := time.Duration(n) * step; f.Time < at || f.Time > at+time.Millisecond {
			t.Errorf("track %d frame %d at %v, want %v", f.Track, n, f.Time, at)
		}
	}
	if count[1] != 500 || count[2] != 250 {
		t.Errorf("kept %v frames by track, want 500 and 250", count)
	}
	if len(s.segments) < 3 || len(s.segments) > 5 {
		t.Errorf("%d segments for 12 s of 5 s each", len(s.segments))
	}
	if gaps := find(events, media.EventGap); len(gaps) != 0 || report.Incomplete {
		t.Errorf("holes without loss: %v", gaps)
	}
	if tr := tracks[2]; tr.Width != 320 || tr.Height != 180 || tr.Label() != "Alice (camera)" {
		t.Errorf("video track is %+v", tr)
	}
	for _, typ := range []media.EventType{media.EventStart, media.EventAnnounced, media.EventJoin, media.EventTrack, media.EventStop} {
		if len(find(events, typ)) == 0 {
			t.Errorf("no %s in the timeline", typ)
		}
	}
	if report.Participants != 1 || report.Tracks != 2 || report.Frames != 750 || report.Reason != "duration reached" {
		t.Errorf("report: %+v", report)
	}

	if len(s.indexes) != 1 {
		t.Fatalf("%d indexes", len(s.indexes))
	}
	x, err := media.ReadIndex(bytes.NewReader(s.indexes[0]))
	if err != nil {
		t.Fatal(err)
	}
	keys := 0
	for _, seg := range x.Segments {
		for _, tr := range seg.Tracks {
			keys += len(tr.Keys)
		}
	}
	if len(x.Segments) != len(s.segments) || keys != 5 || len(x.Events) != len(events) {
		t.Errorf("index: %d segments, %d key frames, %d events; want %d, 5, %d", len(x.Segments), keys, len(x.Events), len(s.segments), len(events))
	}
}

func TestSegmentsHoldTheTracksThatAppearTogether(t *testing.T) {
	s, _ := record(t, recorder.Config{Duration: 3 * time.Second}, func(room *roomtest.Room, _ func()) {
		for i := range 30 {
			info := opusInfo
			info.ID, info.Participant = fmt.Sprint("TR_", i), fmt.Sprint("p", i)
			tr := room.Publish(info)
			for n := range 100 {
				tr.SendAt(time.Now().Add(time.Duration(n)*20*time.Millisecond), opusPacket(n, opusPayload(n)))
			}
		}
	})
	frames, _, _ := s.read(t)
	if len(frames) != 3000 {
		t.Errorf("%d frames, want 3000", len(frames))
	}
	if len(s.segments) > 3 {
		t.Errorf("30 tracks that start together cut %d segments", len(s.segments))
	}
}

func TestRepublishContinuesTheTrack(t *testing.T) {
	s, _ := record(t, recorder.Config{Duration: 9 * time.Second}, func(room *roomtest.Room, _ func()) {
		for i := range 3 {
			info := opusInfo
			info.ID, info.Wanted = fmt.Sprint("TR_", i), time.Now()
			tr := room.Publish(info)
			for n := range 50 {
				tr.Send(opusPacket(n, opusPayload(n)))
				time.Sleep(20 * time.Millisecond)
			}
			since := time.Now()
			tr.End()
			time.Sleep(time.Second)
			if i == 1 {
				room.Emit(recorder.RoomEvent{Type: media.EventReconnect, Since: since, Reason: media.ReconnectResume})
			}
		}
	})
	frames, events, tracks := s.read(t)
	if len(tracks) != 1 || len(frames) != 150 {
		t.Errorf("%d tracks with %d frames, want 1 with 150", len(tracks), len(frames))
	}
	gaps := find(events, media.EventGap)
	if len(gaps) != 1 || gaps[0].Reason != media.GapReconnect || (gaps[0].To-gaps[0].From-time.Second).Abs() > 50*time.Millisecond {
		t.Errorf("holes: %+v, want the second before the reconnect only", gaps)
	}
}

func TestStopKeepsWhatCame(t *testing.T) {
	for _, how := range []string{"stopped", "room ended"} {
		t.Run(how, func(t *testing.T) {
			s, report := record(t, recorder.Config{Notices: recorder.Notices{End: "the recording is over"}}, func(room *roomtest.Room, stop func()) {
				tr := room.Publish(opusInfo)
				for n := range 10 {
					tr.Send(opusPacket(n, opusPayload(n)))
					time.Sleep(20 * time.Millisecond)
				}
				// A packet is missing and still waited for: a stop gives it up
				// and keeps what came after it.
				time.Sleep(20 * time.Millisecond)
				tr.Send(opusPacket(11, opusPayload(11)))
				synctest.Wait()
				if how == "stopped" {
					stop()
				} else {
					room.End("room closed")
				}
				synctest.Wait()
				said := room.Announcements()
				if want := 1 + map[string]int{"stopped": 1}[how]; len(said) != want {
					t.Errorf("the room was told %q", said)
				}
			})
			frames, _, _ := s.read(t)
			if len(frames) != 11 {
				t.Errorf("%d frames, want 11", len(frames))
			}
			if !strings.Contains(report.Reason, strings.Fields(how)[0]) {
				t.Errorf("reason %q", report.Reason)
			}
		})
	}
}

func TestNothingIsKeptUnannounced(t *testing.T) {
	room := roomtest.New("weekly")
	refused := errors.New("no data channel")
	room.RefuseAnnouncements(refused)
	s := &sink{}
	_, err := recorder.New(recorder.Config{Recording: "TEST", Sink: s, Notices: recorder.Notices{Start: "recording"}}).Record(t.Context(), room)
	if !errors.Is(err, refused) || len(s.segments) != 0 {
		t.Errorf("err %v, %d segments", err, len(s.segments))
	}
	<-room.Closed()
}

func TestFullDiskEndsTheRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("no space left on device")
		s := &sink{fail: func(segment int) error {
			if segment == 1 {
				return full
			}
			return nil
		}}
		room := roomtest.New("weekly")
		tr := room.Publish(opusInfo)
		done := make(chan error)
		go func() {
			_, err := recorder.New(recorder.Config{Recording: "TEST", Sink: s, Notices: recorder.Notices{Start: "recording"}}).Record(t.Context(), room)
			done <- err
		}()
		var err error
		for n := 0; err == nil; n++ {
			tr.Send(opusPacket(n, opusPayload(n)))
			select {
			case err = <-done:
			case <-time.After(20 * time.Millisecond):
			}
		}
		if !errors.Is(err, full) {
			t.Errorf("Record: %v", err)
		}
		if len(s.segments) != 1 || s.aborted != 1 {
			t.Errorf("%d segments committed, %d aborted, want 1 and 1", len(s.segments), s.aborted)
		}
		<-room.Closed()
	})
}
