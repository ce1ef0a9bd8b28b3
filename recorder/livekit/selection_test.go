package livekit

import (
	"testing"

	lkproto "github.com/livekit/protocol/livekit"

	"github.com/sealtape/sealtape/recorder/media"
)

func TestSelectionLeavesOut(t *testing.T) {
	const (
		mic    = lkproto.TrackSource_MICROPHONE
		camera = lkproto.TrackSource_CAMERA
		screen = lkproto.TrackSource_SCREEN_SHARE
		sound  = lkproto.TrackSource_SCREEN_SHARE_AUDIO
		other  = lkproto.TrackSource_UNKNOWN
	)
	type track struct {
		source lkproto.TrackSource
		video  bool
	}
	tracks := []track{{mic, false}, {camera, true}, {screen, true}, {sound, false}, {other, true}, {other, false}}
	const audioOnly, noVideo, noScreen = media.LeftOutAudioOnly, media.LeftOutNoVideo, media.LeftOutNoScreen
	for _, tt := range []struct {
		s    Selection
		want [6]string
	}{
		{Selection{}, [6]string{}},
		{Selection{MaxVideo: 90}, [6]string{}},
		{Selection{AudioOnly: true}, [6]string{"", audioOnly, audioOnly, "", audioOnly, ""}},
		{Selection{NoVideo: true}, [6]string{"", noVideo, "", "", noVideo, ""}},
		{Selection{NoScreen: true}, [6]string{"", "", noScreen, noScreen, "", ""}},
		{Selection{AudioOnly: true, NoScreen: true}, [6]string{"", audioOnly, audioOnly, noScreen, audioOnly, ""}},
		{Selection{NoVideo: true, NoScreen: true}, [6]string{"", noVideo, noScreen, noScreen, noVideo, ""}},
	} {
		for i, tr := range tracks {
			if got := tt.s.leavesOut(tr.source, tr.video); got != tt.want[i] {
				t.Errorf("%+v of %+v: %q, want %q", tt.s, tr, got, tt.want[i])
			}
		}
	}
}

func TestSelectionQuality(t *testing.T) {
	const low, medium, high = lkproto.VideoQuality_LOW, lkproto.VideoQuality_MEDIUM, lkproto.VideoQuality_HIGH
	layers := func(sizes ...uint32) (all []*lkproto.VideoLayer) {
		for i := 0; i < len(sizes); i += 2 {
			all = append(all, &lkproto.VideoLayer{Quality: lkproto.VideoQuality(i / 2), Width: sizes[i], Height: sizes[i+1]})
		}
		return all
	}
	hd := layers(320, 180, 640, 360, 1280, 720)
	for _, tt := range []struct {
		name   string
		info   *lkproto.TrackInfo
		max    int
		want   lkproto.VideoQuality
		width  int // published
		height int
		less   bool
	}{
		{"no bound", &lkproto.TrackInfo{Width: 1280, Height: 720, Layers: hd}, 0, high, 1280, 720, false},
		{"all of it", &lkproto.TrackInfo{Width: 1280, Height: 720, Layers: hd}, 720, high, 1280, 720, false},
		{"between two", &lkproto.TrackInfo{Width: 1280, Height: 720, Layers: hd}, 480, medium, 1280, 720, true},
		{"none is small enough", &lkproto.TrackInfo{Width: 1280, Height: 720, Layers: hd}, 90, low, 1280, 720, true},
		{"upright", &lkproto.TrackInfo{Width: 720, Height: 1280, Layers: layers(180, 320, 360, 640, 720, 1280)}, 360, medium, 720, 1280, true},
		{"in any order", &lkproto.TrackInfo{Layers: []*lkproto.VideoLayer{hd[2], nil, hd[0], hd[1]}}, 360, medium, 1280, 720, true},
		{"one size", &lkproto.TrackInfo{Width: 1920, Height: 1080, Layers: []*lkproto.VideoLayer{{Quality: high, Width: 1920, Height: 1080}}}, 720, high, 1920, 1080, false},
		{"sizes not told", &lkproto.TrackInfo{Layers: layers(0, 0, 0, 0, 0, 0)}, 360, high, 0, 0, false},
		{"no layers", &lkproto.TrackInfo{Width: 1280, Height: 720}, 360, high, 1280, 720, false},
		{"off", &lkproto.TrackInfo{Layers: []*lkproto.VideoLayer{{Quality: lkproto.VideoQuality_OFF, Width: 320, Height: 180}, hd[2]}}, 180, high, 1280, 720, false},
		{"by codec", &lkproto.TrackInfo{Width: 960, Height: 540, Layers: hd, Codecs: []*lkproto.SimulcastCodecInfo{
			{MimeType: "video/VP9", Layers: layers(240, 135, 480, 270, 960, 540)}}}, 300, medium, 960, 540, true},
		{"absurd", &lkproto.TrackInfo{Width: 1 << 31, Height: 720}, 0, high, 0, 0, false},
		{"nothing", nil, 360, high, 0, 0, false},
	} {
		s := Selection{MaxVideo: tt.max}
		if got := s.quality(tt.info, "video/vp9"); got != tt.want {
			t.Errorf("%s: asks for %v, want %v", tt.name, got, tt.want)
		}
		width, height := published(tt.info, "video/vp9")
		if less := s.lessThan(tt.info, "video/vp9"); width != tt.width || height != tt.height || less != tt.less {
			t.Errorf("%s: %dx%d published, less %v, want %dx%d, %v", tt.name, width, height, less, tt.width, tt.height, tt.less)
		}
	}
}
