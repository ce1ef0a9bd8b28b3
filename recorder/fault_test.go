package recorder_test

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// A faultyTrack panics where it should read a packet that is not there.
type faultyTrack struct{ *roomtest.Track }

func (f faultyTrack) Read() (recorder.Packet, error) {
	p, err := f.Track.Read()
	if err == nil && p.RTP == nil {
		panic("no packet")
	}
	return p, err
}

// A packet that the recorder, or its room, cannot cope with costs the track it is
// of: what comes after it is a declared hole. The tracks of others are whole.
func TestFaultCostsOneTrack(t *testing.T) {
	for name, reading := range map[string]bool{"taking": false, "reading": true} {
		t.Run(name, func(t *testing.T) {
			ada, bob := opusInfo, opusInfo
			ada.ID, ada.Participant, bob.ID, bob.Participant = "TR_ada", "ada", "TR_bob", "bob"
			s, report := record(t, recorder.Config{Duration: 9 * time.Second}, func(room *roomtest.Room, _ func()) {
				var bad *roomtest.Track
				good := room.Publish(ada)
				if !reading {
					bad = room.Publish(bob)
				} else {
					bad = roomtest.New("elsewhere").Publish(bob)
					room.Emit(recorder.RoomEvent{Type: media.EventTrack, Participant: "bob", Track: faultyTrack{bad}})
				}
				for n := range 300 {
					good.Send(opusPacket(n, opusPayload(n)))
					if n == 100 || n == 150 {
						bad.Send(nil)
					}
					bad.Send(opusPacket(n, opusPayload(n)))
					time.Sleep(20 * time.Millisecond)
				}
				bad.End()
			})
			frames, events, tracks := s.read(t)
			count := make(map[string]int)
			for _, f := range frames {
				count[tracks[f.Track].Participant]++
			}
			if count["ada"] != 300 || count["bob"] != 100 {
				t.Errorf("%d frames of ada and %d of bob, want 300 and 100", count["ada"], count["bob"])
			}
			gaps := find(events, media.EventGap)
			if len(gaps) == 0 || !report.Incomplete {
				t.Fatalf("holes %+v, incomplete %v", gaps, report.Incomplete)
			}
			end := 2 * time.Second
			for _, g := range gaps {
				if g.Reason != media.GapFault || g.Participant != "bob" || (g.From-end).Abs() > 25*time.Millisecond {
					t.Errorf("hole %+v, want one of bob's from %v on", g, end)
				}
				end = g.To
			}
			if end < 5900*time.Millisecond || end > 6100*time.Millisecond {
				t.Errorf("bob's hole ends at %v, want 6s: %+v", end, gaps)
			}
		})
	}
}

// A nameless track panics when it is asked what it is.
type namelessTrack struct{ *roomtest.Track }

func (namelessTrack) Info() recorder.TrackInfo { panic("no name") }

// What goes wrong with an event of the room costs whom it is of, and is declared;
// what happens after it is recorded.
func TestFaultCostsOneEvent(t *testing.T) {
	s, _ := record(t, recorder.Config{Duration: 4 * time.Second}, func(room *roomtest.Room, _ func()) {
		room.Emit(recorder.RoomEvent{Type: media.EventTrack, Participant: "bob", Track: namelessTrack{}})
		room.Emit(recorder.RoomEvent{Type: media.EventTrack, Participant: "bob"})
		good := room.Publish(opusInfo)
		for n := range 100 {
			good.Send(opusPacket(n, opusPayload(n)))
			time.Sleep(20 * time.Millisecond)
		}
	})
	frames, events, _ := s.read(t)
	gaps := find(events, media.EventGap)
	if len(frames) != 100 || len(gaps) != 2 || gaps[0].Reason != media.GapFault || gaps[0].Participant != "bob" {
		t.Errorf("%d frames, holes %+v", len(frames), gaps)
	}
}
