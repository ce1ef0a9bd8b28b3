package playback

import (
	"bytes"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/sealtape/sealtape/playback/internal/opus"
	"github.com/sealtape/sealtape/recorder/media"
)

// TestOggKeepsTime plays an hour of senders whose clocks drift, stutter and
// stop: no packet is ever far from its time, and hardly one is left out.
func TestOggKeepsTime(t *testing.T) {
	for name, tt := range map[string]struct {
		packet  []byte
		ppm     int64
		jitter  time.Duration
		loss    float64
		dropped int // at most
	}{
		"exact":          {[]byte{0xf8, 0xff, 0xfe}, 0, 0, 0, 0},
		"fast 200 ppm":   {[]byte{0xf8, 0xff, 0xfe}, -200, 0, 0, 40},
		"slow 200 ppm":   {[]byte{0xf8, 0xff, 0xfe}, 200, 0, 0, 0},
		"jitter":         {[]byte{0xf8, 0xff, 0xfe}, 0, 3 * time.Millisecond, 0, 0},
		"loss":           {[]byte{0xf8, 0xff, 0xfe}, 50, time.Millisecond, 0.1, 10},
		"60 ms":          {[]byte{0x58, 1, 2}, -100, time.Millisecond, 0.01, 10},
		"2.5 ms":         {[]byte{0xe0, 0xff, 0xfe}, 30, 0, 0.2, 100},
		"120 ms packets": {[]byte{0xfb, 6, 1, 2, 3, 4, 5, 6}, 30, 0, 0.2, 10},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := os.Create(t.TempDir() + "/a.ogg")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			o, err := newOggFile(f, alice)
			if err != nil {
				t.Fatal(err)
			}
			rnd := rand.New(rand.NewPCG(1, 2))
			lasts := media.OpusDuration(tt.packet)
			var at time.Duration
			for sent := time.Duration(0); sent < time.Hour; sent += lasts {
				at = sent + sent*time.Duration(tt.ppm)/1e6
				if tt.jitter > 0 {
					at += time.Duration(rnd.Int64N(int64(tt.jitter)))
				}
				if rnd.Float64() < tt.loss || sent > 10*time.Minute && sent < 20*time.Minute {
					continue
				}
				before := o.sound.dropped
				if err := o.sound.frame(media.Frame{Time: at, Data: tt.packet}); err != nil {
					t.Fatal(err)
				}
				if o.sound.dropped > before {
					continue
				}
				place := o.end - lasts
				if d := place - at; d > max(opus.Ahead, lasts/2) || d < -opus.Behind {
					t.Fatalf("the packet of %v plays at %v", at, place)
				}
			}
			if o.sound.dropped > tt.dropped {
				t.Errorf("%d packets left out", o.sound.dropped)
			}
			if err := o.close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestOggHostilePackets: what is no Opus is left out and its time kept.
func TestOggHostilePackets(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/a.ogg")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	o, err := newOggFile(f, alice)
	if err != nil {
		t.Fatal(err)
	}
	bad := [][]byte{{0xfb}, {0xfb, 0}, {0xfb, 63}, {0xff, 0xff}}
	for i, p := range bad {
		if err := o.sound.frame(media.Frame{Time: time.Duration(i) * time.Second, Data: p}); err != nil {
			t.Fatal(err)
		}
	}
	big := append([]byte{0xf8}, bytes.Repeat([]byte{1}, 200<<10)...)
	if err := o.sound.frame(media.Frame{Time: 10 * time.Second, Data: big}); err != nil {
		t.Fatal(err)
	}
	if o.sound.dropped != len(bad) || o.end < 10*time.Second || o.end > 10*time.Second+20*time.Millisecond {
		t.Errorf("%d left out, end %v", o.sound.dropped, o.end)
	}
	if err := o.close(); err != nil {
		t.Fatal(err)
	}
}

// TestOggFullDisk: an error of the file comes back, at the latest from Close.
func TestOggFullDisk(t *testing.T) {
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	o, err := newOggFile(f, alice)
	if err != nil {
		t.Fatal(err)
	}
	err = o.sound.frame(media.Frame{Time: time.Second, Data: []byte{0xf8, 0xff, 0xfe}})
	if err == nil {
		err = o.close()
	}
	if err == nil {
		t.Error("no error from a full disk")
	}
}

// TestFastSender: what a fast clock sends too much of goes where it is quiet.
func TestFastSender(t *testing.T) {
	loud, quiet := bytes.Repeat([]byte{0xf8}, 90), []byte{0xf8, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	kept := make(map[int]int)
	s := sound{write: func(f media.Frame) error {
		kept[len(f.Data)]++
		return nil
	}}
	const n = 180_000 // an hour
	louds := 0
	for i := range n {
		f := media.Frame{Time: time.Duration(i) * (20*time.Millisecond - 2*time.Microsecond), Data: loud}
		if i%1000 > 900 { // 2 s in 20
			f.Data = quiet
		} else {
			louds++
		}
		if err := s.frame(f); err != nil {
			t.Fatal(err)
		}
		if d := s.end - f.Time - 20*time.Millisecond; d > opus.Ahead || d < -opus.Behind-20*time.Millisecond {
			t.Fatalf("packet %d plays %v off", i, d)
		}
	}
	if kept[len(loud)] != louds {
		t.Errorf("%d of %d loud packets were kept", kept[len(loud)], louds)
	}
	if s.dropped < 16 || s.dropped > 19 || kept[len(loud)]+kept[len(quiet)]+s.dropped != n {
		t.Errorf("%d left out, kept %v", s.dropped, kept)
	}
}
