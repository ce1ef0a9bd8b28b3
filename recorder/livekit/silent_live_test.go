package livekit_test

import (
	"testing"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/webrtc/v4"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/members"
)

// A microphone that is published and never sends is listed, and is no hole. Of a
// camera that does not send the server tells nobody.
func TestNothingSent(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	token, err := members.Token(s.APIKey, s.APISecret, members.Grant{Room: "r", Identity: "quiet", Name: "Quiet"})
	if err != nil {
		t.Fatal(err)
	}
	room, err := lksdk.ConnectToRoomWithToken(s.URL, token, &lksdk.RoomCallback{})
	if err != nil {
		t.Fatal(err)
	}
	defer room.Disconnect()
	for _, source := range []lkproto.TrackSource{lkproto.TrackSource_MICROPHONE, lkproto.TrackSource_CAMERA} {
		codec := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
		if source == lkproto.TrackSource_CAMERA {
			codec = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
		}
		track, err := lksdk.NewLocalTrack(codec)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := room.LocalParticipant.PublishTrack(track, &lksdk.TrackPublicationOptions{
			Source: source, VideoWidth: 320, VideoHeight: 180, Encryption: lkproto.Encryption_GCM}); err != nil {
			t.Fatal(err)
		}
	}
	l := live(t, ctx, livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "r"}, recorder.Config{Duration: 4 * time.Second})
	l.wait()
	_, events, _ := l.read()
	labels := make(map[string]bool)
	for _, e := range kind(events, media.EventSilent) {
		labels[e.Text] = true
	}
	if !labels["Quiet (microphone)"] || len(labels) != 1 {
		t.Errorf("silent: %v", kind(events, media.EventSilent))
	}
	if l.report.Incomplete {
		t.Errorf("holes: %v", l.report.Holes)
	}
}
