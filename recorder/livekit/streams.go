package livekit

import (
	"bytes"
	"compress/flate"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	lkproto "github.com/livekit/protocol/livekit"

	"github.com/sealtape/sealtape/recorder/media"
)

// Streams that are under way cost memory, and whoever began one may never end it:
// each sender has a share, and time. What is over a bound costs whoever is over
// it, the oldest first: a client that forgets its streams can still begin one.
const (
	streamIdle  = 30 * time.Second
	streamLife  = 10 * time.Minute
	maxStreamID = 256 // bytes; the SDKs take 36
	// keptText is how much is kept of a text: what an event takes, and a character
	// more, so that one can tell where the last one ends.
	keptText = media.MaxText + utf8.UTFMax
)

// bounds are how many streams, and how many bytes that are kept of them, there may
// be at once: of one sender, and of all. Where those of all are too many, whoever
// has most of them loses one.
type bounds struct{ senderStreams, senderBytes, roomStreams, roomBytes int }

var roomBounds = bounds{senderStreams: 16, senderBytes: 6 << 20, roomStreams: 1024, roomBytes: 64 << 20}

// streams reads the streams of a room's members (LiveKit's data streams, versions
// 1 and 2). It starts no goroutine, and is safe for concurrent use: its methods
// return the streams that are over by what happened.
type streams struct {
	bounds bounds
	mu     sync.Mutex
	open   map[streamKey]*stream
	shares map[string]*share // of those who have streams
	bytes  int               // kept of all
}

// A streamKey is what chunks name their stream by. The sender is the server's
// word, so nobody writes into another's stream; nor does what is not sealed go
// on what is.
type streamKey struct {
	from, id string
	sealed   bool
}

// A share is what one sender has under way.
type share struct {
	streams []*stream
	bytes   int // kept of them
}

// A stream is one text, or one file.
type stream struct {
	streamKey
	topic     string
	name      string // of a file
	text      bool   // it is one
	generated bool   // by a program
	keep      int    // how many bytes of it are kept; 0 counts them only
	kept      []byte // its beginning
	came      uint64 // bytes of it, as they were sent
	whole     bool   // it was ended by its sender, and nothing of it is missing

	total    *uint64 // how many bytes there are to be; nil if its sender did not say
	deflated bool
	next     uint64 // index of the next chunk
	torn     bool   // one is missing
	begun    time.Time
	last     time.Time // when something of it came
}

func newStreams(b bounds) *streams {
	return &streams{bounds: b, open: make(map[streamKey]*stream), shares: make(map[string]*share)}
}

// begin takes a header.
func (x *streams) begin(from string, sealed bool, h *lkproto.DataStream_Header, now time.Time) (over []*stream) {
	st := &stream{streamKey: streamKey{from, h.GetStreamId(), sealed}, topic: h.GetTopic(), name: h.GetByteHeader().GetName(),
		text: h.GetTextHeader() != nil, generated: h.GetTextHeader().GetGenerated(), total: h.TotalLength, deflated: h.GetCompression() != lkproto.DataStream_NONE, begun: now, last: now}
	if st.kind() != media.EventStream {
		st.keep = keptText
	}
	if len(st.id) > maxStreamID {
		return []*stream{st}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	over = x.drop(over, x.open[st.streamKey]) // it begins anew
	if h.InlineContent != nil {
		// A short stream is its header: there is neither chunk nor trailer.
		st.kept = h.InlineContent[:min(len(h.InlineContent), st.keep)]
		st.came = uint64(len(h.InlineContent))
		st.end()
		return append(over, st)
	}
	x.open[st.streamKey] = st
	s := x.shares[from]
	if s == nil {
		s = new(share)
		x.shares[from] = s
	}
	s.streams = append(s.streams, st)
	if len(s.streams) > x.bounds.senderStreams {
		over = x.drop(over, s.stalest())
	}
	if len(x.open) > x.bounds.roomStreams {
		over = x.drop(over, x.greatest(func(s *share) int { return len(s.streams) }).stalest())
	}
	return over
}

// chunk takes a piece of a stream.
func (x *streams) chunk(from string, sealed bool, c *lkproto.DataStream_Chunk, now time.Time) (over []*stream) {
	x.mu.Lock()
	defer x.mu.Unlock()
	st := x.open[streamKey{from, c.GetStreamId(), sealed}]
	if st == nil {
		return nil
	}
	st.last = now
	switch {
	case c.GetChunkIndex() < st.next:
		return nil // a piece that was sent again, or changed: the first stands
	case c.GetChunkIndex() > st.next:
		st.torn = true
	}
	st.next = c.GetChunkIndex() + 1
	s, content := x.shares[from], c.GetContent()
	st.came += uint64(len(content))
	if room := st.keep - len(st.kept); room > 0 && !st.torn {
		content = content[:min(len(content), room)]
		st.kept = append(st.kept, content...)
		x.bytes += len(content)
		s.bytes += len(content)
	}
	for s.bytes > x.bounds.senderBytes {
		over = x.drop(over, s.stalest())
	}
	for x.bytes > x.bounds.roomBytes {
		over = x.drop(over, x.greatest(func(s *share) int { return s.bytes }).stalest())
	}
	return over
}

// trailer takes the end of a stream.
func (x *streams) trailer(from string, sealed bool, t *lkproto.DataStream_Trailer) (over []*stream) {
	x.mu.Lock()
	defer x.mu.Unlock()
	st := x.open[streamKey{from, t.GetStreamId(), sealed}]
	if st == nil {
		return nil
	}
	if t.GetReason() == "" {
		st.end()
	}
	return x.drop(nil, st)
}

// expire ends the streams whose time is over.
func (x *streams) expire(now time.Time) (over []*stream) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, st := range x.open {
		if now.Sub(st.last) >= streamIdle || now.Sub(st.begun) >= streamLife {
			over = x.drop(over, st)
		}
	}
	return over
}

// giveUp ends all streams.
func (x *streams) giveUp() (over []*stream) {
	x.mu.Lock()
	defer x.mu.Unlock()
	over = slices.Collect(maps.Values(x.open))
	clear(x.open)
	clear(x.shares)
	x.bytes = 0
	return over
}

// drop takes a stream, if it is one, from those under way to those that are over.
// x.mu is held.
func (x *streams) drop(over []*stream, st *stream) []*stream {
	if st == nil {
		return over
	}
	delete(x.open, st.streamKey)
	x.bytes -= len(st.kept)
	s := x.shares[st.from]
	s.bytes -= len(st.kept)
	s.streams = slices.DeleteFunc(s.streams, func(it *stream) bool { return it == st })
	if len(s.streams) == 0 {
		delete(x.shares, st.from)
	}
	return append(over, st)
}

// greatest returns the share that has most of what is counted. x.mu is held.
func (x *streams) greatest(count func(*share) int) (most *share) {
	for _, s := range x.shares {
		if most == nil || count(s) > count(most) {
			most = s
		}
	}
	return most
}

// stalest returns the stream of which nothing came for longest.
func (s *share) stalest() *stream {
	return slices.MinFunc(s.streams, func(a, b *stream) int { return a.last.Compare(b.last) })
}

// kind is what the stream becomes in the timeline.
func (st *stream) kind() media.EventType {
	if typ := typeOf(st.topic); typ != "" && st.text {
		return typ
	}
	return media.EventStream
}

// size is how many bytes there are: those that came or, where the end is missing,
// as many as its sender said.
func (st *stream) size() uint64 {
	if !st.whole && st.total != nil {
		return max(st.came, *st.total)
	}
	return st.came
}

// end notes that the stream was ended by its sender.
func (st *stream) end() {
	st.whole = !st.torn && (st.total == nil || *st.total == st.came)
}

// content returns what is kept of the stream, up to the bound on it, and whether
// that is all of it.
func (st *stream) content() (b []byte, all bool) {
	if !st.deflated {
		return st.kept, st.whole && uint64(len(st.kept)) == st.came
	}
	// It may be of any size: no more is read than is kept.
	b, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(st.kept)), int64(st.keep)+1))
	all = st.whole && err == nil && len(b) <= st.keep
	return b[:min(len(b), st.keep)], all
}
