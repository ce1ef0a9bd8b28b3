package livekit

import (
	"fmt"
	"reflect"
	"sync"
	"testing"

	lkproto "github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/webrtc/v4"

	"github.com/sealtape/sealtape/recorder/media"
)

// Tracks come while the recorder asks for others, and while a connection is resumed, upon which
// the SDK looks which have come. The race detector says whether each does so with a lock.
func TestTracksComeMeanwhile(t *testing.T) {
	const tracks = 20
	m := newSeam(t)
	m.s.tracks, m.s.leftOut = make(map[*webrtc.TrackRemote]*track), make(map[string]bool)
	h, err := m.s.handleEngine()
	if err != nil {
		t.Fatal(err)
	}
	describe(t, h.engine)
	m.s.listed(list("RM_1"))
	m.r.start(m.s)
	m.r.receiving = true
	ada := here("ada", "PA_1", 1)
	for n := range tracks {
		ada.Tracks = append(ada.Tracks, &lkproto.TrackInfo{Sid: fmt.Sprint("TR_", n)})
	}
	m.update(ada)

	var all sync.WaitGroup
	all.Go(func() {
		for n := range tracks {
			h.OnMediaTrack(trackIn(fmt.Sprint("PA_1|TR_", n)), nil)
		}
	})
	all.Go(func() {
		for range tracks {
			m.r.subscribe(m.s)
			m.r.Review("ada")
		}
	})
	all.Go(func() {
		for range tracks {
			h.OnResumed()
		}
	})
	all.Wait()
	came := make(map[string]bool)
	for {
		e, ok, _ := m.r.events.take()
		if !ok {
			break
		}
		if e.Type == media.EventTrack {
			came[e.Track.Info().ID] = true
		}
	}
	if len(came) != tracks {
		t.Errorf("%d tracks came, want %d", len(came), tracks)
	}
}

// Where the SDK is told to join anew, the session is over, and nobody takes out members while the
// server still tells of them.
func TestRestartingEndsTheSession(t *testing.T) {
	m := newSeam(t)
	h, err := m.s.handleEngine()
	if err != nil {
		t.Fatal(err)
	}
	m.s.listed(list("RM_1"))
	m.r.start(m.s)
	m.update(here("ada", "PA_1", 1))
	var all sync.WaitGroup
	all.Go(h.OnRestarting)
	all.Go(func() {
		for n := range 20 {
			m.update(here("ada", "PA_1", int64(n)))
		}
	})
	all.Wait()
	select {
	case why := <-m.s.lost:
		if err := m.r.final(why); err != nil {
			t.Errorf("the recorder does not join again: %v", err)
		}
	default:
		t.Error("the session goes on")
	}
}

// trackIn returns a remote track of a stream, with nothing behind it.
func trackIn(stream string) *webrtc.TrackRemote {
	t := new(webrtc.TrackRemote)
	*(*string)(reflect.ValueOf(t).Elem().FieldByName("streamID").Addr().UnsafePointer()) = stream
	return t
}

// describe lets an engine have a connection that was negotiated, without which the SDK looks at
// no track.
func describe(t *testing.T, engine *lksdk.RTCEngine) {
	t.Helper()
	ours, err := lksdk.NewPCTransport(lksdk.PCTransportParams{})
	if err != nil {
		t.Fatal(err)
	}
	ours.SetLogger(logger.GetDiscardLogger())
	theirs, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ours.Close(); err != nil {
			t.Error(err)
		}
		if err := theirs.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := theirs.CreateDataChannel("_reliable", nil); err != nil {
		t.Fatal(err)
	}
	offer, err := theirs.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := ours.SetRemoteDescription(offer); err != nil {
		t.Fatal(err)
	}
	answer, err := ours.PeerConnection().CreateAnswer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := ours.PeerConnection().SetLocalDescription(answer); err != nil {
		t.Fatal(err)
	}
	*partOf[*lksdk.PCTransport](engine, "subscriber") = ours
}
