package recorder

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// smallerTime is how long a picture must be smaller than it is published before
	// Status counts it. The larger layers of a picture come late.
	smallerTime = 10 * time.Second
	// maxPublished is how often a change of the published size is reported for a track.
	maxPublished = 64
)

// A Sized is a Track whose room knows what its sender publishes. It is asked at key
// frames, by the goroutine that reads the track.
type Sized interface {
	// PublishedSize returns the size of the largest pictures that the sender offers, in
	// pixels. 0, 0 means that it is not known. less says that the room asked for smaller
	// ones.
	PublishedSize() (width, height int, less bool)
}

// A SmallPicture is a track whose pictures never came as large as they were published,
// although the recorder asked for that. A server sends smaller ones if it thinks that the
// recorder's connection is too narrow. A sender does so if its own connection is, or its
// computer is busy. Shared screens are not reported: a window that was made smaller stays
// published as large as it was.
type SmallPicture struct {
	// Track has the largest size that came.
	Track media.Track
	// Width and Height are what was published.
	Width, Height int
}

// publishedSize is what is known of the picture that a track's sender publishes. What
// is not atomic is guarded by trackRecorder.mu.
type publishedSize struct {
	width, height int // 0: not known
	askedSmaller  bool
	reports       int
	largest       media.Track // as it came largest, while what is published was known
	// smallSince is when the picture became smaller than it is published, in
	// nanoseconds of the recording plus 1; 0 if it is not.
	smallSince atomic.Int64
}

// describe notes what a picture says of its track, and reports whether it decodes without
// an earlier one. A new size goes into the timeline. fits is false for a picture for
// which no file's header has room; then nothing was noted.
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

// reportSize puts a picture's size into the timeline if it has changed. Changes that come
// too fast are left out; a later picture reports the last of them.
func (t *trackRecorder) reportSize(before string, at time.Duration) {
	now := size(t.media)
	if t.reportedSize == "" {
		t.reportedSize = before
	}
	if now == t.reportedSize {
		return
	}
	e := media.Event{Time: at, Type: media.EventSize, Participant: t.info.Participant, Track: t.uid, Text: now}
	here := t.run.clock.now()
	if now != before && t.run.activity.allows(e, here) || now == before && t.run.activity.allowsRetry(e, here) {
		t.reportedSize = now
		t.emit(e)
	}
}

// reportPublished compares the size of a key frame with what is published, and puts a
// change of that into the timeline.
func (t *trackRecorder) reportPublished(at time.Duration) {
	p, ok := t.source.track.(Sized)
	if !ok || t.media.Width == 0 {
		return
	}
	width, height, less := p.PublishedSize()
	if width <= 0 || height <= 0 {
		return
	}
	o := &t.published
	if (width != o.width || height != o.height || less != o.askedSmaller) && o.reports < maxPublished {
		o.width, o.height, o.askedSmaller = width, height, less
		o.reports++
		e := media.Event{Time: at, Type: media.EventPublished, Text: fmt.Sprintf("%dx%d", width, height)}
		if less {
			e.Reason = media.PublishedLess
		}
		t.emit(e)
	}
	if area(t.media) > area(o.largest) {
		o.largest = t.media
	}
	switch small := !o.askedSmaller && t.info.Source != media.Screen && media.Smaller(t.media.Width, t.media.Height, o.width, o.height); {
	case !small:
		o.smallSince.Store(0)
	case o.smallSince.Load() == 0:
		o.smallSince.Store(int64(at) + 1)
	}
}

// isSmall reports whether the picture has been too small for some time.
func (p *publishedSize) isSmall(now time.Duration) bool {
	since := p.smallSince.Load()
	return since != 0 && now-time.Duration(since-1) >= smallerTime
}

// notePicture notes how large the picture of a track that has ended came, beside what
// came of its medium before.
func (b *board) notePicture(t *trackRecorder) {
	o := &t.published
	if o.width == 0 || t.info.Source == media.Screen {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p, known := b.pictures[t.uid]
	if !known && len(b.pictures) >= maxRemembered {
		return
	}
	if area(o.largest) >= area(p.Track) {
		p.Track = o.largest
	}
	if !o.askedSmaller && o.width*o.height > p.Width*p.Height {
		p.Width, p.Height = o.width, o.height
	}
	b.pictures[t.uid] = p
}

// small returns the pictures for Report. b.mu is held.
func (b *board) small() (all []SmallPicture) {
	for _, uid := range slices.Sorted(maps.Keys(b.pictures)) {
		if p := b.pictures[uid]; media.Smaller(p.Track.Width, p.Track.Height, p.Width, p.Height) {
			all = append(all, p)
		}
	}
	return all
}

func area(t media.Track) int { return t.Width * t.Height }
