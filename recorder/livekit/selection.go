package livekit

import (
	"cmp"
	"slices"
	"strings"

	lkproto "github.com/livekit/protocol/livekit"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Selection is which of the members' media the recorder asks for; nothing else
// is sent to it. The zero value asks for everything, in the best quality: the
// recorder sends no estimate of its bandwidth (REMB), so a server sends the
// largest of several pictures, unless the server itself measures that less gets
// through (use_send_side_bwe).
//
// A track in several sizes may begin with another one than the largest. With
// livekit-server 1.11.0 and the members on one machine, the largest picture of a
// camera of 1280x720 or 960x540 in Chromium came 1.0 s after the first picture in
// VP8 (simulcast), 0.2 s after it in VP9 (L3T3_KEY), whose pictures of the first
// 0.2 s had two layers, and 13 s after it in H264 (simulcast): Chromium stopped
// sending the largest for 2 s while it measured its bandwidth, and such a server
// regards a size that was absent as present again after 10 s. If the camera had
// been on for some seconds, VP8 took 1.0 s and VP9 no time.
type Selection struct {
	// AudioOnly leaves out all video, NoVideo that of cameras. NoScreen leaves
	// out shared screens and their sound.
	AudioOnly, NoVideo, NoScreen bool
	// MaxVideo limits the shorter side of pictures, in pixels: 720 allows
	// 1280x720 and 720x1280. Of a track in several sizes, the recorder asks for
	// the largest within the limit, or else for the smallest. A track in one size
	// comes in that size. 0 means no limit.
	MaxVideo int
}

// LeftOut says for the room what is not recorded, "" if all is.
func (s Selection) LeftOut() string {
	switch {
	case s.AudioOnly && s.NoScreen:
		return "Only microphones are recorded."
	case s.AudioOnly:
		return "Only sound is recorded."
	case s.NoVideo && s.NoScreen:
		return "Cameras and shared screens are not recorded."
	case s.NoVideo:
		return "Cameras are not recorded."
	case s.NoScreen:
		return "Shared screens are not recorded."
	}
	return ""
}

// leavesOut returns why a track is not asked for, as a word for the timeline. ""
// means that it is asked for.
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

// quality returns the quality to ask for.
func (s Selection) quality(info *lkproto.TrackInfo, mime string) lkproto.VideoQuality {
	if l := s.layer(info, mime); l != nil {
		return l.Quality
	}
	return lkproto.VideoQuality_HIGH
}

// lessThan reports whether the recorder asks for smaller pictures than there are.
func (s Selection) lessThan(info *lkproto.TrackInfo, mime string) bool {
	l := s.layer(info, mime)
	if l == nil {
		return false
	}
	width, height := published(info, mime)
	return int(l.Width)*int(l.Height) < width*height
}

// layer returns the size to ask for. Nil means the largest.
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

// layersOf returns the known sizes of a video track, smallest first.
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

// published returns the size of the pictures that a track's sender offers. 0
// means that the sender did not say. A server may report the size it saw instead.
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

// maxSide is the largest credible side of a picture, in pixels.
const maxSide = 1 << 16
