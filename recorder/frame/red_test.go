package frame

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/sealtape/sealtape/recorder/media"
)

// red packs a frame behind copies of those before it, which are older by 960
// ticks each.
func red(own string, earlier ...string) []byte {
	var head, body []byte
	for i, e := range earlier {
		offset := 960 * (len(earlier) - i)
		head = append(head, 0x80|111, byte(offset>>6), byte(offset<<2)|byte(len(e)>>8), byte(len(e)))
		body = append(body, e...)
	}
	return append(append(append(head, 111), body...), own...)
}

func TestRED(t *testing.T) {
	frames := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	for _, tt := range []struct {
		name      string
		arrive    []int // packets, in order
		distance  int   // how many frames each repeats
		want      string
		recovered uint64
		lost      uint64
	}{
		{"all", []int{0, 1, 2, 3, 4, 5, 6, 7}, 2, "abcdefgh", 0, 0},
		{"every other", []int{0, 2, 4, 6}, 1, "abcdefg", 3, 0},
		{"two of three", []int{0, 3, 6}, 2, "abcdefg", 4, 0},
		{"more than is repeated", []int{0, 4, 5}, 2, "acdef", 2, 1},
		{"the original comes later", []int{0, 2, 1, 3}, 2, "abcd", 1, 0},
		{"none repeated", []int{0, 2, 3}, 0, "acd", 0, 1},
		{"before the first", []int{2, 3}, 2, "cd", 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := NewAssembler(AssemblerConfig{Codec: media.Opus, RED: true})
			for _, n := range tt.arrive {
				a.Push(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(65534 + n), Timestamp: uint32(960 * n)},
					Payload: red(frames[n], frames[max(0, n-tt.distance):n]...)}, epoch)
			}
			a.Flush()
			got := ""
			for u, ok := a.Pop(epoch); ok; u, ok = a.Pop(epoch) {
				if u.Kind != UnitFrame {
					continue
				}
				if want := frames[u.Timestamp/960]; string(u.Data) != want || uint16(u.FirstSeq) != uint16(65534+u.Timestamp/960) {
					t.Errorf("frame %+v is %q, want %q", u, u.Data, want)
				}
				got += string(u.Data)
			}
			if s := a.Stats(); got != tt.want || s.Recovered != tt.recovered || s.Lost != tt.lost {
				t.Errorf("frames %q, want %q; %+v", got, tt.want, s)
			}
		})
	}
}

// TestREDOffsets: what a packet says of an earlier one must fit those that came.
func TestREDOffsets(t *testing.T) {
	for _, popped := range []bool{false, true} {
		for offset, want := range map[int]string{960: "axc", 1920: "ac", 2880: "ac"} {
			a := NewAssembler(AssemblerConfig{Codec: media.Opus, RED: true})
			got := ""
			pop := func() {
				for u, ok := a.Pop(epoch); ok; u, ok = a.Pop(epoch) {
					got += string(u.Data)
				}
			}
			a.Push(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: 0, Timestamp: 9600}, Payload: red("a")}, epoch)
			if popped {
				pop()
			}
			a.Push(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: 2, Timestamp: 9600 + 1920},
				Payload: []byte{0x80 | 111, byte(offset >> 6), byte(offset << 2), 1, 111, 'x', 'c'}}, epoch)
			a.Flush()
			pop()
			if got != want {
				t.Errorf("popped %v, %d ticks: frames %q, want %q", popped, offset, got, want)
			}
		}
	}
}

// FuzzRED: blocks lie within the payload, in order, and nothing else is bounded
// by what the payload claims.
func FuzzRED(f *testing.F) {
	f.Add(red("own", "first", "second"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		blocks, err := parseRED(nil, payload)
		if err != nil {
			if len(blocks) != 0 {
				t.Fatalf("%v, with %d blocks", err, len(blocks))
			}
			return
		}
		if len(blocks) < 1 || len(blocks) > maxRedundant+1 {
			t.Fatalf("%d blocks", len(blocks))
		}
		size := 1 + 4*(len(blocks)-1)
		for i, b := range blocks {
			size += len(b.data)
			if b.offset > 1<<14-1 || i == len(blocks)-1 && b.offset != 0 {
				t.Fatalf("block %d is %d ticks old", i, b.offset)
			}
		}
		if size != len(payload) {
			t.Fatalf("%d bytes of %d in blocks", size, len(payload))
		}
		a := NewAssembler(AssemblerConfig{Codec: media.Opus, RED: true})
		for n := range 3 {
			a.Push(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(3 * n), Timestamp: uint32(20000 * n)}, Payload: slices.Clone(payload)},
				epoch.Add(time.Duration(n)))
		}
		a.Flush()
		next := int64(0)
		for u, ok := a.Pop(epoch); ok; u, ok = a.Pop(epoch) {
			if u.FirstSeq < next {
				t.Fatalf("unit from %d, after %d", u.FirstSeq, next)
			}
			next = u.LastSeq + 1
		}
	})
}
