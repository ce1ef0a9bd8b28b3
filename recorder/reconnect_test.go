package recorder_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// comesBack publishes Alice's microphone again, unmuted, and speaks for a second.
func comesBack(room *roomtest.Room) {
	info := opusInfo
	info.ID, info.Wanted = "TR_2", time.Now()
	sound(room.Publish(info), 0, 50)
}

// Whoever was recorded when the room was lost, two seconds after the beginning, is
// missing until the recorder is back, or until their track is.
func TestAbsenceIsDeclared(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name    string
		script  func(room *roomtest.Room, since time.Time)
		to      time.Duration // the end of the hole
		returns bool
	}{
		{"comes back", func(room *roomtest.Room, since time.Time) {
			time.Sleep(3 * s)
			back(room, since)
			time.Sleep(s)
			comesBack(room)
		}, 6 * s, true},
		{"does not come back", func(room *roomtest.Room, since time.Time) {
			time.Sleep(3 * s)
			back(room, since)
			time.Sleep(2 * s)
		}, 5 * s, true},
		{"comes much later", func(room *roomtest.Room, since time.Time) {
			time.Sleep(3 * s)
			back(room, since)
			time.Sleep(30 * s)
			comesBack(room)
		}, 5 * s, true},
		{"not back at the end", func(*roomtest.Room, time.Time) { time.Sleep(5 * s) }, 7 * s, false},
		{"lost for good", func(room *roomtest.Room, _ time.Time) {
			time.Sleep(4 * s)
			room.End("it was lost")
		}, 6 * s, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, report := record(t, recorder.Config{}, func(room *roomtest.Room, stop func()) {
				room.Join("alice", "Alice")
				tr := room.Publish(opusInfo)
				sound(tr, 0, 100)
				tt.script(room, lose(room, tr))
				stop()
			})
			out.wantTracks(1)
			out.track("alice", media.Microphone).wantHole(2*s, tt.to, media.HoleReconnect)
			out.wantIncomplete(true)
			if lost := out.want(media.EventLost, 1)[0]; (lost.From - 2*s).Abs() > near {
				t.Errorf("lost: %+v", lost)
			}
			if !tt.returns {
				out.want(media.EventReconnect, 0)
			} else if came := out.want(media.EventReconnect, 1)[0]; (came.From-2*s).Abs() > near || (came.To-5*s).Abs() > near || came.Reason != media.ReconnectRejoin {
				t.Errorf("came back: %+v", came)
			}
			out.want(media.EventJoin, 1)
			out.want(media.EventLeave, 0)
			if ended := tt.name == "lost for good"; errors.Is(report.Cause, recorder.ErrEnded) != ended {
				t.Errorf("the cause is %v", report.Cause)
			}
		})
	}
}

// What was taken out of the room, or went with who published it, before the
// recorder was away is not missing when it comes back after that.
// One of two servers of a room is lost for three seconds: who is received from there is missing,
// and nobody else.
func TestAbsenceOfAServer(t *testing.T) {
	const s = time.Second
	out, _ := record(t, recorder.Config{}, func(room *roomtest.Room, stop func()) {
		room.Join("alice", "Alice")
		room.Join("bob", "Bob")
		info := opusInfo
		info.Server = "one.example"
		lost := room.Publish(info)
		info.ID, info.Participant, info.Server = "TR_B", "bob", "two.example"
		other := room.Publish(info)
		go sound(other, 0, 350)
		sound(lost, 0, 100)
		room.Emit(recorder.RoomEvent{Type: media.EventLost, Server: "one.example"})
		since := time.Now()
		lost.End()
		time.Sleep(3 * s)
		room.Emit(recorder.RoomEvent{Type: media.EventReconnect, Server: "one.example", Since: since, Reason: media.ReconnectRejoin})
		time.Sleep(s)
		again := opusInfo
		again.ID, again.Server, again.Wanted = "TR_2", "one.example", time.Now()
		sound(room.Publish(again), 0, 50)
		stop()
	})
	out.wantTracks(2)
	out.track("alice", media.Microphone).wantHole(2*s, 6*s, media.HoleReconnect)
	out.track("bob", media.Microphone).wantHoles()
	if lost := out.want(media.EventLost, 1)[0]; lost.Text != "one.example" {
		t.Errorf("lost: %+v", lost)
	}
	if came := out.want(media.EventReconnect, 1)[0]; came.Text != "one.example" || (came.To-5*s).Abs() > near {
		t.Errorf("came back: %+v", came)
	}
}

func TestAbsenceOfWhatHadEnded(t *testing.T) {
	const s = time.Second
	for _, how := range []string{media.ReconnectResume, media.ReconnectRejoin} {
		t.Run(how, func(t *testing.T) {
			out, _ := record(t, recorder.Config{}, func(room *roomtest.Room, stop func()) {
				room.Join("alice", "Alice")
				tr := room.Publish(opusInfo)
				sound(tr, 0, 100)
				tr.End()
				room.Leave("alice")
				time.Sleep(20 * s)
				since := time.Now()
				if how == media.ReconnectRejoin {
					lose(room)
				}
				time.Sleep(s)
				room.Emit(recorder.RoomEvent{Type: media.EventReconnect, Since: since, Reason: how})
				time.Sleep(20 * s)
				room.Join("alice", "Alice")
				comesBack(room)
				stop()
			})
			out.wantTracks(1)
			out.track("alice", media.Microphone).wantHoles()
			out.wantIncomplete(false)
		})
	}
}

// A muted track misses nothing while it stays muted; when it comes back
// unmuted nobody knows since when it was.
func TestAbsenceOfMutedTrack(t *testing.T) {
	const s = time.Second
	mute := func(room *roomtest.Room, id string, typ media.EventType) {
		room.Emit(recorder.RoomEvent{Type: typ, Participant: "alice", TrackID: id})
	}
	for _, tt := range []struct {
		name    string
		returns func(room *roomtest.Room)
		holes   []hole
	}{
		{"still muted", func(room *roomtest.Room) {
			info := opusInfo
			info.ID = "TR_2"
			tr := room.Publish(info)
			mute(room, "TR_2", media.EventMute)
			time.Sleep(3 * s)
			mute(room, "TR_2", media.EventUnmute)
			sound(tr, 0, 50)
		}, nil},
		{"unmuted meanwhile", comesBack, []hole{{12 * s, 15 * s, media.HoleReconnect}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, _ := record(t, recorder.Config{}, func(room *roomtest.Room, stop func()) {
				tr := room.Publish(opusInfo)
				sound(tr, 0, 100)
				mute(room, opusInfo.ID, media.EventMute)
				time.Sleep(10 * s)
				since := lose(room, tr)
				time.Sleep(3 * s)
				back(room, since)
				tt.returns(room)
				stop()
			})
			out.wantTracks(1)
			out.track("alice", media.Microphone).wantHoles(tt.holes...)
			out.wantIncomplete(len(tt.holes) > 0)
			out.want(media.EventUnmute, 1)
		})
	}
}

// A track that is published again continues the one before. What ended by itself before
// an absence is not missing; what ended with it is.
func TestRepublishContinuesTheTrack(t *testing.T) {
	out, _ := record(t, recorder.Config{Duration: 9 * time.Second}, func(room *roomtest.Room, _ func()) {
		for _, id := range []string{"TR_0", "TR_1", "TR_2"} {
			info := opusInfo
			info.ID, info.Wanted = id, time.Now()
			tr := room.Publish(info)
			sound(tr, 0, 50)
			since := time.Now()
			tr.End()
			time.Sleep(time.Second)
			if id == "TR_1" {
				room.Emit(recorder.RoomEvent{Type: media.EventReconnect, Since: since, Reason: media.ReconnectResume})
			}
		}
	})
	out.wantTracks(1)
	out.track("alice", media.Microphone).wantFrames(150).wantHole(3*time.Second, 4*time.Second, media.HoleReconnect)
}
