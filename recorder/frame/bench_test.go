package frame

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/sealtape/sealtape/recorder/media"
)

// frameSizes: Opus at 24 and 48 kbit/s, a VP8 delta of 1 Mbit/s, a key frame.
var frameSizes = []int{60, 120, 1200, 4200, 60_000}

// BenchmarkDecrypt opens 64 frames a round (layout, keys, replay window), then
// the same ones with bare AES-GCM, in turns so that a busy machine disturbs
// both alike. The target is 80 % of the latter's speed ("%ofbare", of the median
// rounds) and no allocation.
func BenchmarkDecrypt(b *testing.B) {
	for _, size := range frameSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			k := ring(b, "k", KeyOptions{})
			e, d := NewEncrypter(media.Opus, k, 0, 1), NewDecrypter(media.Opus, k)
			frames := make([][]byte, 64)
			for i := range frames {
				frames[i] = seal(b, e, string(make([]byte, size)), uint32(i))
			}
			dst := make([]byte, 0, size+overhead)
			current := k.load(0).current
			var ours, bare []time.Duration
			b.SetBytes(int64(2 * size * len(frames)))
			b.ReportAllocs()
			for b.Loop() {
				d.seen.forget() // as on another track, or they were replays
				start := time.Now()
				for _, f := range frames {
					if _, err := d.Decrypt(dst, f); err != nil {
						b.Fatal(err)
					}
				}
				middle := time.Now()
				for _, f := range frames {
					n := len(f)
					if _, err := current.aead.Open(dst, f[n-trailerSize:n-2], f[1:n-trailerSize], f[:1]); err != nil {
						b.Fatal(err)
					}
				}
				if len(ours) < 1<<16 {
					ours, bare = append(ours, middle.Sub(start)), append(bare, time.Since(middle))
				}
			}
			slices.Sort(ours)
			slices.Sort(bare)
			x, y := float64(ours[len(ours)/2]), float64(bare[len(bare)/2])
			b.ReportMetric(x/float64(len(frames)), "ours:ns/frame")
			b.ReportMetric(y/float64(len(frames)), "bare:ns/frame")
			b.ReportMetric(100*y/x, "%ofbare")
			b.ReportMetric(80, "%target")
		})
	}
}

// forget empties the window, but keeps its memory.
func (w *replayWindow) forget() {
	*w = replayWindow{gen: 2, now: generation{nonces: w.now.nonces[:0]}, before: generation{nonces: w.before.nonces[:0]}}
}

func BenchmarkDecryptUnauthentic(b *testing.B) {
	for _, window := range []int{0, 16} {
		b.Run(fmt.Sprintf("ratchet=%d", window), func(b *testing.B) {
			k := ring(b, "k", KeyOptions{RatchetWindow: window})
			frame := seal(b, NewEncrypter(media.Opus, ring(b, "x", KeyOptions{}), 0, 1), string(make([]byte, 120)), 1)
			d, dst := NewDecrypter(media.Opus, k), make([]byte, 0, 200)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decrypt(dst, frame); err == nil {
					b.Fatal("opened")
				}
			}
		})
	}
}

func BenchmarkAssembler(b *testing.B) {
	opus := make([]byte, 150)
	vp8 := [3][]byte{vp8Payload(true, string(make([]byte, 1100))), vp8Payload(false, string(make([]byte, 1100))), nil}
	vp8[2] = vp8[1]
	run := func(b *testing.B, codec media.Codec, packet func(i int) ([]byte, bool)) {
		a := NewAssembler(AssemblerConfig{Codec: codec, SIFTrailer: []byte("a trailer of some forty bytes, as rooms have")})
		packets := make([]rtp.Packet, 4096)
		bytes := 0
		b.ReportAllocs()
		frames, n := 0, 0
		for b.Loop() {
			p := &packets[n%len(packets)]
			p.Payload, p.Marker = packet(n)
			p.SequenceNumber, p.Timestamp = uint16(n), uint32(n/3)
			bytes += len(p.Payload)
			now := epoch.Add(time.Duration(n) * time.Millisecond)
			a.Push(p, now)
			for u, ok := a.Pop(now); ok; u, ok = a.Pop(now) {
				if u.Kind == UnitFrame {
					frames++
				}
			}
			n++
		}
		if frames == 0 && n > 3 {
			b.Fatal("no frames")
		}
		b.SetBytes(int64(bytes / n))
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "packets/s")
	}
	b.Run("opus", func(b *testing.B) {
		run(b, media.Opus, func(int) ([]byte, bool) { return opus, true })
	})
	b.Run("vp8", func(b *testing.B) {
		run(b, media.VP8, func(i int) ([]byte, bool) { return vp8[i%3], i%3 == 2 })
	})
}
