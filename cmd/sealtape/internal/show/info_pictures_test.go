package show

import (
	"cmp"
	"testing"
	"time"

	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
)

func TestPictureSizes(t *testing.T) {
	const s = time.Second
	event := func(at time.Duration, typ media.EventType, text string) media.Event {
		return media.Event{Time: at, Type: typ, Track: 1, Text: text}
	}
	less := event(0, media.EventPublished, "1280x720")
	less.Reason = media.PublishedLess
	for _, tt := range []struct {
		name   string
		events []media.Event
		width  int // received, the largest
		want   string

		source media.Source // the camera, if none
	}{
		{"not known", []media.Event{event(0, media.EventTrack, ""), event(0, media.EventSize, "320x180")}, 320, "320x180", ""},
		{"in full", []media.Event{event(0, media.EventTrack, ""), event(0, media.EventSize, "1280x720"),
			event(0, media.EventPublished, "1280x720")}, 1280, "1280x720", ""},
		{"rounded by the encoder", []media.Event{event(0, media.EventTrack, ""), event(0, media.EventSize, "1264x704"),
			event(0, media.EventPublished, "1280x720")}, 1264, "1264x711", ""},
		{"late", []media.Event{event(0, media.EventTrack, ""), event(0, media.EventSize, "320x180"),
			event(0, media.EventPublished, "1280x720"), event(3*s, media.EventSize, "1280x720")}, 1280, "1280x720", ""},
		{"for a while", []media.Event{event(0, media.EventTrack, ""), event(0, media.EventSize, "1280x720"),
			event(0, media.EventPublished, "1280x720"), event(20*s, media.EventSize, "320x180"), event(42*s, media.EventSize, "1280x720")},
			1280, "1280x720, smaller for 22.0s", ""},
		{"muted meanwhile, and gone", []media.Event{event(0, media.EventTrack, ""), event(0, media.EventSize, "320x180"),
			event(0, media.EventPublished, "1280x720"), event(4*s, media.EventMute, ""), event(30*s, media.EventUnmute, ""),
			event(32*s, media.EventTrackEnd, ""), event(50*s, media.EventTrack, ""), event(52*s, media.EventSize, "1280x720")}, 1280, "1280x720", ""},
		{"never", []media.Event{event(0, media.EventTrack, ""), event(0, media.EventSize, "480x270"),
			event(0, media.EventPublished, "960x540")}, 480, "received 480x270 of 960x540 published", ""},
		{"as asked for", []media.Event{event(0, media.EventTrack, ""), event(0, media.EventSize, "640x360"), less},
			640, "received 640x360 of 1280x720 published, as asked for", ""},
		{"a window", []media.Event{event(0, media.EventTrack, ""), event(0, media.EventSize, "480x270"),
			event(0, media.EventPublished, "960x540")}, 480, "480x270", media.Screen},
		{"nonsense", []media.Event{event(0, media.EventTrack, ""), event(0, media.EventSize, "-1x99999999999"),
			event(0, media.EventPublished, "x")}, 320, "320x180", ""},
	} {
		tracks := tape.Tracks([]media.Track{{UID: 1, Participant: "ada", Source: cmp.Or(tt.source, media.Camera), Width: tt.width, Height: tt.width * 9 / 16}},
			tt.events, time.Minute)
		if got := sizeText(InfoOf(&tape.Description{Tracks: tracks}).Tracks[0]); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
