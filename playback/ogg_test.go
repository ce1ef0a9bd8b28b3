package playback

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/sealtape/sealtape/playback/internal/opus"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
	"github.com/sealtape/sealtape/testdata/sample"
)

// TestOggKeepsTime plays an hour of senders whose clocks drift, stutter and
// stop: every packet is there, and none is far from its time but for what a fast
// clock sent too much since its sender was last silent.
func TestOggKeepsTime(t *testing.T) {
	t.Parallel()
	clocks := []struct {
		name   string
		packet []byte
		ppm    int64
		jitter time.Duration
		loss   float64
		late   time.Duration // at most
	}{
		{"exact", []byte{0xf8, 0xff, 0xfe}, 0, 0, 0, 0},
		{"fast 200 ppm", []byte{0xf8, 0xff, 0xfe}, -200, 0, 0, 480 * time.Millisecond}, // in the last 40 minutes
		{"slow 200 ppm", []byte{0xf8, 0xff, 0xfe}, 200, 0, 0, 0},
		{"jitter", []byte{0xf8, 0xff, 0xfe}, 0, 3 * time.Millisecond, 0, 3 * time.Millisecond},
		{"loss", []byte{0xf8, 0xff, 0xfe}, 50, time.Millisecond, 0.1, 10 * time.Millisecond},
		{"loss, fast", []byte{0xf8, 0xff, 0xfe}, -200, time.Millisecond, 0.01, 10 * time.Millisecond},
		{"60 ms", []byte{0x58, 1, 2}, -100, time.Millisecond, 0.01, 50 * time.Millisecond},
		{"2.5 ms", []byte{0xe0, 0xff, 0xfe}, 30, 0, 0.2, 10 * time.Millisecond},
		{"120 ms packets", []byte{0xfb, 6, 1, 2, 3, 4, 5, 6}, 30, 0, 0.2, 10 * time.Millisecond},
	}
	for i := range sample.Cases(t, len(clocks), 2) {
		tt := clocks[i]
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, err := os.Create(t.TempDir() + "/a.ogg")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			o, err := newOggFile(f, "Alice", alice)
			if err != nil {
				t.Fatal(err)
			}
			rnd := rand.New(rand.NewPCG(1, 2))
			lasts := media.OpusDuration(tt.packet)
			for sent := time.Duration(0); sent < time.Hour; sent += lasts {
				at := sent + sent*time.Duration(tt.ppm)/1e6
				if tt.jitter > 0 {
					at += time.Duration(rnd.Int64N(int64(tt.jitter)))
				}
				if rnd.Float64() < tt.loss || sent > 10*time.Minute && sent < 20*time.Minute {
					continue
				}
				if err := o.sound.frame(media.Frame{Time: at, Data: tt.packet}); err != nil {
					t.Fatal(err)
				}
				place := o.end - lasts
				if d := place - at; d > tt.late+time.Microsecond || d < -opus.Behind {
					t.Fatalf("the packet of %v plays at %v", at, place)
				}
			}
			if late := o.late()[alice.UID]; late > tt.late+time.Microsecond || late < tt.late*9/10 && tt.ppm == -200 && tt.loss == 0 {
				t.Errorf("%v late, want %v", late, tt.late)
			}
			if err := o.close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestOggHostilePackets: what is no Opus is refused and its time kept.
func TestOggHostilePackets(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/a.ogg")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	o, err := newOggFile(f, "Alice", alice)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range [][]byte{{0xfb}, {0xfb, 0}, {0xfb, 63}, {0xff, 0xff}} {
		if err := o.sound.frame(media.Frame{Time: time.Duration(i) * time.Second, Data: p}); !errors.Is(err, matroska.ErrFrame) {
			t.Fatalf("%x: %v", p, err)
		}
	}
	big := append([]byte{0xf8}, bytes.Repeat([]byte{1}, 200<<10)...)
	if err := o.sound.frame(media.Frame{Time: 10 * time.Second, Data: big}); err != nil && !errors.Is(err, matroska.ErrFrame) {
		t.Fatal(err)
	}
	if o.end < 10*time.Second || o.end > 10*time.Second+20*time.Millisecond {
		t.Errorf("end %v", o.end)
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
	o, err := newOggFile(f, "Alice", alice)
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

// TestFastSender: what a fast clock sent too much is made up for where its sender
// is silent, and all of it is there.
func TestFastSender(t *testing.T) {
	t.Parallel()
	var kept, silence int
	s := sound{write: func(f media.Frame) error {
		if silent(f.Data) {
			silence++
		} else {
			kept++
		}
		return nil
	}}
	const n = 180_000 // an hour
	sent := 0
	for i := range n {
		if i%1000 > 900 { // 2 s in 20
			continue
		}
		sent++
		at := time.Duration(i) * (20*time.Millisecond - 4*time.Microsecond)
		if err := s.frame(media.Frame{Time: at, Data: bytes.Repeat([]byte{0xf8}, 90)}); err != nil {
			t.Fatal(err)
		}
		if d := s.end - at - 20*time.Millisecond; d > 10*time.Millisecond || d < -opus.Behind-20*time.Millisecond {
			t.Fatalf("packet %d plays %v off", i, d)
		}
	}
	if kept != sent || silence == 0 {
		t.Errorf("%d of %d packets were kept, %d of silence", kept, sent, silence)
	}
}
