package recorder

import (
	"cmp"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// transcribeLag is how long after a word its first transcription may come. What
	// comes so soon after a pause, or after the recording began, may have been said before
	// that, and is not kept.
	transcribeLag = 3 * time.Second
	// A segment of which no further version comes for draftIdle, or that is not final
	// after draftLife, is kept as it is.
	draftIdle = 30 * time.Second
	draftLife = 2 * time.Minute
	// The segments that are not final, of one sender and of all. Above that the one
	// that waits for longest is kept as it is.
	draftsOfOne = 16
	draftsOfAll = 256
	// maxWithheld is how many segments are remembered of which nothing may be kept.
	maxWithheld = 1024
)

// transcripts are what members say, as agents write it down: segment by segment, in
// versions that replace one another. Only the last version of a segment gets into the
// timeline, since the earlier ones are guesses at the same words: a final one as it
// comes, any other once no more versions are to be expected. They are safe for
// concurrent use.
type transcripts struct {
	mu       sync.Mutex
	drafts   map[draftKey]*draft
	of       map[string]int // drafts, by sender
	withheld map[draftKey]bool
}

// A draftKey is a segment of a sender.
type draftKey struct{ by, segment string }

// A draft is a segment that is not final.
type draft struct {
	event       media.Event
	began, last time.Duration // when its first and its last version came
}

func newTranscripts() *transcripts {
	return &transcripts{drafts: make(map[draftKey]*draft), of: make(map[string]int), withheld: make(map[draftKey]bool)}
}

func keyOf(e RoomEvent) draftKey { return draftKey{cmp.Or(e.By, e.Participant), e.Segment} }

// withhold notes that nothing of a segment may be kept, since it began when nothing was.
func (x *transcripts) withhold(e RoomEvent) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.withheld) >= maxWithheld {
		clear(x.withheld)
	}
	x.withheld[keyOf(e)] = true
	x.remove(keyOf(e))
}

// began reports whether a version of the segment came before this one. ok is false if
// nothing of the segment may be kept.
func (x *transcripts) began(e RoomEvent) (goesOn, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	key := keyOf(e)
	if x.withheld[key] {
		if !e.Interim {
			delete(x.withheld, key)
		}
		return false, false
	}
	return x.drafts[key] != nil, true
}

// take takes a version, and returns the events that are ready because of it.
func (x *transcripts) take(e RoomEvent, version media.Event, at time.Duration) (ready []media.Event) {
	x.mu.Lock()
	defer x.mu.Unlock()
	key := keyOf(e)
	d := x.drafts[key]
	if d != nil {
		version.Time, version.From = d.event.Time, d.event.From
		version.Track = cmp.Or(version.Track, d.event.Track)
	}
	version.To = max(version.To, version.From+time.Millisecond)
	if !e.Interim {
		x.remove(key)
		if version.Text == "" {
			return nil
		}
		return []media.Event{version}
	}
	if d == nil {
		if x.of[key.by] >= draftsOfOne {
			ready = append(ready, x.oldest(key.by))
		} else if len(x.drafts) >= draftsOfAll {
			ready = append(ready, x.oldest(""))
		}
		d = &draft{began: at}
		x.drafts[key] = d
		x.of[key.by]++
	}
	d.event, d.last = version, at
	return ready
}

// oldest removes the draft of a sender that waits for longest, of anybody if by is "",
// and returns its event. The caller holds x.mu.
func (x *transcripts) oldest(by string) media.Event {
	var first draftKey
	var found *draft
	for key, d := range x.drafts {
		if (by == "" || key.by == by) && (found == nil || d.last < found.last) {
			first, found = key, d
		}
	}
	x.remove(first)
	return found.event
}

// remove removes a draft, if it is there. The caller holds x.mu.
func (x *transcripts) remove(key draftKey) {
	if x.drafts[key] == nil {
		return
	}
	delete(x.drafts, key)
	if x.of[key.by]--; x.of[key.by] == 0 {
		delete(x.of, key.by)
	}
}

// due returns the events of segments that will not become final. With end, all are.
func (x *transcripts) due(at time.Duration, end bool) (out []media.Event) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for key, d := range x.drafts {
		if end || at-d.last >= draftIdle || at-d.began >= draftLife {
			x.remove(key)
			if d.event.Text != "" {
				out = append(out, d.event)
			}
		}
	}
	return out
}

// transcribed takes a version of what somebody said.
func (r *run) transcribed(e RoomEvent, at time.Duration) {
	goesOn, ok := r.transcripts.began(e)
	if !ok {
		return
	}
	t := r.tracks.find(e.TrackID)
	from := at
	if !e.Since.IsZero() {
		from = min(at, max(0, r.clock.at(e.Since)))
	}
	if !goesOn {
		// When the words were said is not known: before that, in any case.
		said := from - transcribeLag
		from = r.activity.turn(e.Participant, from)
		if said < 0 || !r.pause.keeps(said) || t != nil && !t.inbox.permission.keeps(said) {
			r.transcripts.withhold(e)
			return
		}
	}
	// It needs the same permission as what they say. And whoever writes it down may not
	// be somebody whose word nobody wants. An agent need not agree to be recorded for it.
	speaker := cmp.Or(e.Participant, e.By)
	why := r.config.denyReason(speaker, e.Encrypted)
	if why == "" && e.By != "" {
		if why = r.config.denyReason(e.By, e.Encrypted); why == media.HoleConsent {
			why = ""
		}
	}
	if why != "" {
		r.transcripts.withhold(e)
		return
	}
	version := media.Event{Time: from, Type: e.Type, Participant: e.Participant, Name: e.Name, By: e.By, From: from, To: at,
		Text: media.Clamp(e.Text, media.MaxSaid), Size: e.Size}
	if t != nil && t.info.Participant == e.Participant {
		version.Track = t.uid
	}
	var how []string
	if e.Interim {
		how = append(how, media.TranscriptionInterim)
	}
	if r.config.Keys != nil && !e.Encrypted {
		how = append(how, media.TranscriptionPlaintext)
	}
	version.Reason = strings.Join(how, " ")
	for _, e := range r.transcripts.take(e, version, at) {
		r.emitTranscription(e, at)
	}
}

// emitTranscription puts a segment of what somebody said into the timeline.
func (r *run) emitTranscription(e media.Event, at time.Duration) {
	if r.activity.allows(e, at) {
		r.emit(e)
	}
}
