package frame

import (
	"bytes"
	"time"

	"github.com/pion/rtp"
	"github.com/sealtape/sealtape/recorder/media"
)

const (
	defaultHold       = time.Second
	defaultMaxPackets = 2048
	maxMaxPackets     = 8192 // a quarter of the 16-bit space tells old from new

	maxFrameSize    = 8 << 20 // bytes
	maxFramePackets = 16384
	maxFramePieces  = 4 * maxFramePackets // a packet may carry many small ones
)

// An AssemblerConfig says how packets of a track become frames.
type AssemblerConfig struct {
	// Codec is the track's codec. Of a codec that is not [Supported], every
	// packet comes out as a UnitLost.
	Codec media.Codec
	// Hold is how long to wait for a missing packet, counted from when it is
	// first missed. It must be longer than a few retransmissions take. It is
	// measured on the times passed to Push and Pop. 0 means one second.
	Hold time.Duration
	// MaxPackets limits the span of sequence numbers that is waited for: if the
	// newest packet is that far ahead of the oldest missing one, the missing one
	// is given up. 0 means 2048; the most is 8192.
	MaxPackets int
	// SIFTrailer marks server-injected frames in this room (JoinResponse of the
	// room's server, new at each join). Empty means that there are none.
	SIFTrailer []byte
	// RED reports that payloads are redundant audio (RFC 2198): each packet
	// repeats frames of earlier packets, which replace missing ones. It is only
	// for tracks without end-to-end encryption, which would cover the whole
	// payload.
	RED bool
}

// An Assembler puts the packets of one track (one SSRC after another) in order and joins them
// to frames. It is not safe for concurrent use. Its memory is bounded by the
// window of packets and one frame of at most 8 MiB, if Pop is called until it
// returns false after each Push.
type Assembler struct {
	c      AssemblerConfig
	format format
	depack depacketizer // nil: codec not supported
	base   time.Time    // times inside are nanoseconds since
	window reorder
	stats  Stats

	ssrc, former uint32 // of the current packets, and of those before the sender changed it
	switched     int64  // when it did

	timestamp   int64 // of the last packet with a payload, extended
	timestampOK bool

	blocks   []redBlock // of the packet being pushed
	frame    building
	orphans  building // packets that belong to no frame, of one timestamp
	afterEnd bool     // the packet before ended a frame

	brokenAt int64 // timestamp of the last broken frame
	brokenOK bool

	out     []Unit // waiting for Pop, from head on
	head    int
	maxUnit int
}

// A building is a frame, or a remainder of one, that is being assembled.
type building struct {
	active      bool
	pieces      [][]byte
	size, count int // bytes, packets
	timestamp   int64
	at          int64
	first, last int64
}

// NewAssembler returns an Assembler for one track.
func NewAssembler(c AssemblerConfig) *Assembler {
	if c.Hold <= 0 {
		c.Hold = defaultHold
	}
	if c.MaxPackets <= 0 {
		c.MaxPackets = defaultMaxPackets
	}
	c.MaxPackets = min(c.MaxPackets, maxMaxPackets)
	c.SIFTrailer = bytes.Clone(c.SIFTrailer)
	a := &Assembler{c: c, window: newReorder(2 * c.MaxPackets)}
	a.maxUnit = 2 * len(a.window.slots)
	if f, ok := formatOf(c.Codec); ok {
		a.format, a.depack = f, f.depacketizer()
	}
	return a
}

// Push takes a packet that came at arrival. The packet and its payload belong
// to the Assembler from then on. Duplicates, and packets whose hole was given
// up, are counted and dropped.
func (a *Assembler) Push(p *rtp.Packet, arrival time.Time) {
	if a.stats.Packets == 0 {
		a.base = arrival
	}
	at := int64(arrival.Sub(a.base))
	if a.stats.Packets++; p.SSRC != a.ssrc && !a.change(p, at) {
		a.stats.Late++
		return
	}
	var earlier []redBlock
	if a.c.RED {
		earlier = a.unpackRED(p)
	}
	seq, v := a.window.judge(p.SequenceNumber)
	switch v {
	case duplicate:
		a.stats.Duplicates++
		return
	case late:
		a.stats.Late++
		return
	case outOfOrder:
		a.stats.Reordered++
	case far:
		// Hand out what there is, with its holes, until the packet fits.
		for seq-a.window.next >= int64(len(a.window.slots)) && a.step(0, true) {
		}
		if seq-a.window.next >= int64(len(a.window.slots)) {
			lost := seq - a.window.next
			a.hole(a.window.next, lost, int(lost), a.extend(p.Timestamp), at)
			a.window.drop(seq)
		}
	case restart:
		a.stats.Restarts++
		for a.step(0, true) {
		}
		a.hole(a.window.next, seq-a.window.next, 0, a.extend(p.Timestamp), at)
		a.window.drop(seq)
	}
	a.window.place(p, seq, at)
	if len(earlier) > 0 {
		a.fill(p, seq, at, earlier)
	}
}

// change handles a sender's change of SSRC: sequence numbers and time stamps
// begin anew, and nothing is missing. Packets of the SSRC before may come for as
// long as a missing packet is waited for; change returns false for them.
func (a *Assembler) change(p *rtp.Packet, at int64) bool {
	if a.window.started {
		if p.SSRC == a.former && at-a.switched < int64(a.c.Hold) {
			return false
		}
		a.stats.Switches++
		a.Flush()
		a.window.drop(a.window.after(p.SequenceNumber))
		a.former, a.switched = a.ssrc, at
	}
	a.ssrc = p.SSRC
	return true
}

// Pop returns the next unit in sequence order, or false if there is none yet.
// now lets holds expire: call it until false after each Push, and now and then
// when no packets come.
func (a *Assembler) Pop(now time.Time) (Unit, bool) {
	for at := int64(now.Sub(a.base)); a.head == len(a.out); {
		if a.stats.Packets == 0 || !a.step(at, false) {
			return Unit{}, false
		}
	}
	u := a.out[a.head]
	a.out[a.head] = Unit{}
	if a.head++; a.head == len(a.out) {
		a.out, a.head = a.out[:0], 0
	}
	return u, true
}

// Flush gives up all holes and the frame under way, as at a track's end. Pop
// then returns what is left. Packets may be pushed afterwards.
func (a *Assembler) Flush() {
	for a.step(0, true) {
	}
	a.abort()
	a.flushOrphans()
	a.afterEnd = false
}

// Stats returns the counts so far.
func (a *Assembler) Stats() Stats { return a.stats }

// step moves one packet or one hole out of the window. It returns false if
// there is nothing or, unless forced, only what is still waited for at now.
func (a *Assembler) step(now int64, force bool) bool {
	w := &a.window
	if !w.started || w.next > w.high {
		return false
	}
	if s := w.slot(w.next); s.packet != nil {
		p, at := s.packet, s.at
		s.packet = nil
		w.next++
		a.packet(p, w.next-1, at)
		return true
	} else if !force && now-s.at < int64(a.c.Hold) && w.high-w.next < int64(a.c.MaxPackets) {
		return false
	}
	end := w.next + 1
	for w.slot(end).packet == nil { // ends at high, which is there
		end++
	}
	s, first := w.slot(end), w.next
	w.next = end
	a.hole(first, end-first, int(end-first), a.extend(s.packet.Timestamp), s.at)
	return true
}

// extend returns a timestamp in 64 bits, nearest to the last one.
func (a *Assembler) extend(ts uint32) int64 {
	if !a.timestampOK {
		return int64(ts)
	}
	return a.timestamp + int64(int32(ts-uint32(a.timestamp)))
}

// packet takes the next packet in order.
func (a *Assembler) packet(p *rtp.Packet, seq, at int64) {
	if len(p.Payload) == 0 {
		a.stats.Padding++
		return
	}
	ts := a.extend(p.Timestamp)
	a.timestamp, a.timestampOK = ts, true

	if p.Marker && len(a.c.SIFTrailer) > 0 && bytes.HasSuffix(p.Payload, a.c.SIFTrailer) {
		a.injected(p, ts, seq, at)
		return
	}
	if a.depack == nil {
		a.orphan(ts, seq, at, p.Marker)
		return
	}
	where := position{afterEnd: a.afterEnd, underway: a.frame.active && ts == a.frame.timestamp}
	first, last, err := a.depack.place(p.Payload, p.Marker, where)
	a.afterEnd = last
	if a.frame.active && (first || err != nil || ts != a.frame.timestamp) {
		a.abort()
	}
	if first && err == nil {
		a.flushOrphans()
		a.depack.reset()
		a.frame.open(ts, seq, at)
	}
	if !a.frame.active {
		a.orphan(ts, seq, at, last)
		return
	}
	f := &a.frame
	had := len(f.pieces)
	f.pieces, err = a.depack.pieces(f.pieces, p.Payload)
	for _, piece := range f.pieces[had:] {
		f.size += len(piece)
	}
	f.count++
	f.last = seq
	if err != nil || f.size > maxFrameSize || f.count > maxFramePackets || len(f.pieces) > maxFramePieces {
		a.abort()
		return
	}
	if last {
		a.complete(p.Marker)
	}
}

// injected takes a server-injected frame.
func (a *Assembler) injected(p *rtp.Packet, ts, seq, at int64) {
	a.abort()
	a.flushOrphans()
	a.afterEnd = true
	a.stats.SIF++
	payload := p.Payload[:len(p.Payload)-len(a.c.SIFTrailer)]
	known := a.format.injected != nil && a.format.injected(payload)
	if !known {
		a.stats.UnknownSIF++
	}
	a.emit(Unit{
		Kind: UnitSIF, Timestamp: ts, Arrival: a.time(at), Marker: p.Marker,
		FirstSeq: seq, LastSeq: seq, Known: known,
	})
}

// complete emits the frame under way.
func (a *Assembler) complete(marker bool) {
	f := &a.frame
	if !a.depack.whole() {
		a.abort()
		return
	}
	var data []byte
	if len(f.pieces) == 1 {
		data = f.pieces[0][:f.size:f.size] // the packet was ours, so it is the receiver's now
	} else {
		data = make([]byte, 0, f.size)
		for _, piece := range f.pieces {
			data = append(data, piece...)
		}
	}
	u := Unit{
		Kind: UnitFrame, Data: data, Timestamp: f.timestamp, Arrival: a.time(f.at),
		Marker: marker, FirstSeq: f.first, LastSeq: f.last,
	}
	f.close()
	if len(data) == 0 { // a payload format that carries nothing but headers
		a.stats.Broken++
		u.Kind, u.Data = UnitLost, nil
	} else {
		a.stats.Frames++
		if d, ok := a.depack.(keyDepacketizer); ok {
			u.Key = d.key()
		} else {
			u.Key = a.format.key(data)
		}
	}
	a.emit(u)
}

// abort gives up the frame under way.
func (a *Assembler) abort() {
	if !a.frame.active {
		return
	}
	a.broken(a.frame.timestamp)
	a.emit(a.lost(&a.frame))
	a.frame.close()
}

// orphan takes a packet that belongs to no frame under way. Such packets of one
// timestamp make one unit.
func (a *Assembler) orphan(ts, seq, at int64, last bool) {
	if a.orphans.active && a.orphans.timestamp != ts {
		a.flushOrphans()
	}
	if !a.orphans.active {
		a.broken(ts)
		a.orphans.open(ts, seq, at)
	}
	a.orphans.last = seq
	if last {
		a.flushOrphans()
	}
}

func (a *Assembler) flushOrphans() {
	if a.orphans.active {
		a.emit(a.lost(&a.orphans))
		a.orphans.close()
	}
}

// hole handles span missing sequence numbers from first on, of which lost were
// sent. ts and at are those of the packet after them. It also ends the frame that
// is being assembled.
func (a *Assembler) hole(first, span int64, lost int, ts, at int64) {
	a.stats.Lost += uint64(lost)
	u := Unit{Kind: UnitLost, Timestamp: ts, Arrival: a.time(at), FirstSeq: first, LastSeq: first + span - 1, Lost: lost}
	if a.frame.active {
		a.broken(a.frame.timestamp)
		u.Timestamp, u.Arrival, u.FirstSeq = a.frame.timestamp, a.time(a.frame.at), a.frame.first
		a.frame.close()
	}
	a.flushOrphans()
	a.afterEnd = false
	a.emit(u)
}

// broken counts a frame that came in part, once.
func (a *Assembler) broken(ts int64) {
	if !a.brokenOK || a.brokenAt != ts {
		a.stats.Broken++
	}
	a.brokenAt, a.brokenOK = ts, true
}

func (a *Assembler) lost(b *building) Unit {
	return Unit{Kind: UnitLost, Timestamp: b.timestamp, Arrival: a.time(b.at), FirstSeq: b.first, LastSeq: b.last}
}

func (a *Assembler) time(at int64) time.Time { return a.base.Add(time.Duration(at)) }

// emit queues a unit for Pop. If nobody pops, it joins the two oldest units into
// one hole, so that the queue is bounded and every loss is declared.
func (a *Assembler) emit(u Unit) {
	if len(a.out)-a.head >= a.maxUnit {
		a.stats.Overflow++
		old, kept := a.out[a.head], &a.out[a.head+1]
		*kept = Unit{
			Kind: UnitLost, Timestamp: old.Timestamp, Arrival: old.Arrival,
			FirstSeq: old.FirstSeq, LastSeq: kept.LastSeq, Lost: old.Lost + kept.Lost,
		}
		a.out[a.head] = Unit{}
		a.head++
	}
	if len(a.out) == cap(a.out) && a.head > len(a.out)/2 { // reuse what was popped
		n := copy(a.out, a.out[a.head:])
		clear(a.out[n:])
		a.out, a.head = a.out[:n], 0
	}
	a.out = append(a.out, u)
}

func (b *building) open(ts, seq, at int64) {
	*b = building{active: true, pieces: b.pieces[:0], timestamp: ts, at: at, first: seq, last: seq}
}

func (b *building) close() {
	clear(b.pieces) // free the packets
	*b = building{pieces: b.pieces[:0]}
}
