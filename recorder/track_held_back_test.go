package recorder_test

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// What the server does not send for want of bandwidth is a hole, until it sends it
// again, or until the end; a sender's own silence meanwhile is none.
func TestHeldTracksAreHoles(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name  string
		after func(room *roomtest.Room, tr *roomtest.Track) // at 2 s, when it is held
		from  time.Duration
		to    time.Duration // 0: there is no hole
	}{
		{"sent again", func(room *roomtest.Room, tr *roomtest.Track) {
			time.Sleep(10 * s)
			room.Emit(recorder.RoomEvent{Type: recorder.EventSent, TrackID: vp8Info.ID})
			pictures(tr, 50, 100, 10*s)
		}, 2 * s, 12 * s},
		{"sent again for a moment only", func(room *roomtest.Room, tr *roomtest.Track) {
			time.Sleep(10 * s)
			room.Emit(recorder.RoomEvent{Type: recorder.EventSent, TrackID: vp8Info.ID})
			room.Emit(recorder.RoomEvent{Type: recorder.EventHeld, TrackID: vp8Info.ID})
			time.Sleep(5 * s)
		}, 2 * s, 17 * s},
		{"not sent again", func(*roomtest.Room, *roomtest.Track) { time.Sleep(30 * s) }, 2 * s, 32 * s},
		{"taken out of the room", func(room *roomtest.Room, tr *roomtest.Track) {
			time.Sleep(3 * s)
			tr.End()
			time.Sleep(10 * s)
		}, 2 * s, 5 * s},
		{"muted at once", func(room *roomtest.Room, tr *roomtest.Track) {
			room.Emit(recorder.RoomEvent{Type: media.EventMute, Participant: "alice", TrackID: vp8Info.ID})
			time.Sleep(20 * s)
		}, 0, 0},
		{"still on its way", func(room *roomtest.Room, tr *roomtest.Track) {
			pictures(tr, 50, 60, 0)
			room.Emit(recorder.RoomEvent{Type: recorder.EventSent, TrackID: vp8Info.ID})
			pictures(tr, 60, 100, 0)
		}, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, report := record(t, recorder.Config{}, func(room *roomtest.Room, stop func()) {
				room.Join("alice", "Alice")
				tr := room.Publish(vp8Info)
				pictures(tr, 0, 50, 0)
				room.Emit(recorder.RoomEvent{Type: recorder.EventHeld, TrackID: vp8Info.ID})
				room.Emit(recorder.RoomEvent{Type: recorder.EventHeld, TrackID: "TR_of_nobody"})
				tt.after(room, tr)
				stop()
			})
			_, events, _ := out.read(t)
			gaps := whole(events, 1)
			if tt.to == 0 {
				if len(gaps) != 0 || report.Incomplete {
					t.Errorf("holes: %+v", gaps)
				}
				return
			}
			if len(gaps) != 1 || gaps[0].Reason != media.GapBandwidth || !within(gaps[0], tt.from, tt.to) {
				t.Errorf("holes are %+v, want one from %v to %v", gaps, tt.from, tt.to)
			}
			if report.Holes[media.GapBandwidth] == 0 || !report.Incomplete {
				t.Errorf("report: %+v", report)
			}
			if stop := find(events, media.EventStop); len(stop) != 1 || gaps[0].To > stop[0].Time {
				t.Errorf("a hole ends at %v, the recording at %+v", gaps[0].To, stop)
			}
		})
	}
}

// What was lost before the server gave up to send it was lost.
func TestHeldAfterLosses(t *testing.T) {
	const s = time.Second
	out, _ := record(t, recorder.Config{}, func(room *roomtest.Room, stop func()) {
		tr := room.Publish(vp8Info)
		pictures(tr, 0, 50, 0)
		tr.Send(vp8Packet(51, vp8Frame(51, false))) // the one before is lost
		time.Sleep(2 * s)
		room.Emit(recorder.RoomEvent{Type: recorder.EventHeld, TrackID: vp8Info.ID})
		time.Sleep(3 * s)
		room.Emit(recorder.RoomEvent{Type: recorder.EventSent, TrackID: vp8Info.ID})
		time.Sleep(s)
		pictures(tr, 100, 150, 4*s)
		stop()
	})
	_, events, _ := out.read(t)
	gaps := whole(events, 1)
	if len(gaps) != 3 || gaps[0].Reason != media.GapLoss || !within(gaps[0], 2*s, 4*s) ||
		gaps[1].Reason != media.GapBandwidth || !within(gaps[1], 4*s, 7*s) || gaps[2].Reason != media.GapLoss || !within(gaps[2], 7*s, 8*s) {
		t.Errorf("holes: %+v", gaps)
	}
}

// pictures sends the pictures from to to, 40 ms apart, taken so much later than the
// ones before; each 50th is a key frame.
func pictures(tr *roomtest.Track, from, to int, later time.Duration) {
	for n := from; n < to; n++ {
		p := vp8Packet(n, vp8Frame(n, n%50 == 0))
		p.Timestamp += uint32(later.Seconds() * 90000)
		tr.Send(p)
		time.Sleep(40 * time.Millisecond)
	}
}
