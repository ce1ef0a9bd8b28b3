package livekit

import (
	"cmp"
	"slices"
	"strings"

	lkproto "github.com/livekit/protocol/livekit"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Selection says what the recorder asks for of what members publish; the rest
// is not sent to it. The zero Selection is everything, as good as it is sent: the
// recorder sends no estimate of its bandwidth (REMB), so a server sends the largest
// of several pictures as long as it does not itself measure that less gets through
// (use_send_side_bwe).
//
// What is sent in several sizes may begin with another one. With livekit-server
// 1.11.0 and the members on one machine, the largest of a camera of 1280x720 or
// 960x540 in Chromium came 1.0 s after the first picture in VP8 (simulcast), 0.2 s
// after it in VP9 (L3T3_KEY), whose pictures of the first 0.2 s had two layers, and
// 13 s after it in H264 (simulcast): Chromium stopped sending the largest for 2 s
// while it learnt its bandwidth, and such a server takes a size that was away for
// present again after 10 s. Where the camera had been on for some seconds, VP8 took
// 1.0 s and VP9 none.
type Selection struct {
	// AudioOnly leaves out all pictures, NoVideo those of cameras. NoScreen leaves
	// out shared screens, and their sound.
	AudioOnly, NoVideo, NoScreen bool
	// MaxVideo bounds the shorter side of pictures, in pixels: 720 is 1280x720, and
	// 720x1280. Of what is sent in several sizes the largest within the bound is
	// asked for, or the smallest of all; what is sent in one size comes in that.
	// 0 is no bound.
	MaxVideo int
}

// leavesOut returns why a track is not asked for, in a word for the timeline, or
// "" if it is.
func (s Selection) leavesOut(source lkproto.TrackSource, video bool) string {
	screen := source == lkproto.TrackSource_SCREEN_SHARE || source == lkproto.TrackSource_SCREEN_SHARE_AUDIO
	switch {
	case s.AudioOnly && video:
		return media.LeftOutAudioOnly
	case s.NoScreen && screen:
		return media.LeftOutNoScreen
	case s.NoVideo && video && !screen:
		return media.LeftOutNoVideo
	}
	return ""
}

// quality returns what to ask for of a picture.
func (s Selection) quality(info *lkproto.TrackInfo, mime string) lkproto.VideoQuality {
	if l := s.layer(info, mime); l != nil {
		return l.Quality
	}
	return lkproto.VideoQuality_HIGH
}

// lessThan reports whether smaller pictures are asked for than there are.
func (s Selection) lessThan(info *lkproto.TrackInfo, mime string) bool {
	l := s.layer(info, mime)
	if l == nil {
		return false
	}
	width, height := published(info, mime)
	return int(l.Width)*int(l.Height) < width*height
}

// layer returns the size to ask for, nil for the largest.
func (s Selection) layer(info *lkproto.TrackInfo, mime string) (best *lkproto.VideoLayer) {
	if s.MaxVideo == 0 {
		return nil
	}
	for _, l := range layersOf(info, mime) {
		if best == nil || shorter(l) <= s.MaxVideo {
			best = l
		}
	}
	return best
}

// layersOf returns the known sizes in which a picture is sent, the smallest first.
func layersOf(info *lkproto.TrackInfo, mime string) []*lkproto.VideoLayer {
	if info == nil {
		return nil
	}
	//lint:ignore SA1019 what servers before 1.5 say, and all of what some clients do
	layers := info.Layers
	for _, c := range info.Codecs {
		if strings.EqualFold(c.MimeType, mime) && len(c.Layers) > 0 {
			layers = c.Layers
		}
	}
	layers = slices.DeleteFunc(slices.Clone(layers), func(l *lkproto.VideoLayer) bool {
		return l == nil || shorter(l) == 0 || l.Quality > lkproto.VideoQuality_HIGH
	})
	slices.SortStableFunc(layers, func(a, b *lkproto.VideoLayer) int { return cmp.Compare(shorter(a), shorter(b)) })
	return layers
}

func shorter(l *lkproto.VideoLayer) int { return int(min(l.Width, l.Height)) }

// published returns how large the pictures are that a track's sender offers, 0
// if it does not say. A server may say what it saw instead.
func published(info *lkproto.TrackInfo, mime string) (width, height int) {
	if info == nil {
		return 0, 0
	}
	width, height = int(info.Width), int(info.Height)
	for _, l := range layersOf(info, mime) {
		if int(l.Width)*int(l.Height) > width*height {
			width, height = int(l.Width), int(l.Height)
		}
	}
	if width <= 0 || height <= 0 || width > maxSide || height > maxSide {
		return 0, 0
	}
	return width, height
}

// maxSide bounds what is believed of a picture's size, in pixels.
const maxSide = 1 << 16
