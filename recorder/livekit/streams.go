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

// Open streams cost memory, and a sender may never end one. So each sender has a
// share, and a time limit. Above a limit the oldest stream of the sender is
// dropped: a client that forgets its streams can still begin one.
const (
	streamIdle  = 30 * time.Second
	streamLife  = 10 * time.Minute
	maxStreamID = 256 // bytes; the SDKs take 36
	// keptText is how much of a text is stored: what an event can have, and one
	// character more, to see where the last one ends.
	keptText = media.MaxText + utf8.UTFMax
	// keptSaid is the same for a transcription.
	keptSaid = media.MaxSaid + utf8.UTFMax
)

// bounds limit the number of open streams and their stored bytes: of one sender,
// and of all. If all together exceed a limit, the sender with the most loses one.
type bounds struct{ senderStreams, senderBytes, roomStreams, roomBytes int }

var roomBounds = bounds{senderStreams: 16, senderBytes: 6 << 20, roomStreams: 1024, roomBytes: 64 << 20}

// streams reads the streams of a room's members (LiveKit's data streams, versions
// 1 and 2). It starts no goroutine, and is safe for concurrent use. Its methods
// return the streams that have ended.
type streams struct {
	bounds bounds
	mu     sync.Mutex
	open   map[streamKey]*stream
	shares map[string]*share // of those who have streams
	bytes  int               // kept of all
}

// A streamKey identifies the stream of a chunk. The server names the sender, so
// nobody writes into another's stream; and unsealed chunks do not continue a
// sealed stream.
type streamKey struct {
	from, id string
	sealed   bool
}

// A share is the open streams of one sender.
type share struct {
	streams []*stream
	bytes   int // kept of them
}

// A stream is one text or one file.
type stream struct {
	streamKey
	as        string // in whose name it is sent, as the server lets agents do
	topic     string
	spoken    spoken // what a transcription says of itself
	name      string // of a file
	text      bool   // it is one
	generated bool   // by a program
	keep      int    // how many bytes to store; 0: only count
	kept      []byte // its beginning
	came      uint64 // bytes of it, as they were sent
	whole     bool   // its sender ended it, and nothing is missing

	total    *uint64 // its size as announced; nil: not announced
	deflated bool
	next     uint64 // index of the next chunk
	torn     bool   // a chunk is missing
	begun    time.Time
	last     time.Time // when the last part came
}

func newStreams(b bounds) *streams {
	return &streams{bounds: b, open: make(map[streamKey]*stream), shares: make(map[string]*share)}
}

// begin takes a header of from, in the name of as.
func (x *streams) begin(from, as string, sealed bool, h *lkproto.DataStream_Header, now time.Time) (over []*stream) {
	st := &stream{streamKey: streamKey{from, h.GetStreamId(), sealed}, as: as, topic: h.GetTopic(), name: h.GetByteHeader().GetName(),
		text: h.GetTextHeader() != nil, generated: h.GetTextHeader().GetGenerated(), total: h.TotalLength, deflated: h.GetCompression() != lkproto.DataStream_NONE, begun: now, last: now}
	switch st.kind() {
	case media.EventStream:
	case media.EventTranscription:
		st.keep = keptSaid
		st.spoken.read(h.GetAttributes())
	default:
		st.keep = keptText
	}
	if len(st.id) > maxStreamID {
		return []*stream{st}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	over = x.drop(over, x.open[st.streamKey]) // it begins anew
	if h.InlineContent != nil {
		// A short stream is in its header: it has neither chunk nor trailer.
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
		return nil // a chunk that was sent again, or changed: the first one counts
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
	if st.kind() == media.EventTranscription {
		st.spoken.read(t.GetAttributes()) // an agent's own words are final only now
	}
	return x.drop(nil, st)
}

// expire ends the streams whose time limit has passed.
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

// drop moves a stream from the open ones to those that have ended. A nil stream
// is ignored. The caller holds x.mu.
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

// greatest returns the share with the highest count. The caller holds x.mu.
func (x *streams) greatest(count func(*share) int) (most *share) {
	for _, s := range x.shares {
		if most == nil || count(s) > count(most) {
			most = s
		}
	}
	return most
}

// stalest returns the stream that has received nothing for longest.
func (s *share) stalest() *stream {
	return slices.MinFunc(s.streams, func(a, b *stream) int { return a.last.Compare(b.last) })
}

// kind returns the type of the stream's event.
func (st *stream) kind() media.EventType {
	if typ := typeOf(st.topic); typ != "" && st.text {
		return typ
	}
	return media.EventStream
}

// size returns how many bytes the stream has: those that came, or, if its end is
// missing, as many as its sender announced.
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

// content returns the stored part of the stream, and whether that is all of it.
func (st *stream) content() (b []byte, all bool) {
	if !st.deflated {
		return st.kept, st.whole && uint64(len(st.kept)) == st.came
	}
	// It may inflate to any size: read no more than is stored.
	b, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(st.kept)), int64(st.keep)+1))
	all = st.whole && err == nil && len(b) <= st.keep
	return b[:min(len(b), st.keep)], all
}
