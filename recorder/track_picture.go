package recorder

import (
	"fmt"
	"time"

	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// maxLayers bounds the layer frames of one picture: VP9 superframes hold no more.
const maxLayers = 8

// An openLayer is a spatial layer of a VP9 picture, with what became of opening
// it.
type openLayer struct {
	unit    frame.Unit
	at      time.Duration
	data    []byte
	outcome Outcome
}

// layer takes a layer. The picture is whole when its marker comes, or the next
// one begins: a server that drops upper layers moves the marker, but need not.
func (t *trackRecorder) layer(l openLayer) {
	if len(t.layers) > 0 && (t.layers[0].unit.Timestamp != l.unit.Timestamp || len(t.layers) == maxLayers) {
		t.picture()
	}
	t.layers = append(t.layers, l)
	if l.unit.Marker {
		t.picture()
	}
}

// picture keeps the layers that came as one frame. One that did not open spoils
// those above it, and later pictures, so all.
func (t *trackRecorder) picture() {
	if len(t.layers) == 0 {
		return
	}
	first, at, outcome := t.layers[0].unit, t.layers[0].at, Kept
	var plain [][]byte
	for _, l := range t.layers {
		switch {
		case l.outcome == Kept:
			plain = append(plain, l.data)
		case l.outcome != Empty && outcome == Kept:
			outcome = l.outcome
		}
	}
	clear(t.layers)
	t.layers = t.layers[:0]
	var data []byte
	if outcome == Kept {
		if data = t.joiner.Join(plain); len(data) == 0 {
			if outcome = Unfit; len(plain) == 0 {
				outcome = Empty
			}
		}
	}
	t.frame(first, at, data, outcome)
}

// describe notes what a picture says of the track, tells of a new size, and
// reports whether it decodes without an earlier one. fits is false for a picture
// that no file's header has room for: then nothing was noted.
func (t *trackRecorder) describe(data []byte, at time.Duration) (key, fits bool) {
	p := media.Describe(t.info.Codec, data)
	if !p.Key {
		return false, true
	}
	if !p.Fits() {
		return false, false
	}
	if p.Private != "" {
		t.media.Private = p.Private
	}
	if media.NeedsPrivate(t.info.Codec) && t.media.Private == "" {
		return false, true // a key frame that nobody can decode
	}
	if p.Width > 0 {
		before := size(t.media)
		t.media.Width, t.media.Height = p.Width, p.Height
		t.reportSize(before, at)
	}
	t.reportPublished(at)
	return true, true
}

// size is a track's size as the timeline says it, "" if it has none yet.
func size(t media.Track) string {
	if t.Width == 0 {
		return ""
	}
	return fmt.Sprintf("%dx%d", t.Width, t.Height)
}

// reportSize tells that the picture has not the size that it had before. Where it
// changes too often, what holds in the end is told with a later picture.
func (t *trackRecorder) reportSize(before string, at time.Duration) {
	now := size(t.media)
	if t.reportedSize == "" {
		t.reportedSize = before
	}
	if now == t.reportedSize {
		return
	}
	e := media.Event{Time: at, Type: media.EventSize, Participant: t.info.Participant, Track: t.media.UID, Text: now}
	here := t.run.clock.now()
	if now != before && t.run.activity.allows(e, here) || now == before && t.run.activity.allowsRetry(e, here) {
		t.reportedSize = now
		t.send(item{event: &e})
	}
}
