package tape

import (
	"strconv"
	"strings"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// published is what the timeline tells of how large a track was published.
type published struct {
	width, height int           // published, the largest; 0: not known
	less          bool          // smaller ones were asked for, at some time
	smaller       time.Duration // it came so much smaller than it was published, though that was asked for

	here, muted   bool
	since         time.Duration // up to when smaller is counted
	size, offered [2]int        // as of then
	asked         bool          // for what is offered
}

// publishedOf reads what the timeline, which is in order, tells of the sizes of
// each track until end.
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
