package recorder_test

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

func TestEndsWhenNobodyIsThere(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name   string
		c      recorder.Config
		f      func(room *roomtest.Room)
		reason string
		after  time.Duration
	}{
		{"nobody came", recorder.Config{Wait: 10 * s}, func(*roomtest.Room) {}, "nobody came", 10 * s},
		{"only an agent came", recorder.Config{Wait: 10 * s}, func(room *roomtest.Room) {
			room.Emit(recorder.RoomEvent{Type: media.EventJoin, Participant: "agent", Machine: true})
		}, "nobody came", 10 * s},
		{"all left", recorder.Config{Wait: 10 * s, Grace: 20 * s}, func(room *roomtest.Room) {
			time.Sleep(5 * s)
			room.Join("alice", "Alice")
			room.Emit(recorder.RoomEvent{Type: media.EventJoin, Participant: "agent", Machine: true})
			time.Sleep(10 * s)
			room.Leave("alice")
		}, "everybody has left", 35 * s},
		{"all left, at once", recorder.Config{Grace: 1}, func(room *roomtest.Room) {
			room.Join("alice", "Alice")
			time.Sleep(5 * s)
			room.Leave("alice")
		}, "everybody has left", 5 * s},
		{"one came back in time", recorder.Config{Grace: 20 * s, Duration: 60 * s}, func(room *roomtest.Room) {
			room.Join("alice", "Alice")
			time.Sleep(5 * s)
			room.Leave("alice")
			time.Sleep(15 * s)
			room.Join("ben", "Ben")
		}, "duration reached", 60 * s},
		{"the room was made anew, and all left again", recorder.Config{Grace: 20 * s}, func(room *roomtest.Room) {
			room.Join("alice", "Alice")
			time.Sleep(5 * s)
			room.Leave("alice")
			time.Sleep(5 * s)
			room.Emit(recorder.RoomEvent{Type: media.EventLost})
			room.Emit(recorder.RoomEvent{Type: media.EventReconnect, Since: time.Now(), Reason: media.ReconnectRejoin})
			time.Sleep(5 * s)
			room.Join("alice", "Alice")
			time.Sleep(30 * s)
			room.Leave("alice")
		}, "everybody has left", 65 * s},
		{"nobody minds", recorder.Config{Duration: 600 * s, Grace: recorder.Never}, func(room *roomtest.Room) {
			room.Join("alice", "Alice")
			room.Leave("alice")
		}, "duration reached", 600 * s},
		{"all left, as a rule", recorder.Config{}, func(room *roomtest.Room) {
			room.Join("alice", "Alice")
			time.Sleep(5 * s)
			room.Leave("alice")
		}, "everybody has left", 125 * s},
		{"nobody minds for a while", recorder.Config{Duration: 60 * s}, func(room *roomtest.Room) {
			room.Join("alice", "Alice")
			room.Leave("alice")
		}, "duration reached", 60 * s},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, report := record(t, tt.c, func(room *roomtest.Room, _ func()) { tt.f(room) })
			if report.Reason != tt.reason || (report.Duration-tt.after).Abs() > 100*time.Millisecond {
				t.Errorf("ended after %v: %q, want after %v: %q", report.Duration, report.Reason, tt.after, tt.reason)
			}
		})
	}
}
