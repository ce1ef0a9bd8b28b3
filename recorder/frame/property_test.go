package frame

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sort"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/sealtape/sealtape/recorder/media"
)

// A sent is one frame, padding packet or server-injected frame, by its
// sequence numbers.
type sent struct {
	kind        UnitKind // 0 for padding
	data        []byte
	key         bool
	timestamp   int64
	first, last int64
	hit         bool // a packet of it was dropped on the way
}

// A wire is a packet on its way.
type wire struct {
	p  rtp.Packet
	at time.Duration
}

// publish makes the packets of n frames, with padding and injected frames
// between them, from random sequence numbers and timestamps on.
func publish(r *rand.Rand, codec media.Codec, n int, trailer []byte) (all []*sent, packets []wire) {
	seq, ts := int64(r.Uint32N(1<<16)), int64(r.Uint32())
	if r.IntN(2) == 0 { // close to both wraps
		seq, ts = 1<<16-1-int64(r.IntN(50)), 1<<32-1-int64(r.IntN(90_000))
	}
	at := time.Duration(0)
	send := func(payload []byte, marker bool) {
		p := rtp.Packet{Payload: payload}
		p.SequenceNumber, p.Timestamp, p.Marker, p.Padding = uint16(seq), uint32(ts), marker, len(payload) == 0
		packets = append(packets, wire{p, at})
		seq++
		at += time.Duration(r.IntN(2000)) * time.Microsecond
	}
	for i := range n {
		s := &sent{kind: UnitFrame, timestamp: ts, first: seq, key: true}
		switch what := r.IntN(20); {
		case what == 0 && i > 0:
			s.kind = 0
			send(nil, false)
		case what == 1:
			s.kind = UnitSIF
			if codec == media.Opus {
				send(append(bytes.Clone(opusSilence[:]), trailer...), true)
			} else {
				send(append(vp8Payload(true, string(vp8Blank[:])), trailer...), true)
			}
		case codec == media.Opus:
			s.data = fmt.Appendf(nil, "opus frame %d", i)
			send(bytes.Clone(s.data), r.IntN(2) == 0)
		default:
			s.key = r.IntN(10) == 0
			s.data = make([]byte, 4, 100)
			if !s.key {
				s.data[0] = 1
			}
			for range r.IntN(8) {
				s.data = fmt.Appendf(s.data, "vp8 frame %d ", i)
			}
			parts := 1 + r.IntN(min(6, len(s.data)))
			for j := range parts {
				a, b := len(s.data)*j/parts, len(s.data)*(j+1)/parts
				send(vp8Payload(j == 0, string(s.data[a:b])), j == parts-1)
			}
		}
		s.last = seq - 1
		all = append(all, s)
		ts += int64(1 + r.IntN(6000))
		at += time.Duration(r.IntN(20)) * time.Millisecond
	}
	return all, packets
}

// Whatever the network does, each unit is what was sent, and what was sent and
// is not handed out lies in a declared hole.
func TestNothingGoesMissingUnsaid(t *testing.T) {
	trailer := []byte("the room's trailer")
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		codec := []media.Codec{media.Opus, media.VP8}[seed%2]
		all, packets := publish(r, codec, 300, trailer)
		loss, burst := []float64{0, 0.01, 0.05, 0.2, 0.5}[seed%5], 1+r.IntN(4)
		const hold = 200 * time.Millisecond

		var stats Stats
		hit := make(map[uint16]bool)
		var arriving []wire
		drop := 0
		for i, w := range packets {
			end := i == 0 || i == len(packets)-1 // what nobody could know to be missing
			if !end && drop == 0 && r.Float64() < loss {
				drop = burst
			}
			if !end && drop > 0 {
				drop--
				hit[w.p.SequenceNumber] = true
				stats.Lost++
				continue
			}
			if !end && r.IntN(5) == 0 {
				w.at += time.Duration(r.Int64N(int64(hold / 2)))
			}
			arriving = append(arriving, w)
			for ; r.IntN(10) == 0; stats.Duplicates++ {
				again := w
				again.p.Payload = bytes.Clone(w.p.Payload)
				again.at += time.Duration(r.Int64N(int64(hold / 4)))
				arriving = append(arriving, again)
			}
		}
		sort.SliceStable(arriving, func(i, j int) bool { return arriving[i].at < arriving[j].at })
		stats.Packets = uint64(len(arriving))

		first := make(map[int64]*sent)
		for _, s := range all {
			for seq := s.first; seq <= s.last; seq++ {
				s.hit = s.hit || hit[uint16(seq)]
			}
			first[s.first] = s
			switch {
			case s.kind == 0 && !s.hit:
				stats.Padding++
			case s.kind == UnitSIF && !s.hit:
				stats.SIF++
			case s.kind == UnitFrame && !s.hit:
				stats.Frames++
			}
		}

		a := NewAssembler(AssemblerConfig{Codec: codec, Hold: hold, SIFTrailer: trailer})
		var units []Unit
		for _, w := range arriving {
			now := epoch.Add(w.at)
			a.Push(&w.p, now)
			units = append(units, drain(a, now)...)
		}
		a.Flush()
		units = append(units, drain(a, epoch)...)

		declared := make(map[int64]bool)
		lost := uint64(0)
		last := int64(-1)
		for _, u := range units {
			if u.FirstSeq <= last || u.LastSeq < u.FirstSeq {
				t.Fatalf("seed %d: unit %d-%d after %d", seed, u.FirstSeq, u.LastSeq, last)
			}
			last = u.LastSeq
			if u.Kind == UnitLost {
				lost += uint64(u.Lost)
				for seq := u.FirstSeq; seq <= u.LastSeq; seq++ {
					declared[seq] = true
				}
				continue
			}
			s := first[u.FirstSeq]
			if s == nil || u.Kind != s.kind || u.LastSeq != s.last || u.Timestamp != s.timestamp || !bytes.Equal(u.Data, s.data) || s.hit {
				t.Fatalf("seed %d: got %+v, sent %+v", seed, u, s)
			}
			if u.Kind == UnitFrame && u.Key != s.key || u.Kind == UnitSIF && !u.Known {
				t.Fatalf("seed %d: got %+v, sent %+v", seed, u, s)
			}
			delete(first, u.FirstSeq)
		}
		for _, s := range first { // not handed out
			said := s.kind == 0 && !s.hit // padding that came is nothing
			for seq := s.first; seq <= s.last; seq++ {
				said = said || declared[seq]
			}
			if !said {
				t.Fatalf("seed %d: %v %d-%d went missing unsaid", seed, s.kind, s.first, s.last)
			}
			if s.kind != 0 && !s.hit {
				t.Fatalf("seed %d: %v %d-%d was all there and was not handed out", seed, s.kind, s.first, s.last)
			}
		}
		got := a.Stats()
		stats.Reordered, stats.Broken = got.Reordered, got.Broken // as they fall
		if got != stats || lost != stats.Lost {
			t.Fatalf("seed %d: stats\n got %+v\nwant %+v, lost %d", seed, got, stats, lost)
		}
	}
}

// What the recorder does with units: frames go into the decrypter in order.
func TestAssembleAndDecrypt(t *testing.T) {
	k := ring(t, "k", KeyOptions{})
	e, d := NewEncrypter(media.VP8, k, 0, 5), NewDecrypter(media.VP8, k)
	a := NewAssembler(AssemblerConfig{Codec: media.VP8})
	seq := uint16(65530)
	for i := range 50 {
		plain := append([]byte{byte(i & 1), 0, 0}, bytes.Repeat([]byte{byte(i)}, 3000)...)
		sealed := seal(t, e, string(plain), uint32(i*3000))
		for j := 0; j < len(sealed); j += 1100 {
			end := min(j+1100, len(sealed))
			p := &rtp.Packet{Payload: vp8Payload(j == 0, string(sealed[j:end]))}
			p.SequenceNumber, p.Timestamp, p.Marker = seq, uint32(i*3000), end == len(sealed)
			seq++
			a.Push(p, epoch)
		}
		u, ok := a.Pop(epoch)
		if !ok || u.Kind != UnitFrame || u.Key != (i&1 == 0) {
			t.Fatalf("frame %d: %+v", i, u)
		}
		got, err := d.Decrypt(nil, u.Data)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("frame %d: %d bytes, %v", i, len(got), err)
		}
	}
}
