package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// worthSaying is how long a picture that came in full may have been smaller before
// info says so: the larger layers of one come late.
const worthSaying = 10 * time.Second

// A pictureFacts is what the timeline tells of how large a track was published.
type pictureFacts struct {
	width, height int           // published, the largest; 0: not known
	less          bool          // smaller ones were asked for, at some time
	smaller       time.Duration // it came so much smaller than it was published, though that was asked for

	here, muted   bool
	since         time.Duration // up to when smaller is counted
	size, offered [2]int        // as of then
	asked         bool          // for what is offered
}

// pictureSizes reads what the timeline, which is in order, tells of the sizes of
// each track until end.
func pictureSizes(events []media.Event, end time.Duration) map[uint64]*pictureFacts {
	all := make(map[uint64]*pictureFacts)
	for _, e := range events {
		switch e.Type {
		case media.EventTrack, media.EventTrackEnd, media.EventMute, media.EventUnmute, media.EventSize, media.EventPublished:
		default:
			continue
		}
		p := all[e.Track]
		if p == nil {
			p = new(pictureFacts)
			all[e.Track] = p
		}
		p.until(e.Time)
		switch e.Type {
		case media.EventTrack:
			p.here, p.muted = true, false
		case media.EventTrackEnd:
			p.here = false
		case media.EventMute, media.EventUnmute:
			p.muted = e.Type == media.EventMute
		case media.EventSize:
			p.size = parseSize(e.Text)
		case media.EventPublished:
			p.offered, p.asked = parseSize(e.Text), e.Reason != media.PublishedLess
			p.less = p.less || !p.asked
			if p.offered[0]*p.offered[1] > p.width*p.height {
				p.width, p.height = p.offered[0], p.offered[1]
			}
		}
	}
	for _, p := range all {
		p.until(end)
	}
	return all
}

// until counts the time up to at.
func (p *pictureFacts) until(at time.Duration) {
	if p.here && !p.muted && p.asked && p.size[0] > 0 && media.Smaller(p.size[0], p.size[1], p.offered[0], p.offered[1]) && at > p.since {
		p.smaller += at - p.since
	}
	p.since = max(p.since, at)
}

// parseSize reads "640x360"; what is no size is 0.
func parseSize(s string) (size [2]int) {
	w, h, _ := strings.Cut(s, "x")
	width, err := strconv.ParseUint(w, 10, 17)
	if err != nil {
		return size
	}
	height, err := strconv.ParseUint(h, 10, 17)
	if err != nil {
		return size
	}
	return [2]int{int(width), int(height)}
}

// sizeText says how large the pictures of a track are.
func sizeText(t infoTrackJSON) string {
	size := fmt.Sprintf("%dx%d", t.Width, t.Height)
	switch {
	case t.Width == 0 || t.PublishedWidth == 0:
		return size
	case media.Smaller(t.Width, t.Height, t.PublishedWidth, t.PublishedHeight) && t.Less:
		return receivedText(t.Width, t.Height, t.PublishedWidth, t.PublishedHeight) + ", as asked for"
	case t.Source == string(media.Screen):
		return size // of a window that is as large as it was published no more
	case media.Smaller(t.Width, t.Height, t.PublishedWidth, t.PublishedHeight):
		return receivedText(t.Width, t.Height, t.PublishedWidth, t.PublishedHeight)
	case t.Smaller >= worthSaying.Seconds():
		return fmt.Sprintf("%s, smaller for %s", size, seconds(t.Smaller))
	}
	return size
}
