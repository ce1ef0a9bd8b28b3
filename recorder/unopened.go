package recorder

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// unopenedAfter is how long nothing of a track opens before that is reported: longer
	// than it takes to hand out a key.
	unopenedAfter = 2 * time.Second
	// causeTime is how long a report waits for the cause.
	causeTime = 4 * time.Second
	// stillComes is for how long media counts as coming after its last packet.
	stillComes = 10 * time.Second
	// reportAgain is how long nothing more is reported about the same source of a member,
	// or about a member with too many tracks; what lasts until then is reported then.
	reportAgain = time.Minute
	// maxSample is the most bytes of a frame that is kept to find out why it does not
	// open. After a larger one a smaller one will come.
	maxSample = 128 << 10
	// Finding a cause costs up to about a second of one core. explainBurst causes may be
	// looked for at once, and then one in each explainRefill.
	explainBurst  = 4
	explainRefill = 5 * time.Second
	// The room may be told noticeBurst times at once, and then once in each
	// noticeRefill.
	noticeBurst  = 4
	noticeRefill = 10 * time.Second
)

// An Unopened is media that comes and is not recorded, because it does not open or is
// refused.
type Unopened struct {
	// Track is the UID of the track, Participant the sender's identity, Name the display
	// name.
	Track             uint64
	Participant, Name string
	Source            media.Source
	// Since is when the first such packet came, Last when the newest came.
	Since, Last time.Time
	// Reason is the reason of the hole: one of media's Hole reasons.
	Reason string
	// Cause is the likeliest cause. "" means that it is not known. Why says it in words
	// and without names; it completes "their media is not recorded:".
	Cause frame.CauseKind
	Why   string
	// Over says that the media opens again.
	Over bool
}

// An openingResult says whether a track's frames open. It is safe for concurrent use. It
// costs next to nothing while all frames open.
type openingResult struct {
	failing atomic.Bool

	mu sync.Mutex
	openingState
}

type openingState struct {
	since, last time.Time // of the first and the newest frame that did not open, since one did
	count       int
	reason      string
	sample      []byte // one such frame
}

// lasts reports whether this has gone on long enough to be reported. Anybody can have sent
// a single frame.
func (s openingState) lasts(now time.Time) bool {
	return s.count >= 3 && s.last.Sub(s.since) >= unopenedAfter/2 && now.Sub(s.since) >= unopenedAfter
}

// opened notes a frame that opened.
func (o *openingResult) opened() {
	if !o.failing.Load() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failing.Store(false)
	o.openingState = openingState{}
}

// failed notes a frame that did not open, or none for a packet that is refused.
func (o *openingResult) failed(at time.Time, reason string, frame []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() {
		o.since = at
		o.failing.Store(true)
	}
	o.reason, o.last = reason, at
	o.count++
	if o.sample == nil && len(frame) <= maxSample {
		o.sample = frame
	}
}

// state returns how it stands, the zero value while all opens.
func (o *openingResult) state() openingState {
	if !o.failing.Load() {
		return openingState{}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.openingState
}

// An unopenedReporter reports media that does not open while the meeting runs. One
// goroutine uses it; stop waits for those that it starts.
type unopenedReporter struct {
	run        *run
	current    map[*trackRecorder]*unopenedTrack
	reportedAt map[memberSource]time.Time
	searches   bucket          // for causes
	notices    bucket          // to the room
	results    chan causeFound // of the one search under way
	busy       bool
	ctx        context.Context
	cancel     context.CancelFunc
	work       sync.WaitGroup
}

// An unopenedTrack is a track that does not open.
type unopenedTrack struct {
	Unopened
	searched bool
	reported bool
}

// A memberSource is what is reported once in reportAgain: a member who was reported for a
// microphone may turn on a camera, which is news.
type memberSource struct {
	identity string
	source   media.Source
}

type causeFound struct {
	rec    *trackRecorder
	reason string
	cause  frame.Cause
}

func newUnopenedReporter(r *run) *unopenedReporter {
	w := &unopenedReporter{run: r, current: make(map[*trackRecorder]*unopenedTrack), reportedAt: make(map[memberSource]time.Time),
		searches: bucket{tokens: explainBurst}, notices: bucket{tokens: noticeBurst}, results: make(chan causeFound, 1)}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// stop ends what the reporter started, and waits for it.
func (w *unopenedReporter) stop() {
	w.cancel()
	w.work.Wait()
}

// check looks at the tracks that are being read.
func (w *unopenedReporter) check(tracks []*trackRecorder, now time.Time) {
	select {
	case e := <-w.results:
		w.busy = false
		if e.cause.Kind == "" {
			break // looking for it had a fault
		}
		for rec, t := range w.current {
			// What is wrong with one track of a member is so with the others.
			if rec == e.rec || t.Cause == "" && rec.ring == e.rec.ring && rec.info.Participant == e.rec.info.Participant && t.Reason == e.reason {
				t.Cause, t.Why = e.cause.Kind, e.cause.String()
				if t.reported {
					w.warn(t)
				}
			}
		}
	default:
	}
	var over []Unopened
	for rec, t := range w.current {
		is, here := rec.opening.state(), slices.Contains(tracks, rec)
		if is.since == t.Since && here {
			t.Reason, t.Last = is.reason, is.last
			continue
		}
		delete(w.current, rec)
		if t.Over = true; t.reported && is.since.IsZero() && here {
			over = append(over, t.Unopened)
		}
	}
	for _, rec := range tracks {
		is := rec.opening.state()
		if w.current[rec] != nil || !is.lasts(now) || w.run.pause.keepsNothing() || rec.inbox.permission.keepsNothing() {
			continue
		}
		w.current[rec] = &unopenedTrack{Unopened: Unopened{Track: rec.uid, Participant: rec.info.Participant, Name: rec.info.Name,
			Source: rec.info.Source, Since: is.since, Last: is.last, Reason: is.reason}}
	}
	w.searchCause(now)
	w.report(over, now)
}

// searchCause looks for the cause of one track's trouble at a time, the oldest first.
func (w *unopenedReporter) searchCause(now time.Time) {
	var oldest *trackRecorder
	for rec, t := range w.current {
		if t.Cause == "" && rec.refuse != "" {
			t.Cause, t.Why = refusedCause(t.Reason, rec.info.Codec)
		}
		if t.Cause == "" && !t.searched && rec.ring != nil && (oldest == nil || t.Since.Before(w.current[oldest].Since)) {
			oldest = rec
		}
	}
	if oldest == nil || w.busy {
		return
	}
	t := w.current[oldest]
	sample := oldest.opening.state().sample
	if sample == nil || !w.searches.take(w.run.clock.at(now), 1, explainBurst, explainRefill) {
		return
	}
	t.searched, w.busy = true, true
	reason := t.Reason
	w.work.Go(func() {
		e := causeFound{rec: oldest, reason: reason}
		_ = w.run.contain(oldest.info.Participant, func() { e.cause = oldest.ring.Explain(w.ctx, oldest.info.Codec, sample) })
		w.results <- e
	})
}

// refusedCause is the cause of what is refused whatever is in it.
func refusedCause(reason string, codec media.Codec) (frame.CauseKind, string) {
	switch reason {
	case media.HolePlaintext:
		return frame.CausePlaintext, frame.Cause{Kind: frame.CausePlaintext}.String()
	case media.HoleNoKey:
		return frame.CauseNoKey, "they are end-to-end encrypted, and the recorder was told that the room is not"
	}
	return frame.CauseKind(reason), "the codec " + media.Clamp(string(codec), 32) + " is not recorded, or not while it is encrypted"
}

// report reports what is new, and what is over.
func (w *unopenedReporter) report(over []Unopened, now time.Time) {
	all := make([]Unopened, 0, len(w.current))
	news := over
	for _, t := range w.current {
		if now.Sub(t.Last) < stillComes {
			all = append(all, t.Unopened)
		}
		if t.reported || t.Cause == "" && now.Sub(t.Since) < causeTime {
			continue
		}
		whose := memberSource{t.Participant, t.Source}
		if at, ok := w.reportedAt[whose]; ok && now.Sub(at) < reportAgain && !at.Equal(now) {
			continue
		}
		if len(w.reportedAt) >= maxRemembered {
			clear(w.reportedAt)
		}
		w.reportedAt[whose] = now
		t.reported = true
		news = append(news, t.Unopened)
		w.warn(t)
	}
	byTrack := func(a, b Unopened) int { return cmp.Compare(a.Track, b.Track) }
	slices.SortFunc(all, byTrack)
	w.run.board.setUnopened(all)
	if len(news) == 0 || w.run.config.Unopened == nil {
		return
	}
	slices.SortFunc(news, byTrack)
	if notice := w.run.config.Unopened(news); notice != "" && !w.run.over.Load() && w.notices.take(w.run.clock.at(now), 1, noticeBurst, noticeRefill) {
		w.work.Go(func() {
			ctx, cancel := context.WithTimeout(w.ctx, noticeTime)
			defer cancel()
			if err := w.run.room.Announce(ctx, notice); err != nil && w.ctx.Err() == nil {
				w.run.log.Warn("the room was not told of media that is not recorded", "err", err)
			}
		})
	}
}

// warn says in the log what is known of a track's trouble, without names.
func (w *unopenedReporter) warn(t *unopenedTrack) {
	w.run.log.Warn("media does not open and is not recorded", "track", t.Track, "reason", t.Reason, "cause", t.Cause, "why", t.Why)
}
