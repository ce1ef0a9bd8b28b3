package livekit

import (
	"errors"
	"testing"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// The SDK's inside has to be what the recorder takes it for, or nothing is joined.
func TestTakeOver(t *testing.T) {
	s := alone(Config{})
	d, err := s.handleEngine()
	if err != nil {
		t.Fatalf("%v: look what has changed", err)
	}
	if d.engine != engineOf(s.room) || *d.subs[0] != nil {
		t.Error("another engine's handler")
	}
	if err := d.takeDataChannels(); !errors.Is(err, errSDK) {
		t.Errorf("before there are connections: %v", err)
	}
	if partOf[lksdk.Room](d.engine, "dclock") != nil || partOf[lksdk.Room](d.engine, "none") != nil {
		t.Error("a part of another type, or none, was found")
	}
}

// A fault in what the SDK makes of one member does not keep it from the others.
func TestDeskContains(t *testing.T) {
	s := alone(Config{})
	d, err := s.handleEngine()
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	if d.contain("a member", func() { told++; panic("a fault") }) || !d.contain("another", func() { told++ }) || told != 2 {
		t.Error("a fault was not contained")
	}
}

// What the SDK tells of a member in goroutines of its own costs that member alone,
// where something is wrong with it that nobody thought of, and is declared.
func TestCallbacksContainFaults(t *testing.T) {
	m := newSeam(t)
	m.s.listed(list("RM_1", here("eve", "PA_1", 1)))
	m.r.start(m.s)
	m.update(here("eve", "PA_1", 1))
	m.events()
	m.r.receiving = true
	eve := m.s.room.GetParticipantByIdentity("eve")
	cb := m.s.callbacks()
	for name, call := range map[string]func(){
		"published":   func() { cb.OnTrackPublished(nil, eve) },
		"unpublished": func() { cb.OnTrackUnpublished(nil, eve) },
		"subscribed":  func() { cb.OnTrackSubscribed(nil, nil, eve) },
		"muted":       func() { cb.OnTrackMuted(nil, eve) },
		"unmuted":     func() { cb.OnTrackUnmuted(nil, eve) },
	} {
		call()
		e, ok, _ := m.r.events.take()
		if !ok || e.Type != media.EventHole || e.Reason != media.HoleFault || e.Participant != "eve" {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// Nor does what a track brings leave its lock held: leaving the room takes it.
func TestTrackFaultLeavesItsLock(t *testing.T) {
	tr := &track{info: recorder.TrackInfo{Codec: media.VP8}}
	if fault.Contain(func() { tr.note(nil, time.Now()) }) == nil {
		t.Error("no fault")
	}
	if tr.Ended() {
		t.Error("it has ended")
	}
}

// A recorder that is thrown out while it joins does not try again where that is meant for it.
func TestThrownOut(t *testing.T) {
	for why, want := range map[lkproto.DisconnectReason]error{
		lkproto.DisconnectReason_PARTICIPANT_REMOVED: ErrRemoved,
		lkproto.DisconnectReason_DUPLICATE_IDENTITY:  ErrReplaced,
		lkproto.DisconnectReason_ROOM_DELETED:        nil, // there is a new room in a moment
		lkproto.DisconnectReason_SERVER_SHUTDOWN:     nil,
	} {
		err := thrownOut(why)
		if err == nil || want != nil && !errors.Is(err, want) || want == nil && (errors.Is(err, ErrRemoved) || errors.Is(err, ErrReplaced)) {
			t.Errorf("%s: %v, want %v", why, err, want)
		}
	}
}
