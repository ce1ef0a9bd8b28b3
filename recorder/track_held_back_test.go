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
		holes []hole
	}{
		{"sent again", func(room *roomtest.Room, tr *roomtest.Track) {
			time.Sleep(10 * s)
			room.Emit(recorder.RoomEvent{Type: recorder.EventSent, TrackID: vp8Info.ID})
			pictures(tr, 50, 100, 10*s)
		}, []hole{{2 * s, 12 * s, media.HoleBandwidth}}},
		{"sent again for a moment only", func(room *roomtest.Room, tr *roomtest.Track) {
			time.Sleep(10 * s)
			room.Emit(recorder.RoomEvent{Type: recorder.EventSent, TrackID: vp8Info.ID})
			room.Emit(recorder.RoomEvent{Type: recorder.EventHeld, TrackID: vp8Info.ID})
			time.Sleep(5 * s)
		}, []hole{{2 * s, 17 * s, media.HoleBandwidth}}},
		{"not sent again", func(*roomtest.Room, *roomtest.Track) { time.Sleep(30 * s) }, []hole{{2 * s, 32 * s, media.HoleBandwidth}}},
		{"taken out of the room", func(room *roomtest.Room, tr *roomtest.Track) {
			time.Sleep(3 * s)
			tr.End()
			time.Sleep(10 * s)
		}, []hole{{2 * s, 5 * s, media.HoleBandwidth}}},
		{"muted at once", func(room *roomtest.Room, tr *roomtest.Track) {
			room.Emit(recorder.RoomEvent{Type: media.EventMute, Participant: "alice", TrackID: vp8Info.ID})
			time.Sleep(20 * s)
		}, nil},
		{"still on its way", func(room *roomtest.Room, tr *roomtest.Track) {
			pictures(tr, 50, 60, 0)
			room.Emit(recorder.RoomEvent{Type: recorder.EventSent, TrackID: vp8Info.ID})
			pictures(tr, 60, 100, 0)
		}, nil},
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
			out.track("alice", media.Camera).wantHoles(tt.holes...)
			out.wantIncomplete(len(tt.holes) > 0)
			if (report.Holes[media.HoleBandwidth] > 0) != (len(tt.holes) > 0) {
				t.Errorf("report: %+v", report)
			}
			stop := out.want(media.EventStop, 1)[0]
			for _, g := range find(out.events, media.EventHole) {
				if g.To > stop.Time {
					t.Errorf("a hole ends at %v, the recording at %v", g.To, stop.Time)
				}
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
	out.track("alice", media.Camera).wantHoles(hole{2 * s, 4 * s, media.HoleLoss},
		hole{4 * s, 7 * s, media.HoleBandwidth}, hole{7 * s, 8 * s, media.HoleLoss})
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
