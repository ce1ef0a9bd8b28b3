package recorder_test

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
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
	for _, tt := range []struct {
		name    string
		reading bool
	}{{"taking", false}, {"reading", true}} {
		t.Run(tt.name, func(t *testing.T) {
			ada, bob := opusInfo, opusInfo
			ada.ID, ada.Participant, bob.ID, bob.Participant = "TR_ada", "ada", "TR_bob", "bob"
			out, _ := record(t, recorder.Config{Duration: 9 * time.Second}, func(room *roomtest.Room, _ func()) {
				var bad *roomtest.Track
				good := room.Publish(ada)
				if !tt.reading {
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
			out.track("ada", media.Microphone).wantFrames(300).wantHoles()
			out.track("bob", media.Microphone).wantFrames(100).wantHole(2*time.Second, 6*time.Second, media.HoleFault)
			out.wantIncomplete(true)
		})
	}
}

// A nameless track panics when it is asked what it is.
type namelessTrack struct{ *roomtest.Track }

func (namelessTrack) Info() recorder.TrackInfo { panic("no name") }

// What goes wrong with an event of the room costs whom it is of, and is declared;
// what happens after it is recorded.
func TestFaultCostsOneEvent(t *testing.T) {
	out, _ := record(t, recorder.Config{Duration: 4 * time.Second}, func(room *roomtest.Room, _ func()) {
		room.Emit(recorder.RoomEvent{Type: media.EventTrack, Participant: "bob", Track: namelessTrack{}})
		room.Emit(recorder.RoomEvent{Type: media.EventTrack, Participant: "bob"})
		sound(room.Publish(opusInfo), 0, 100)
	})
	out.track("alice", media.Microphone).wantFrames(100).wantHoles()
	for _, hole := range out.want(media.EventHole, 2) {
		if hole.Reason != media.HoleFault || hole.Participant != "bob" {
			t.Errorf("hole: %+v", hole)
		}
	}
}

// A faultyRoom panics where its function does, which is asked before each method by
// its name.
type faultyRoom struct {
	*roomtest.Room
	fault func(method string)
}

func (r faultyRoom) Accept(ctx context.Context) (recorder.RoomEvent, error) {
	r.fault("Accept")
	return r.Room.Accept(ctx)
}

func (r faultyRoom) Waiting() []recorder.TrackInfo {
	r.fault("Waiting")
	return []recorder.TrackInfo{{ID: "TR_none", Participant: "bob", Source: media.Camera, Wanted: time.Now()}}
}

// A faultyAccess cannot tell whether bob reads.
type faultyAccess struct{}

func (faultyAccess) Reader(identity string) (name, how string, ok bool) {
	if identity == "bob" {
		panic("a fault")
	}
	return identity, media.VerifiedByOperator, true
}

func (faultyAccess) StartEpoch([]string) ([]string, error) { return nil, nil }

func (faultyAccess) Stale() bool { return false }

// What goes wrong beside the tracks, by whatever goroutine and as often as it likes,
// costs nobody anything that has nothing to do with it.
func TestFaultCostsNobodyElse(t *testing.T) {
	often := func(where string) func(string) {
		var n atomic.Int64
		return func(method string) {
			if method == where && n.Add(1)%3 == 0 {
				panic("a fault")
			}
		}
	}
	for _, tt := range []struct {
		name   string
		room   func(method string)
		sink   func([]byte)
		config func(*recorder.Config)
	}{
		{name: "the room's events", room: often("Accept")},
		{name: "what is waited for", room: often("Waiting")},
		{name: "an event that is written", sink: func(b []byte) {
			if bytes.Contains(b, []byte("bob says")) {
				panic("a fault")
			}
		}},
		{name: "who reads", config: func(c *recorder.Config) { c.Access = faultyAccess{} }},
		{name: "a frame that is written", sink: func(b []byte) {
			if bytes.Contains(b, []byte("bob's")) {
				panic("a fault")
			}
		}},
		{name: "who may be kept", config: func(c *recorder.Config) {
			c.Permission = func(who string, _ bool) string {
				if who == "bob" {
					panic("a fault")
				}
				return ""
			}
		}},
		{name: "the word of what does not open", config: func(c *recorder.Config) {
			c.Keys = recorder.SharedKeys(frame.NewKeyring(0, frame.KeyOptions{}))
			c.Plaintext = []string{recorder.SenderSIP}
			c.Unopened = func([]recorder.Unopened) string { panic("a fault") }
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sink{look: tt.sink}
				c := recorder.Config{Recording: "TEST", Sink: s, Notices: recorder.Notices{Start: "recorded"}, Duration: 6 * time.Second}
				if tt.config != nil {
					tt.config(&c)
				}
				if tt.room == nil {
					tt.room = func(string) {}
				}
				room := roomtest.New("weekly")
				done := make(chan error, 1)
				go func() {
					_, err := recorder.New(c).Record(t.Context(), faultyRoom{room, tt.room})
					done <- err
				}()
				synctest.Wait()
				ada, bob := opusInfo, opusInfo
				ada.ID, ada.Participant, ada.SenderKind = "TR_ada", "ada", recorder.SenderSIP
				bob.ID, bob.Participant = "TR_bob", "bob"
				good, bad := room.Publish(ada), room.Publish(bob)
				room.Join("ada", "Ada")
				room.Join("bob", "Bob")
				room.Say("ada", "ada says")
				room.Say("bob", "bob says")
				for n := range 250 {
					good.Send(opusPacket(n, opusPayload(n)))
					bad.Send(opusPacket(n, append(opusPayload(n), "bob's"...)))
					time.Sleep(20 * time.Millisecond)
				}
				if err := <-done; err != nil {
					t.Fatalf("Record: %v", err)
				}
				out := s.recorded(t)
				out.track("ada", media.Microphone).wantFrames(250)
				if said := out.find(media.EventChat); len(said) == 0 || said[0].Text != "ada says" {
					t.Errorf("said: %+v", said)
				}
				faults := 0
				for _, g := range out.find(media.EventHole) {
					if g.Reason == media.HoleFault && g.Participant != "ada" {
						faults++
					} else if g.Participant != "bob" {
						t.Errorf("hole %+v", g)
					}
				}
				if dropped := out.find(media.EventDropped); faults == 0 && len(dropped) == 0 {
					t.Errorf("nothing tells of a fault: %+v", out.events)
				}
			})
		})
	}
}
