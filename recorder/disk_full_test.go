package recorder_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
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
		disk := &sink{fail: func(int) error {
			if now := time.Now(); now.After(fullFrom) && now.Before(fullTo) {
				return fmt.Errorf("write: %w", syscall.ENOSPC)
			}
			return nil
		}}
		fullFrom, fullTo = time.Now().Add(7*time.Second), time.Now().Add(15*time.Second)
		room := roomtest.New("weekly")
		rec := start(t, recorder.Config{Sink: disk, Notices: recorder.Notices{
			Start: "recording", DiskFull: "paused", DiskFree: "resumed", End: "over"}, Duration: 35 * time.Second}, room)
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
		out := rec.wait()

		// Recorded and declared are all there was, for each track.
		audioTrack, videoTrack := out.track("alice", media.Microphone), out.track("alice", media.Camera)
		for _, tr := range []*recordedTrack{audioTrack, videoTrack} {
			for i, h := range tr.holes {
				if tr.wantNoFrames(h.from+1, h.to-time.Millisecond); h.reason != []string{media.HoleSpool, media.HoleKeyFrame}[i] {
					t.Errorf("%s: holes are [%s]", tr.Label(), list(tr.holes))
				}
			}
		}
		if len(audioTrack.holes) != 1 || len(videoTrack.holes) == 0 {
			t.Fatalf("holes are [%s] and [%s]", list(audioTrack.holes), list(videoTrack.holes))
		}
		h := audioTrack.holes[0]
		if h.from < 4*time.Second || h.from > 7*time.Second || h.to < 15*time.Second || h.to > 25*time.Second {
			t.Errorf("sound is missing from %v, want from the lost segment's start to some time after 15 s", h)
		}
		if missing := int((h.to - h.from) / (20 * time.Millisecond)); len(audioTrack.frames)+missing < 1498 || len(audioTrack.frames)+missing > 1502 {
			t.Errorf("%d sounds kept and %d declared missing, of 1500", len(audioTrack.frames), missing)
		}
		first := slices.IndexFunc(videoTrack.frames, func(f media.Frame) bool { return f.Time >= 15*time.Second })
		if first < 0 || !videoTrack.frames[first].Key {
			t.Error("the picture does not begin anew with a key frame")
		}
		out.want(media.EventJoin, 2)
		out.want(media.EventLeave, 1)
		out.want(media.EventTrack, 2)
		out.want(media.EventStart, 1)
		out.want(media.EventStop, 1)
		if said := room.Announcements(); !slices.Equal(said, []string{"recording", "paused", "resumed", "over"}) {
			t.Errorf("the room was told %q", said)
		}
		out.wantIncomplete(true)
		if out.report.Holes[media.HoleSpool] == 0 {
			t.Errorf("report: %+v", out.report)
		}
		x, err := media.ReadIndex(bytes.NewReader(out.indexes[0]))
		if err != nil {
			t.Fatal(err)
		}
		if len(x.Events) != len(out.events) || len(x.Segments) != len(out.segments) {
			t.Errorf("the index has %d events and %d segments, want %d and %d", len(x.Events), len(x.Segments), len(out.events), len(out.segments))
		}
	})
}

// A disk that stays full ends in an error, and what was written before is kept.
func TestDiskThatStaysFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &sink{fail: func(segment int) error {
			if segment >= 1 {
				return syscall.ENOSPC
			}
			return nil
		}}
		room := roomtest.New("weekly")
		rec := start(t, recorder.Config{Sink: disk, Duration: 40 * time.Second}, room)
		sound(room.Publish(opusInfo), 0, 1500)
		if <-rec.done; !errors.Is(rec.err, syscall.ENOSPC) {
			t.Errorf("Record: %v", rec.err)
		}
		if len(disk.segments) != 1 {
			t.Errorf("%d segments, want the one that was written before", len(disk.segments))
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
		rec := start(t, recorder.Config{Sink: s, SegmentBytes: 64 << 10, Duration: 40 * time.Second}, room)
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
		out := rec.wait()
		out.parse()
		seen := make(map[string]int)
		for _, e := range find(out.events, media.EventJoin) {
			seen[e.Participant]++
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s came %d times", id, n)
			}
		}
		dropped := 0
		for _, e := range find(out.events, media.EventDropped) {
			dropped += e.Count
		}
		if len(seen)+dropped != joins || dropped == 0 {
			t.Errorf("%d joins are told of and %d dropped, of %d", len(seen), dropped, joins)
		}
		if hole := out.want(media.EventHole, 1)[0]; hole.Reason != media.HoleSpool {
			t.Errorf("hole: %+v", hole)
		}
	})
}

// A reader who comes as the disk is found full, while pictures wait for the next
// segment, is in the timeline like any other.
func TestReaderWhoComesAsTheDiskFills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var full atomic.Bool
		disk := &sink{fail: func(int) error {
			if full.Load() {
				return syscall.ENOSPC
			}
			return nil
		}}
		room := roomtest.New("weekly")
		rec := start(t, recorder.Config{Sink: disk, Duration: 30 * time.Second,
			Access: readers{s: disk, names: map[string]string{"ada": "Ada", "ben": "Ben"}}}, room)
		room.Join("ada", "Ada")
		cam := shoot(room, "eve", media.Camera, 10_000, 3_000, 100*time.Millisecond)
		go shoot(room, "fay", media.Camera, 10_000, 3_000, 0).run(t, 25*time.Second) // sends no key frame
		go cam.run(t, 25*time.Second)
		time.Sleep(3 * time.Second)
		for n := cam.asks.Load(); cam.asks.Load() == n; {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(250 * time.Millisecond) // its key frame waits for the next segment
		full.Store(true)
		room.Join("ben", "Ben")
		time.Sleep(3 * time.Second)
		full.Store(false)
		out := rec.wait()
		out.want(media.EventJoin, 2)
		if v := out.want(media.EventVerified, 2); v[1].Participant != "ben" {
			t.Errorf("verified: %+v", v)
		}
	})
}
