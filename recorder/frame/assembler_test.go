package frame

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/sealtape/sealtape/recorder/media"
)

// A step of a test: a packet, or just time passing (seq < 0). at is in
// milliseconds; VP8 payloads get a descriptor by what place says.
type testStep struct {
	at    int
	seq   int // + the random start
	ts    int
	place string // S starts a frame, M ends it, - neither, SM both, P padding, X malformed, 2 a later partition
	data  string
}

const noPacket = -1 << 20

func vp8Payload(start bool, data string) []byte {
	b := byte(0)
	if start {
		b = 0x10
	}
	return append([]byte{0x80 | b, 0xe0, 0x81, 0x02, 5, 0x20}, data...) // PictureID of 15 bits, TL0PICIDX, TID
}

func (s testStep) packet(codec media.Codec, seq0 uint16, ts0 uint32) *rtp.Packet {
	p := &rtp.Packet{Header: rtp.Header{
		Version: 2, SequenceNumber: seq0 + uint16(s.seq), Timestamp: ts0 + uint32(s.ts),
		Marker: strings.Contains(s.place, "M"),
	}}
	switch {
	case strings.Contains(s.place, "P"):
		p.Padding, p.PaddingSize = true, 255
	case codec != media.VP8:
		p.Payload = []byte(s.data)
	case strings.Contains(s.place, "X"):
		p.Payload = []byte{0x80, 0xff}
	case strings.Contains(s.place, "2"):
		p.Payload = append([]byte{0x12}, s.data...)
	default:
		p.Payload = vp8Payload(strings.Contains(s.place, "S"), s.data)
	}
	return p
}

// describe writes a unit as "frame 0-2 @0 data" relative to the starts.
func describe(u Unit, seq0 uint16, ts0 uint32) string {
	s := fmt.Sprintf("%v %d-%d @%d", u.Kind, u.FirstSeq-int64(seq0), u.LastSeq-int64(seq0), u.Timestamp-int64(ts0))
	switch u.Kind {
	case UnitFrame:
		s += " " + string(u.Data)
		if u.Key {
			s += " key"
		}
	case UnitLost:
		s += fmt.Sprintf(" lost %d", u.Lost)
	case UnitSIF:
		s += fmt.Sprintf(" known %v", u.Known)
	}
	return s
}

func TestAssembler(t *testing.T) {
	const trailer = "TrAiLeR"
	blank := string(vp8Blank[:])
	silence := string(opusSilence[:])
	for _, test := range []struct {
		name  string
		codec media.Codec
		max   int
		steps []testStep
		want  []string // units by the end, each with the step it came at
		stats Stats
	}{
		{"opus", media.Opus, 0, []testStep{
			{0, 0, 0, "M", "a"}, {20, 1, 960, "", "b"}, {60, 2, 2880, "M", "c"},
		}, []string{"0 frame 0-0 @0 a key", "1 frame 1-1 @960 b key", "2 frame 2-2 @2880 c key"},
			Stats{Packets: 3, Frames: 3}},
		{"opus reordered, doubled and late", media.Opus, 0, []testStep{
			{0, 0, 0, "", "a"}, {20, 2, 2, "", "c"}, {25, 2, 2, "", "c"}, {30, 1, 1, "", "b"}, {31, 1, 1, "", "b"},
			{40, 5, 5, "", "f"}, {50, 4, 4, "", "e"}, {1040, noPacket, 0, "", ""}, {1041, 3, 3, "", "d"}, {1042, 3, 3, "", "d"}, {1042, 4, 4, "", "e"},
		}, []string{"0 frame 0-0 @0 a key", "3 frame 1-1 @1 b key", "3 frame 2-2 @2 c key",
			"7 lost 3-3 @4 lost 1", "7 frame 4-4 @4 e key", "7 frame 5-5 @5 f key"},
			Stats{Packets: 10, Frames: 5, Duplicates: 3, Late: 2, Reordered: 2, Lost: 1}},
		{"hold counts from when the packet was missed", media.Opus, 0, []testStep{
			{0, 0, 0, "", "a"}, {100, 2, 2, "", "c"}, {600, 4, 4, "", "e"}, {1099, noPacket, 0, "", ""},
			{1100, noPacket, 0, "", ""}, {1599, noPacket, 0, "", ""}, {1600, 5, 5, "", "f"},
		}, []string{"0 frame 0-0 @0 a key", "4 lost 1-1 @2 lost 1", "4 frame 2-2 @2 c key",
			"6 lost 3-3 @4 lost 1", "6 frame 4-4 @4 e key", "6 frame 5-5 @5 f key"},
			Stats{Packets: 4, Frames: 4, Lost: 2}},
		{"a full buffer gives up the oldest hole", media.Opus, 4, []testStep{
			{0, 0, 0, "", "a"}, {1, 2, 2, "", "c"}, {2, 4, 4, "", "e"}, {3, 5, 5, "", "f"},
			{4, 6, 6, "", "g"}, {5, 7, 7, "", "h"},
		}, []string{"0 frame 0-0 @0 a key", "3 lost 1-1 @2 lost 1", "3 frame 2-2 @2 c key",
			"5 lost 3-3 @4 lost 1", "5 frame 4-4 @4 e key", "5 frame 5-5 @5 f key", "5 frame 6-6 @6 g key", "5 frame 7-7 @7 h key"},
			Stats{Packets: 6, Frames: 6, Lost: 2}},
		{"a jump beyond the window", media.Opus, 4, []testStep{
			{0, 0, 0, "", "a"}, {1, 2, 2, "", "c"}, {2, 3002, 3002, "", "z"}, {3, 3003, 3003, "", "y"},
		}, []string{"0 frame 0-0 @0 a key", "2 lost 1-1 @2 lost 1", "2 frame 2-2 @2 c key", "2 lost 3-3001 @3002 lost 2999",
			"2 frame 3002-3002 @3002 z key", "3 frame 3003-3003 @3003 y key"},
			Stats{Packets: 4, Frames: 4, Lost: 3000}},
		{"padding is no frame and no loss", media.Opus, 0, []testStep{
			{0, 0, 0, "", "a"}, {1, 1, 0, "P", ""}, {2, 3, 1, "", "b"}, {3, 2, 0, "PM", ""},
		}, []string{"0 frame 0-0 @0 a key", "3 frame 3-3 @1 b key"},
			Stats{Packets: 4, Frames: 2, Padding: 2, Reordered: 1}},
		{"opus injected", media.Opus, 0, []testStep{
			{0, 0, 0, "", "a"}, {1, 2, 2, "M", silence + trailer}, {2, 3, 3, "", silence + trailer},
			{3, 4, 4, "M", "evil" + trailer}, {4, 5, 5, "M", trailer}, {5, 1, 1, "", "b"},
		}, []string{"0 frame 0-0 @0 a key", "5 frame 1-1 @1 b key", "5 sif 2-2 @2 known true",
			"5 frame 3-3 @3 " + silence + trailer + " key", // no marker: not the server's
			"5 sif 4-4 @4 known false", "5 sif 5-5 @5 known false"},
			Stats{Packets: 6, Frames: 3, SIF: 3, UnknownSIF: 2, Reordered: 1}},
		{"vp8", media.VP8, 0, []testStep{
			{0, 0, 0, "S", "\x10ab"}, {1, 1, 0, "-", "cd"}, {2, 2, 0, "M", "ef"}, {3, 3, 3000, "SM", "\x31gh"},
		}, []string{"2 frame 0-2 @0 \x10abcdef key", "3 frame 3-3 @3000 \x31gh"},
			Stats{Packets: 4, Frames: 2}},
		{"vp8 reordered, with padding within", media.VP8, 0, []testStep{
			{0, 0, 0, "SM", "\x10"}, {1, 3, 1, "M", "c"}, {2, 2, 1, "P", ""}, {3, 1, 1, "S", "\x31b"},
		}, []string{"0 frame 0-0 @0 \x10 key", "3 frame 1-3 @1 \x31bc"},
			Stats{Packets: 4, Frames: 2, Padding: 1, Reordered: 2}},
		{"vp8 partitions", media.VP8, 0, []testStep{
			{0, 0, 0, "S", "\x10a"}, {1, 1, 0, "2", "b"}, {2, 2, 0, "M", "c"},
		}, []string{"2 frame 0-2 @0 \x10abc key"}, Stats{Packets: 3, Frames: 1}},
		{"vp8 without the middle", media.VP8, 0, []testStep{
			{0, 0, 0, "S", "\x10a"}, {1, 2, 0, "M", "c"}, {2, 3, 1, "SM", "\x31d"}, {1001, noPacket, 0, "", ""},
		}, []string{"3 lost 0-1 @0 lost 1", "3 lost 2-2 @0 lost 0", "3 frame 3-3 @1 \x31d"},
			Stats{Packets: 3, Frames: 1, Lost: 1, Broken: 1}},
		{"vp8 without the start", media.VP8, 0, []testStep{
			{0, 0, 0, "SM", "\x10a"}, {1, 2, 1, "-", "c"}, {1, 3, 1, "-", "d"}, {1, 4, 1, "M", "e"}, {2, 5, 2, "SM", "\x31f"}, {1001, noPacket, 0, "", ""},
		}, []string{"0 frame 0-0 @0 \x10a key", "5 lost 1-1 @1 lost 1", "5 lost 2-4 @1 lost 0", "5 frame 5-5 @2 \x31f"},
			Stats{Packets: 5, Frames: 2, Lost: 1, Broken: 1}},
		{"vp8 without end and next start", media.VP8, 0, []testStep{
			{0, 0, 0, "S", "\x10a"}, {1, 3, 1, "M", "d"}, {1001, 4, 2, "SM", "\x31e"},
		}, []string{"2 lost 0-2 @0 lost 2", "2 lost 3-3 @1 lost 0", "2 frame 4-4 @2 \x31e"},
			Stats{Packets: 3, Frames: 1, Lost: 2, Broken: 2}},
		{"vp8 joined in the middle", media.VP8, 0, []testStep{
			{0, 0, 0, "-", "a"}, {1, 1, 0, "M", "b"}, {2, 2, 1, "SM", "\x10c"},
		}, []string{"1 lost 0-1 @0 lost 0", "2 frame 2-2 @1 \x10c key"},
			Stats{Packets: 3, Frames: 1, Broken: 1}},
		{"vp8 frame cut off by the next", media.VP8, 0, []testStep{
			{0, 0, 0, "S", "\x10a"}, {1, 1, 1, "SM", "\x31b"}, {2, 2, 2, "S", "\x31c"}, {3, 3, 3, "M", "d"}, {4, 4, 4, "S", "\x31"}, {5, 5, 4, "SM", "\x31e"},
		}, []string{"1 lost 0-0 @0 lost 0", "1 frame 1-1 @1 \x31b", "3 lost 2-2 @2 lost 0", "3 lost 3-3 @3 lost 0",
			"5 lost 4-4 @4 lost 0", "5 frame 5-5 @4 \x31e"},
			Stats{Packets: 6, Frames: 2, Broken: 4}},
		{"vp8 malformed", media.VP8, 0, []testStep{
			{0, 0, 0, "S", "\x10a"}, {1, 1, 0, "X", ""}, {2, 2, 0, "M", "b"}, {3, 3, 1, "X", ""}, {4, 4, 2, "SM", "\x31c"},
		}, []string{"1 lost 0-0 @0 lost 0", "2 lost 1-2 @0 lost 0", "4 lost 3-3 @1 lost 0", "4 frame 4-4 @2 \x31c"},
			Stats{Packets: 5, Frames: 1, Broken: 2}},
		{"vp8 injected", media.VP8, 0, []testStep{
			{0, 0, 0, "S", "\x10a"}, {1, 1, 1, "SM", blank + trailer}, {2, 2, 2, "SM", "\x10no" + trailer}, {3, 3, 3, "SM", "\x31b"},
		}, []string{"1 lost 0-0 @0 lost 0", "1 sif 1-1 @1 known true", "2 sif 2-2 @2 known false", "3 frame 3-3 @3 \x31b"},
			Stats{Packets: 4, Frames: 1, SIF: 2, UnknownSIF: 1, Broken: 1}},
		{"codec without rules", media.AV1, 0, []testStep{
			{0, 0, 0, "", "a"}, {1, 1, 0, "M", "b"}, {2, 2, 1, "M", "c"}, {3, 3, 2, "M", "c" + trailer},
		}, []string{"1 lost 0-1 @0 lost 0", "2 lost 2-2 @1 lost 0", "3 sif 3-3 @2 known false"},
			Stats{Packets: 4, SIF: 1, UnknownSIF: 1, Broken: 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			// Sequence numbers and timestamps may start anywhere, and wrap.
			for _, start := range []struct {
				seq uint16
				ts  uint32
			}{{0, 0}, {1000, 1 << 31}, {0xfffd, 0xfffffffe}, {0x7fff, 0x7fffffff}, {0xffff, 0xffffffff}} {
				a := NewAssembler(AssemblerConfig{Codec: test.codec, MaxPackets: test.max, SIFTrailer: []byte(trailer)})
				var got []string
				for i, s := range test.steps {
					now := epoch.Add(time.Duration(s.at) * time.Millisecond)
					if s.seq != noPacket {
						a.Push(s.packet(test.codec, start.seq, start.ts), now)
					}
					for u, ok := a.Pop(now); ok; u, ok = a.Pop(now) {
						got = append(got, fmt.Sprintf("%d %s", i, describe(u, start.seq, start.ts)))
					}
				}
				if !reflect.DeepEqual(got, test.want) {
					t.Fatalf("from %v:\n got %q\nwant %q", start, got, test.want)
				}
				if s := a.Stats(); s != test.stats {
					t.Fatalf("stats\n got %+v\nwant %+v", s, test.stats)
				}
			}
		})
	}
}

func pushOpus(a *Assembler, seq uint16, at time.Time) {
	a.Push(&rtp.Packet{Header: rtp.Header{SequenceNumber: seq, Timestamp: uint32(seq)}, Payload: []byte{byte(seq >> 8), byte(seq)}}, at)
}

func drain(a *Assembler, now time.Time) (units []Unit) {
	for u, ok := a.Pop(now); ok; u, ok = a.Pop(now) {
		units = append(units, u)
	}
	return units
}

func TestSupported(t *testing.T) {
	for _, test := range []struct {
		codec    media.Codec
		frames   bool
		sealed   bool
		injected string // a payload that the server injects
	}{
		{media.Opus, true, true, string(opusSilence[:])},
		{media.VP8, true, true, "\x10" + string(vp8Blank[:])},
		{"pcmu", false, false, ""},
	} {
		if f, e := Supported(test.codec), EncryptionSupported(test.codec); f != test.frames || e != test.sealed {
			t.Errorf("%s: frames %v, encryption %v", test.codec, f, e)
		}
		if f, ok := formatOf(test.codec); ok {
			for i := range len(test.injected) + 1 {
				payload := []byte(test.injected)
				if i < len(payload) {
					payload[i] ^= 0x40
				}
				// Only the descriptor may differ from the server's frame.
				want := i == len(payload) || test.codec == media.VP8 && i == 0
				if f.injected(payload) != want {
					t.Errorf("%s: injected with byte %d changed is %v", test.codec, i, !want)
				}
			}
		}
	}
}

func TestAssemblerEmpty(t *testing.T) {
	a := NewAssembler(AssemblerConfig{Codec: media.Opus})
	a.Flush()
	if u := drain(a, epoch); u != nil {
		t.Errorf("got %v", u)
	}
}

func TestAssemblerFlush(t *testing.T) {
	a := NewAssembler(AssemblerConfig{Codec: media.VP8})
	for _, s := range []testStep{{0, 0, 0, "SM", "\x10"}, {0, 2, 2, "S", "\x31x"}, {0, 3, 2, "M", "y"}, {0, 5, 5, "S", "\x31z"}} {
		a.Push(s.packet(media.VP8, 0, 0), epoch)
	}
	if n := len(drain(a, epoch)); n != 1 {
		t.Fatalf("%d units before Flush", n)
	}
	a.Flush()
	var got []string
	for _, u := range drain(a, epoch) {
		got = append(got, describe(u, 0, 0))
	}
	want := []string{"lost 1-1 @2 lost 1", "frame 2-3 @2 \x31xy", "lost 4-4 @5 lost 1", "lost 5-5 @5 lost 0"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	a.Push(testStep{0, 6, 6, "SM", "\x10"}.packet(media.VP8, 0, 0), epoch)
	if u := drain(a, epoch); len(u) != 1 || u[0].Kind != UnitFrame {
		t.Errorf("after Flush: %v", u)
	}
}

// Sequence numbers wrap every few minutes, timestamps every half day: neither
// may show.
func TestAssemblerWraps(t *testing.T) {
	a := NewAssembler(AssemblerConfig{Codec: media.Opus})
	seq, ts := uint16(65000), uint32(1<<32-1000)
	wantSeq, wantTS := int64(seq), int64(ts)
	const tick = 1 << 24 // 256 packets a wrap
	for i := range 200_000 {
		now := epoch.Add(time.Duration(i) * 20 * time.Millisecond)
		a.Push(&rtp.Packet{Header: rtp.Header{SequenceNumber: seq, Timestamp: ts}, Payload: []byte{1}}, now)
		u, ok := a.Pop(now)
		if !ok || u.FirstSeq != wantSeq || u.Timestamp != wantTS || !u.Arrival.Equal(now) {
			t.Fatalf("packet %d: %+v, want %d at %d", i, u, wantSeq, wantTS)
		}
		seq, wantSeq = seq+1, wantSeq+1
		ts, wantTS = ts+tick, wantTS+tick
	}
}

func TestAssemblerRestart(t *testing.T) {
	a := NewAssembler(AssemblerConfig{Codec: media.Opus})
	for seq := uint16(100); seq < 200; seq++ {
		pushOpus(a, seq, epoch)
	}
	drain(a, epoch)
	// Old packets among live ones change nothing, however many.
	for seq := uint16(40000); seq < 40100; seq++ {
		pushOpus(a, seq, epoch)
		pushOpus(a, seq-40000+200, epoch)
	}
	if n := len(drain(a, epoch)); n != 100 {
		t.Fatalf("%d units", n)
	}
	// Old ones alone, in a row, are a new start.
	pushOpus(a, 301, epoch) // waits for 300
	for seq := uint16(40000); seq < 40100; seq++ {
		pushOpus(a, seq, epoch)
	}
	units := drain(a, epoch)
	if len(units) != 3+100-restartRun+1 {
		t.Fatalf("%d units", len(units))
	}
	first := units[3]
	if units[0].Kind != UnitLost || units[0].Lost != 1 || units[1].Kind != UnitFrame ||
		units[2].Kind != UnitLost || units[2].Lost != 0 || units[2].LastSeq+1 != first.FirstSeq ||
		uint16(first.FirstSeq) != 40000+restartRun-1 || first.Kind != UnitFrame {
		t.Errorf("got %v", units[:4])
	}
	if s := a.Stats(); s.Restarts != 1 || s.Lost != 1 || s.Late != 100+restartRun-1 {
		t.Errorf("stats %+v", s)
	}
}

// A caller that does not pop loses frames, not the truth about them.
// A sender that takes another SSRC begins anew: nothing is missing, and what comes
// late of the one before spoils nothing. One that goes back is heard again.
func TestAssemblerTakesAnotherSSRC(t *testing.T) {
	a := NewAssembler(AssemblerConfig{Codec: media.Opus})
	start := time.Now()
	var got []string
	push := func(ssrc uint32, seq uint16, ms int, data string) {
		at := start.Add(time.Duration(ms) * time.Millisecond)
		a.Push(&rtp.Packet{Header: rtp.Header{Version: 2, SSRC: ssrc, SequenceNumber: seq, Timestamp: 1000*ssrc + uint32(960*seq)}, Payload: []byte(data)}, at)
		for {
			u, ok := a.Pop(at)
			if !ok {
				return
			}
			if u.Kind != UnitFrame {
				t.Errorf("got %v", u.Kind)
				continue
			}
			got = append(got, string(u.Data))
		}
	}
	push(1, 65000, 0, "a")
	push(1, 65001, 20, "b")
	push(7, 30000, 40, "c") // behind, in its numbers
	push(1, 65002, 50, "late")
	push(7, 30002, 60, "e")
	push(7, 30001, 70, "d")
	push(1, 100, 5000, "f")
	push(7, 30003, 5010, "late")
	push(1, 101, 5020, "g")
	if want := "abcdefg"; strings.Join(got, "") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if s := a.Stats(); s.Switches != 2 || s.Late != 2 || s.Lost != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestAssemblerOverflow(t *testing.T) {
	a := NewAssembler(AssemblerConfig{Codec: media.Opus, MaxPackets: 4})
	const n = 1000
	for seq := range n {
		pushOpus(a, uint16(seq), epoch)
	}
	next, frames := int64(0), 0
	for _, u := range drain(a, epoch) {
		if u.FirstSeq != next {
			t.Fatalf("unit starts at %d, want %d", u.FirstSeq, next)
		}
		next = u.LastSeq + 1
		if u.Kind == UnitFrame {
			frames++
		}
	}
	if next != n || frames == 0 || frames > a.maxUnit+len(a.window.slots) || a.Stats().Overflow == 0 {
		t.Errorf("up to %d, %d frames, %+v", next, frames, a.Stats())
	}
}

func TestAssemblerFrameBounds(t *testing.T) {
	for _, test := range []struct {
		name           string
		packets, bytes int
		whole          bool
	}{
		{"largest", 8, maxFrameSize / 8, true},
		{"too large", 9, maxFrameSize / 8, false},
		{"most packets", maxFramePackets, 1, true},
		{"too many packets", maxFramePackets + 1, 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := NewAssembler(AssemblerConfig{Codec: media.VP8})
			data := strings.Repeat("\x10", test.bytes)
			var units []Unit
			for i := range test.packets {
				p := &rtp.Packet{Payload: vp8Payload(i == 0, data)}
				p.SequenceNumber, p.Marker = uint16(i), i == test.packets-1
				a.Push(p, epoch)
				units = append(units, drain(a, epoch)...)
				if a.frame.size > maxFrameSize || len(a.frame.pieces) > maxFramePackets {
					t.Fatalf("%d bytes in %d pieces are held", a.frame.size, len(a.frame.pieces))
				}
			}
			if test.whole {
				if len(units) != 1 || units[0].Kind != UnitFrame || !bytes.Equal(units[0].Data, []byte(strings.Repeat(data, test.packets))) {
					t.Fatalf("%d units", len(units))
				}
			} else {
				last := units[len(units)-1]
				if units[0].Kind != UnitLost || units[0].FirstSeq != 0 || last.LastSeq != int64(test.packets-1) || a.Stats().Frames != 0 {
					t.Fatalf("%d units, %+v", len(units), a.Stats())
				}
			}
		})
	}
}
