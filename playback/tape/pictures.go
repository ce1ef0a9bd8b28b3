package tape

import (
	"strconv"
	"strings"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// published is what the timeline says of a track's published size.
type published struct {
	width, height int           // the largest published size; 0: not known
	less          bool          // smaller pictures were asked for, at some time
	smaller       time.Duration // how long it came clearly smaller than published without having been asked to

	here, muted   bool
	since         time.Duration // smaller is counted up to then
	size, offered [2]int        // the sizes then
	asked         bool          // what is offered was asked for
}

// publishedOf reads the sizes of each track until end from the timeline, which is
// in order.
func publishedOf(events []media.Event, end time.Duration) map[uint64]*published {
	all := make(map[uint64]*published)
	for _, e := range events {
		switch e.Type {
		case media.EventTrack, media.EventTrackEnd, media.EventMute, media.EventUnmute, media.EventSize, media.EventPublished:
		default:
			continue
		}
		p := all[e.Track]
		if p == nil {
			p = new(published)
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
func (p *published) until(at time.Duration) {
	if p.here && !p.muted && p.asked && p.size[0] > 0 && media.Smaller(p.size[0], p.size[1], p.offered[0], p.offered[1]) && at > p.since {
		p.smaller += at - p.since
	}
	p.since = max(p.since, at)
}

// parseSize parses "640x360". It returns 0 for anything else.
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
