package recorder_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// TestFullDiskPausesAndResumes fills the disk in the middle of a segment for
// eight seconds. What that costs is declared to the frame, nothing that happened
// in the room is forgotten or told twice, and pictures begin anew.
func TestFullDiskPausesAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fullFrom, fullTo time.Time
		s := &sink{fail: func(int) error {
			if now := time.Now(); now.After(fullFrom) && now.Before(fullTo) {
				return fmt.Errorf("write: %w", syscall.ENOSPC)
			}
			return nil
		}}
		fullFrom, fullTo = time.Now().Add(7*time.Second), time.Now().Add(15*time.Second)
		room := roomtest.New("weekly")
		type result struct {
			report recorder.Report
			err    error
		}
		done := make(chan result)
		go func() {
			report, err := recorder.New(recorder.Config{Recording: "TEST", Sink: s, Notices: recorder.Notices{
				Start: "recording", DiskFull: "paused", DiskFree: "resumed", End: "over"}, Duration: 35 * time.Second}).Record(t.Context(), room)
			done <- result{report, err}
		}()
		synctest.Wait()
		room.Join("alice", "Alice")
		audio, video := room.Publish(opusInfo), room.Publish(vp8Info)
		for n := range 1500 {
			audio.Send(opusPacket(n, opusPayload(n)))
			if n%2 == 0 {
				video.Send(vp8Packet(n/2, vp8Frame(n/2, n%200 == 0))) // a key frame every 4 s
			}
			switch n {
			case 300:
				room.Join("bob", "Bob") // in the segment that will be lost
			case 500:
				room.Leave("bob") // while there is no room
			}
			time.Sleep(20 * time.Millisecond)
		}
		r := <-done
		if r.err != nil {
			t.Fatal(r.err)
		}
		frames, events, tracks := s.read(t)

		holes := make(map[media.Codec][2]time.Duration)
		for _, g := range find(events, media.EventGap) {
			if g.Reason != media.GapSpool && g.Reason != media.GapKeyFrame {
				t.Errorf("hole %+v", g)
			}
			codec := tracks[g.Track].Codec
			h, seen := holes[codec]
			if !seen || g.From < h[0] {
				h[0] = g.From
			}
			h[1] = max(h[1], g.To)
			holes[codec] = h
		}
		a := holes[media.Opus]
		if a[0] < 4*time.Second || a[0] > 7*time.Second || a[1] < 15*time.Second || a[1] > 25*time.Second {
			t.Errorf("sound is missing from %v to %v, want from the lost segment's start to some time after 15 s", a[0], a[1])
		}
		// Recorded and declared are all there was, for each track.
		for _, f := range frames {
			h := holes[tracks[f.Track].Codec]
			if f.Time > h[0] && f.Time < h[1]-time.Millisecond {
				t.Errorf("%s frame at %v, in the declared hole %v", tracks[f.Track].Codec, f.Time, h)
			}
		}
		var sounds int
		for _, f := range frames {
			if tracks[f.Track].Codec == media.Opus {
				sounds++
			}
		}
		if missing := (a[1] - a[0]) / (20 * time.Millisecond); sounds+int(missing) < 1498 || sounds+int(missing) > 1502 {
			t.Errorf("%d sounds kept and %d declared missing, of 1500", sounds, missing)
		}
		first := slices.IndexFunc(frames, func(f media.Frame) bool {
			return tracks[f.Track].Codec == media.VP8 && f.Time >= 15*time.Second
		})
		if first < 0 || !frames[first].Key {
			t.Error("the picture does not begin anew with a key frame")
		}
		for typ, want := range map[media.EventType]int{media.EventJoin: 2, media.EventLeave: 1, media.EventTrack: 2, media.EventStart: 1, media.EventStop: 1} {
			if got := len(find(events, typ)); got != want {
				t.Errorf("%d %s events, want %d", got, typ, want)
			}
		}
		if said := room.Announcements(); !slices.Equal(said, []string{"recording", "paused", "resumed", "over"}) {
			t.Errorf("the room was told %q", said)
		}
		if !r.report.Incomplete || r.report.Holes[media.GapSpool] == 0 {
			t.Errorf("report: %+v", r.report)
		}
		x, err := media.ReadIndex(bytes.NewReader(s.indexes[0]))
		if err != nil {
			t.Fatal(err)
		}
		if len(x.Events) != len(events) || len(x.Segments) != len(s.segments) {
			t.Errorf("the index has %d events and %d segments, want %d and %d", len(x.Events), len(x.Segments), len(events), len(s.segments))
		}
	})
}

// A disk that stays full ends in an error, and what was written before is kept.
func TestDiskThatStaysFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{fail: func(segment int) error {
			if segment >= 1 {
				return syscall.ENOSPC
			}
			return nil
		}}
		room := roomtest.New("weekly")
		done := make(chan error)
		go func() {
			_, err := recorder.New(recorder.Config{Recording: "TEST", Sink: s, Notices: recorder.Notices{Start: "recording"}, Duration: 40 * time.Second}).Record(t.Context(), room)
			done <- err
		}()
		tr := room.Publish(opusInfo)
		for n := range 1500 {
			tr.Send(opusPacket(n, opusPayload(n)))
			time.Sleep(20 * time.Millisecond)
		}
		if err := <-done; !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Record: %v", err)
		}
		if len(s.segments) != 1 {
			t.Errorf("%d segments, want the one that was written before", len(s.segments))
		}
	})
}

// TestFullDiskHoldsSoMuch: what happens while the disk is full is told when there is
// room, in as many segments as it takes, and what is too much is counted. A second
// failure in the middle of that loses nothing and tells nothing twice.
func TestFullDiskHoldsSoMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		segments := 0
		s := &sink{}
		s.fail = func(int) error {
			switch since := time.Since(begin); {
			case since > 3*time.Second && since < 9*time.Second:
				return fmt.Errorf("write: %w", syscall.ENOSPC)
			case since >= 9*time.Second && since < 14*time.Second:
				// Room for one more segment, and then none for a while.
				if segments = max(segments, len(s.segments)+1); len(s.segments) >= segments {
					return fmt.Errorf("write: %w", syscall.ENOSPC)
				}
			}
			return nil
		}
		room := roomtest.New("weekly")
		done := make(chan error)
		go func() {
			_, err := recorder.New(recorder.Config{Recording: "TEST", Sink: s, Notices: recorder.Notices{Start: "recording"}, SegmentBytes: 64 << 10,
				Duration: 40 * time.Second}).Record(t.Context(), room)
			done <- err
		}()
		synctest.Wait()
		audio := room.Publish(opusInfo)
		const joins = 5000
		for n := range 1500 {
			audio.Send(opusPacket(n, opusPayload(n)))
			if n == 250 {
				for i := range joins {
					room.Join(fmt.Sprintf("m%04d", i), string(bytes.Repeat([]byte{'n'}, 200)))
				}
			}
			time.Sleep(20 * time.Millisecond)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		_, events, _ := s.read(t)
		seen := make(map[string]int)
		for _, e := range find(events, media.EventJoin) {
			seen[e.Participant]++
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s came %d times", id, n)
			}
		}
		dropped := 0
		for _, e := range find(events, media.EventDropped) {
			dropped += e.Count
		}
		if len(seen)+dropped != joins || dropped == 0 {
			t.Errorf("%d joins are told of and %d dropped, of %d", len(seen), dropped, joins)
		}
		if gaps := find(events, media.EventGap); len(gaps) != 1 || gaps[0].Reason != media.GapSpool {
			t.Errorf("holes: %+v", gaps)
		}
	})
}
