package playback

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
)

func TestReadSegment(t *testing.T) {
	const ms = time.Millisecond
	sound := func(at time.Duration, data string) media.Frame {
		return media.Frame{Track: alice.UID, Time: at, Duration: 20 * ms, Key: true, Data: []byte(data)}
	}
	picture := func(at time.Duration, data string) media.Frame {
		return media.Frame{Track: bob.UID, Time: at, Data: []byte(data)}
	}
	for name, tt := range map[string]struct{ in, want []media.Frame }{
		"in order":            {[]media.Frame{sound(0, "\xfc1"), picture(10*ms, "1"), sound(20*ms, "\xfc2")}, nil},
		"mixed up":            {[]media.Frame{sound(20*ms, "\xfc2"), picture(10*ms, "1"), sound(0, "\xfc1")}, []media.Frame{sound(0, "\xfc1"), picture(10*ms, "1"), sound(20*ms, "\xfc2")}},
		"sounds at one time":  {[]media.Frame{sound(0, "\xfc1"), sound(0, "\xfc2"), sound(20*ms, "\xfc3")}, []media.Frame{sound(0, "\xfc1"), sound(20*ms, "\xfc3")}},
		"pictures at a time":  {[]media.Frame{picture(0, "1"), picture(0, "2"), picture(0, "3"), picture(2*ms, "4")}, []media.Frame{picture(0, "1"), picture(1*ms, "2"), picture(2*ms, "3"), picture(3*ms, "4")}},
		"pictures, moved far": {[]media.Frame{picture(0, "1"), picture(0, "2"), sound(1*ms, "\xfc1"), picture(0, "3")}, []media.Frame{picture(0, "1"), picture(1*ms, "2"), sound(1*ms, "\xfc1"), picture(2*ms, "3")}},
		"nothing":             {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			event := media.Event{Time: 3 * ms, Type: media.EventStart, Text: "room"}
			src := &memSource{segments: map[int][]byte{4: segment(t, 4, []media.Track{alice, bob}, tt.in, event)}}
			m, err := open(t, src).ReadSegment(t.Context(), 4)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == nil {
				tt.want = tt.in
			}
			equal := func(a, b media.Frame) bool {
				return a.Track == b.Track && a.Time == b.Time && a.Key == b.Key && string(a.Data) == string(b.Data)
			}
			if !slices.EqualFunc(m.Frames, tt.want, equal) {
				t.Errorf("frames %v, want %v", m.Frames, tt.want)
			}
			if m.Number != 4 || !slices.Equal(m.Tracks, []media.Track{alice, bob}) || !slices.Equal(m.Events, []media.Event{event}) ||
				m.Size != len(src.segments[4]) || m.Torn {
				t.Errorf("%+v", m)
			}
		})
	}
}

func TestReadSegmentErrors(t *testing.T) {
	src := longMeeting(t)
	l := indexed(t, src, 12)
	s := open(t, l)
	if _, err := s.ReadSegment(t.Context(), 12); !errors.Is(err, ErrNotListed) {
		t.Errorf("no such segment: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.ReadSegment(ctx, 1); !errors.Is(err, context.Canceled) || len(s.Missing()) != 0 {
		t.Errorf("cancelled: %v, missing %v", err, s.Missing())
	}
	whole, err := s.ReadSegment(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	src.segments[2] = src.segments[2][:len(src.segments[2])/2]
	m, err := s.ReadSegment(t.Context(), 2)
	if err != nil || !m.Torn || len(m.Frames) == 0 || len(m.Frames) >= len(whole.Frames) {
		t.Errorf("torn: %+v, %v", m, err)
	}
	src.segments[3] = src.segments[4]
	src.segments[5] = segment(t, 5, []media.Track{{UID: alice.UID, Participant: "bob", Source: media.Camera, Codec: media.VP8}}, nil)
	src.segments[6] = nil
	for _, n := range []int{3, 5, 6} {
		var e *SegmentError
		if _, err := s.ReadSegment(t.Context(), n); !errors.As(err, &e) || !errors.Is(err, ErrDamaged) ||
			e.From != time.Duration(n)*5*time.Second || s.Segments()[n].State != Failed {
			t.Errorf("segment %d: %v, %+v", n, err, s.Segments()[n])
		}
	}
	if m := s.Missing(); len(m) != 4 || m[0].Number != 2 || s.Segments()[2].State != Readable || errors.Is(m[0].Err, ErrDamaged) {
		t.Errorf("missing %v", m)
	}
}

// h264Meeting is two cameras after another, 10 s each, the second from segment 2
// on, with an index.
func h264Meeting(t testing.TB) (*memLedger, []media.Track) {
	var tracks []media.Track
	var frames []media.Frame
	for i := range 2 {
		track := media.Track{UID: uint64(i + 1), Participant: "bob", Source: media.Camera, Codec: media.H264}
		for j, f := range fixtures.ClockFrames("h264") {
			f = media.Store(media.H264, f)
			p := media.Describe(media.H264, f)
			if track.Private == "" {
				track.Private, track.Width, track.Height = p.Private, p.Width, p.Height
			}
			frames = append(frames, media.Frame{Track: track.UID, Time: time.Duration(i)*10*time.Second + time.Duration(j)*50*time.Millisecond,
				Key: p.Key, Data: f})
		}
		tracks = append(tracks, track)
	}
	if tracks[0].Private == "" || len(frames) != 400 {
		t.Fatalf("%d frames, %+v", len(frames), tracks)
	}
	return indexed(t, cut(t, tracks, frames), 4), tracks
}

// TestComplete: what decoders must know is read once, of the first segment that
// can be read, and an export has it.
func TestComplete(t *testing.T) {
	l, tracks := h264Meeting(t)
	without := slices.Clone(tracks)
	for i := range without {
		without[i].Private = ""
	}
	var log readLog
	log.of(l.memSource)
	s := open(t, l)
	if got := s.Tracks(); !slices.Equal(got, without) || len(log.segments) != 0 {
		t.Errorf("tracks %+v, read %v", got, log.numbers())
	}
	if got := s.withFrames(); len(got) != 0 {
		t.Errorf("a file would take %+v", got)
	}
	l.errs = map[int]error{0: fmt.Errorf("hash: %w", ErrDamaged)}
	for range 2 {
		if err := s.Complete(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.Tracks(); !slices.Equal(got, tracks) || !maps.Equal(log.segments, map[int]int{0: 1, 2: 1}) {
			t.Errorf("tracks %+v, read %v", got, log.segments)
		}
	}

	s = open(t, l)
	r, err := ExportFile(t.Context(), s, t.TempDir()+"/a.mkv", ExportOptions{})
	if err != nil || len(r.Tracks) != 2 || len(r.Missing) != 1 {
		t.Errorf("%+v, %v", r, err)
	}

	network := errors.New("no route to host")
	l.errs = map[int]error{0: network, 1: network, 2: network, 3: network}
	s = open(t, l)
	if err := s.Complete(t.Context()); !errors.Is(err, network) {
		t.Errorf("got %v", err)
	}
	if _, err := ExportFile(t.Context(), s, t.TempDir()+"/a.mkv", ExportOptions{}); !errors.Is(err, network) {
		t.Errorf("got %v", err)
	}
	l.errs = map[int]error{0: ErrLocked, 1: ErrLocked, 2: ErrLocked, 3: ErrLocked}
	if err := s.Complete(t.Context()); err != nil || len(s.Missing()) != 4 {
		t.Errorf("got %v, missing %v", err, s.Missing())
	}
	if _, err := ExportFile(t.Context(), s, t.TempDir()+"/a.mkv", ExportOptions{}); !errors.Is(err, ErrNothing) {
		t.Errorf("got %v", err)
	}
}

// FuzzSegment: whatever one segment holds, the others play, and what it gives is
// in order.
func FuzzSegment(f *testing.F) {
	whole := synthetic(f)
	f.Add(whole.segments[1])
	others := 0
	for _, f := range syntheticFrames() {
		if f.Time < 5*time.Second || f.Time >= 10*time.Second {
			others++
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		src := &memSource{segments: maps.Clone(whole.segments)}
		src.segments[1] = data
		s := open(t, src)
		if n := len(s.Missing()); n > 1 {
			t.Fatalf("missing %v", s.Missing())
		}
		for _, seg := range s.Segments() {
			if seg.From < 0 || seg.To < seg.From || seg.State == Unlisted || seg.State == Locked || seg.State != Readable && seg.Number != 1 {
				t.Errorf("segment %+v", seg)
			}
		}
		read := 0
		if m, err := s.ReadSegment(t.Context(), 1); err == nil {
			read = len(m.Frames)
			last := make(map[uint64]time.Duration)
			for i, f := range m.Frames {
				if at, ok := last[f.Track]; ok && f.Time <= at || i > 0 && f.Time < m.Frames[i-1].Time {
					t.Fatalf("frame %d at %v", i, f.Time)
				}
				last[f.Track] = f.Time
			}
		} else if len(s.Missing()) != 1 {
			t.Errorf("not missing: %v", err)
		}
		n := 0
		for _, err := range s.Frames(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n < others+read {
			t.Errorf("%d frames, %d of them of segment 1", n, read)
		}
	})
}
