package web

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/internal/fragment"
	"github.com/sealtape/sealtape/playback/internal/opus"
	"github.com/sealtape/sealtape/recorder/media"
)

// aheadBy is how many segments are read after one that was asked for.
const aheadBy = 3

// segment answers with the tracks of one segment that are asked for.
func (s *Server) segment(w http.ResponseWriter, r *http.Request, t *tape, n int) {
	wanted, err := tracksWanted(r)
	if err != nil {
		http.Error(w, "tracks are numbers, separated by commas", http.StatusBadRequest)
		return
	}
	seg, prev, next, err := t.begin(n)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer t.end(n)
	// It is held only while it is written: what is waited for before that may
	// need its room.
	e, err := s.cache.get(r.Context(), cacheKey{t, n})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.cache.release(e)
	// Those after the next one only now: this one was urgent.
	t.readAhead(n, aheadBy)
	after := s.edgesOf(r.Context(), t, next)
	t.await(r.Context(), prev)
	if e, err = s.cache.get(r.Context(), cacheKey{t, n}); err == nil {
		defer s.cache.release(e)
		// Reading may have shown what is not to be played.
		err = t.stateErr(n)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if r.Method == http.MethodHead {
		return
	}
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.patience.write))
	c := composer{t: t, seg: seg, prev: prev, next: next, after: after, media: e.media}
	for _, track := range e.media.Tracks {
		if wanted != nil && !slices.Contains(wanted, track.UID) {
			continue
		}
		for _, p := range c.parts(track) {
			if r.Context().Err() != nil || writePart(w, p) != nil {
				return
			}
		}
	}
}

// tracksWanted returns the UIDs asked for, nil for all.
func tracksWanted(r *http.Request) ([]uint64, error) {
	if !r.URL.Query().Has("tracks") {
		return nil, nil
	}
	wanted := []uint64{}
	for s := range strings.SplitSeq(r.URL.Query().Get("tracks"), ",") {
		if s == "" {
			continue
		}
		uid, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, uid)
	}
	return wanted, nil
}

// begin notes that segment n is asked for, begins to read it and the next one,
// and returns it and its neighbours, nil if there are none that can be read.
func (t *tape) begin(n int) (seg, prev, next *playback.Segment, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, ok := t.place(n)
	if !ok {
		return nil, nil, nil, playback.ErrNotListed
	}
	seg = &t.segments[i]
	if err := errOf(seg.State); err != nil {
		return nil, nil, nil, err
	}
	if i > 0 && t.segments[i-1].State == playback.Readable {
		prev = &t.segments[i-1]
	}
	if i+1 < len(t.segments) && t.segments[i+1].State == playback.Readable {
		next = &t.segments[i+1]
	}
	if t.active[n] == nil {
		t.active[n] = &activity{done: make(chan struct{})}
	}
	t.active[n].requests++
	t.readAheadLocked(i, 1)
	return seg, prev, next, nil
}

// readAhead begins to read segment n and as many after it. What is read ahead
// for a place where nobody is any more is given up.
func (t *tape) readAhead(n, count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i, ok := t.place(n); ok {
		t.readAheadLocked(i, count)
	}
}

// prepare begins to read the segment in which a time is.
func (t *tape) prepare(at time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.segments {
		if t.segments[i].To > at {
			t.readAheadLocked(i, 0)
			return
		}
	}
}

func (t *tape) readAheadLocked(i, count int) {
	var numbers []int
	for _, seg := range t.segments[i:min(i+1+count, len(t.segments))] {
		if seg.State == playback.Readable {
			numbers = append(numbers, seg.Number)
		}
	}
	t.s.cache.readAhead(t, numbers, func(m int) bool {
		for a := range t.active {
			if m >= a && m <= a+aheadBy {
				return true
			}
		}
		return false
	})
}

// An activity is a segment that is being asked for.
type activity struct {
	requests int
	done     chan struct{} // closed when it is answered
}

// await waits, not for long, until seg is answered if it is being asked for.
func (t *tape) await(ctx context.Context, seg *playback.Segment) {
	if seg == nil {
		return
	}
	t.mu.Lock()
	a := t.active[seg.Number]
	t.mu.Unlock()
	if a == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, t.s.patience.prev)
	defer cancel()
	select {
	case <-a.done:
	case <-ctx.Done():
	}
}

// errOf says why a segment in this state is not played.
func errOf(s playback.State) error {
	switch s {
	case playback.Locked:
		return playback.ErrLocked
	case playback.Failed:
		return playback.ErrDamaged
	case playback.Unlisted:
		return playback.ErrNotListed
	}
	return nil
}

func (t *tape) stateErr(n int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i, ok := t.place(n); ok {
		return errOf(t.segments[i].State)
	}
	return playback.ErrNotListed
}

func (t *tape) end(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := t.active[n]; a.requests > 1 {
		a.requests--
	} else {
		delete(t.active, n)
		close(a.done)
	}
}

// edgesOf returns what is to be known of the segment after the one that is asked
// for. Both were begun to be read together; what cannot be had soon is done
// without.
func (s *Server) edgesOf(ctx context.Context, t *tape, next *playback.Segment) map[uint64]media.Frame {
	if next == nil {
		return nil
	}
	t.mu.Lock()
	known, ok := t.edges[next.Number]
	t.mu.Unlock()
	if ok {
		return known.first
	}
	ctx, cancel := context.WithTimeout(ctx, t.s.patience.next)
	defer cancel()
	e, err := s.cache.get(ctx, cacheKey{t, next.Number})
	if err != nil {
		return nil
	}
	s.cache.release(e)
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.edges[next.Number].first
}

// A composer makes parts of one segment.
type composer struct {
	t          *tape
	seg        *playback.Segment
	prev, next *playback.Segment
	after      map[uint64]media.Frame
	media      *playback.SegmentMedia
}

func (c *composer) parts(track media.Track) []fragment.Part {
	var frames []media.Frame
	for _, f := range c.media.Frames {
		if f.Track == track.UID {
			frames = append(frames, f)
		}
	}
	if len(frames) == 0 {
		return nil
	}
	if !track.Codec.Audio() {
		away := func(from, to time.Duration) bool { return c.t.away(track.UID, from, to) }
		return fragment.Pictures(c.t.shape(track), frames, c.nextFrame(track.UID), away)
	}
	b := fragment.Bounds{Lead: has(c.prev, track.UID)}
	b.From = fragment.Seam(c.seg.From, frames[0].Time)
	c.t.mu.Lock()
	if c.prev != nil {
		b.Run, b.Joined = c.t.edges[c.prev.Number].runs[track.UID]
	}
	c.t.mu.Unlock()
	if first, ok := c.after[track.UID]; ok {
		b.To = fragment.Seam(c.next.From, first.Time)
	}
	p, run, ok := fragment.Sound(track, frames, b)
	if !ok {
		return nil
	}
	c.t.setRun(c.seg.Number, track.UID, run)
	return []fragment.Part{p}
}

// has reports whether a segment has frames of the track.
func has(seg *playback.Segment, uid uint64) bool {
	return seg != nil && slices.ContainsFunc(seg.Tracks, func(t media.IndexTrack) bool { return t.UID == uid })
}

// nextFrame says what follows a track's last picture.
func (c *composer) nextFrame(uid uint64) fragment.Next {
	if f, ok := c.after[uid]; ok {
		return fragment.Next{Time: f.Time, Key: f.Key, Known: true}
	}
	if has(c.next, uid) {
		return fragment.Next{Later: true} // not read in time
	}
	// A picture may stand still for longer than a segment. What comes then is
	// not read for it: where it begins will do.
	from, more := c.t.next(c.seg.Number, uid)
	if from > 0 {
		return fragment.Next{Time: from, Key: true, Known: true}
	}
	return fragment.Next{Later: more}
}

// farAhead bounds how many segments are looked at for what comes.
const farAhead = 500

// next returns where the next segment begins that has frames of the track, 0 if
// none has soon, and whether the recording may go on with it.
func (t *tape) next(n int, uid uint64) (from time.Duration, more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, _ := t.place(n)
	i = min(i+1, len(t.segments))
	for _, seg := range t.segments[i:min(i+farAhead, len(t.segments))] {
		if seg.State != playback.Readable {
			return 0, false
		}
		if has(&seg, uid) {
			return seg.From, true
		}
	}
	return 0, i == len(t.segments) && t.rec.Facts().State == "open"
}

// away reports whether the timeline says that a track missed something between
// two times, or did not send.
func (t *tape) away(uid uint64, from, to time.Duration) bool {
	const slack = time.Second // what the room said of it, and what came, differ
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.events, func(e media.Event) bool {
		switch e.Type {
		case media.EventGap:
			return e.Track == uid && e.From < to && e.To > from
		case media.EventMute, media.EventUnmute, media.EventTrackEnd:
			return e.Track == uid && e.Time > from-slack && e.Time < to+slack
		case media.EventLost, media.EventReconnect, media.EventPause, media.EventResume:
			return e.Time > from-slack && e.Time < to+slack
		}
		return false
	})
}

// shape returns the track with a size that stays, for the initialization
// segments of codecs whose frames tell it themselves: where that segment changes,
// players drop all up to the next key frame.
func (t *tape) shape(track media.Track) media.Track {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.sizes[track.UID]
	if !ok {
		known = track
		for _, whole := range t.session.Tracks() {
			if whole.UID == track.UID && whole.Width > 0 {
				known = whole
			}
		}
		t.sizes[track.UID] = known
	}
	track.Width, track.Height = known.Width, known.Height
	return track
}

// setRun notes where a segment's sound has come to.
func (t *tape) setRun(n int, uid uint64, run opus.Run) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.edges[n]
	if !ok {
		return
	}
	if e.runs == nil {
		e.runs = make(map[uint64]opus.Run)
		t.edges[n] = e
	}
	e.runs[uid] = run
}

// A partHeader stands before each part, as JSON.
type partHeader struct {
	Track  uint64  `json:"track,string"`
	MIME   string  `json:"mime"`
	From   seconds `json:"from"`
	To     seconds `json:"to"`
	Init   int     `json:"init"`
	InitID string  `json:"init_id"`
	Frames int     `json:"frames"`
}

// writePart writes a part: the length of its header, the header, the length of
// its body, the body.
func writePart(w http.ResponseWriter, p fragment.Part) error {
	header, err := json.Marshal(partHeader{p.Track, p.MIME, seconds(p.From), seconds(p.To), len(p.Init), p.InitID(), p.Frames})
	if err != nil {
		return err
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(len(header)))
	b = append(b, header...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(p.Init)+len(p.Media)))
	b = append(b, p.Init...)
	if _, err := w.Write(b); err != nil {
		return err
	}
	_, err = w.Write(p.Media)
	return err
}
