package frame

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// Whatever senders and a hostile server make of nonces, the window refuses what
// is among the last 4096, and nothing that was not there.
func TestReplayWindowAgainstModel(t *testing.T) {
	type full struct {
		key uint32
		iv  [ivSize]byte
	}
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 1))
		var w replayWindow
		var order []full
		last := make(map[full]int) // when it was added
		type stream struct {
			key, ssrc, ts, count uint32
		}
		streams := make([]stream, 7) // more than there are runs
		for i := range streams {
			streams[i] = stream{key: uint32(i % 3), ssrc: uint32(i % 5), ts: r.Uint32()}
		}
		refused := 0
		for n := range 60_000 {
			var f full
			switch x := r.IntN(1000); {
			case x < 100 && len(order) > 0: // a replay, of the last ones mostly
				back := 1 + r.IntN(min(len(order), []int{10, 5000, 20_000}[r.IntN(3)]))
				f = order[len(order)-back]
			case x < 102: // as server-sdk-go makes them
				f.key = uint32(r.IntN(3))
				for i := range f.iv {
					f.iv[i] = byte(r.Uint32())
				}
			default:
				s := &streams[0]
				if n/9000%2 == 1 {
					s = &streams[r.IntN(len(streams))]
				}
				switch y := r.IntN(2000); {
				case y < 2:
					s.ts += 1<<31 - uint32(r.IntN(3)) // as far as it goes, and farther
				case y < 50:
					s.ts -= uint32(r.IntN(5000))
				case y < 100: // another layer of the same picture
				default:
					s.ts += 960
				}
				s.count++
				f.key = s.key
				binary.BigEndian.PutUint32(f.iv[:], s.ssrc)
				binary.BigEndian.PutUint32(f.iv[4:], s.ts)
				binary.BigEndian.PutUint32(f.iv[8:], s.ts-s.count)
			}
			at, seen := last[f]
			isNew := w.add(f.key, f.iv[:])
			switch {
			case isNew && seen && len(order)-at <= replaySize:
				t.Fatalf("seed %d: nonce %d accepted again, %d later", seed, n, len(order)-at)
			case !isNew && !seen:
				t.Fatalf("seed %d: new nonce %d refused", seed, n)
			case !isNew:
				refused++
			default:
				last[f] = len(order)
				order = append(order, f)
			}
		}
		if refused < 1000 {
			t.Errorf("seed %d: only %d refused", seed, refused)
		}
	}
}

// A counting sender never makes the window build its tables.
func TestReplayWindowIsQuickForCounters(t *testing.T) {
	var w replayWindow
	iv := make([]byte, ivSize)
	for n := range 3 * replaySize {
		binary.BigEndian.PutUint32(iv[4:], 0xffff0000+960*uint32(n)) // wraps
		if !w.add(1, iv) {
			t.Fatalf("nonce %d refused", n)
		}
	}
	// The first nonce alone is looked up, among none.
	if w.now.table != nil || w.before.table != nil {
		t.Error("tables were built")
	}
}
