package opus

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

func TestSilence(t *testing.T) {
	for _, stereo := range []bool{false, true} {
		for d := time.Duration(0); d < 300*time.Millisecond; d += 100 * time.Microsecond {
			var sum time.Duration
			for _, p := range Silence(d, stereo) {
				lasts := media.OpusDuration(p)
				if lasts == 0 || (media.OpusChannels(p) == 2) != stereo {
					t.Fatalf("%v: packet %x", d, p)
				}
				sum += lasts
			}
			if sum > d || d-sum >= shortest {
				t.Fatalf("%v of silence for %v", sum, d)
			}
		}
	}
}

func TestPlace(t *testing.T) {
	const ms = time.Millisecond
	packet := []byte{0xf8, 0xff, 0xfe}                    // 20 ms
	long := []byte{0xfb, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0} // 120 ms
	for name, tt := range map[string]struct {
		run    time.Duration
		packet []byte
		fill   time.Duration
		keep   bool
	}{
		"at its place":     {time.Second, packet, 0, true},
		"a little behind":  {time.Second - 9*ms, packet, 0, true},
		"behind":           {time.Second - 10*ms, packet, 10 * ms, true},
		"a hole":           {0, packet, time.Second, true},
		"a little ahead":   {time.Second + 15*ms, packet, 0, true},
		"ahead":            {time.Second + 16*ms, packet, 0, false},
		"long ones, ahead": {time.Second + 60*ms, long, 0, true},
		"long ones":        {time.Second + 61*ms, long, 0, false},
		"no Opus":          {time.Second, []byte{0xff, 0xff}, 0, false},
		"nothing":          {time.Second, nil, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := Run(tt.run)
			fill, keep := r.Place(media.Frame{Time: time.Second, Data: tt.packet})
			if fill != tt.fill || keep != tt.keep {
				t.Errorf("%v, %v, want %v, %v", fill, keep, tt.fill, tt.keep)
			}
			if r.Add(tt.packet); time.Duration(r)-tt.run != media.OpusDuration(tt.packet) {
				t.Errorf("moved by %v", time.Duration(r)-tt.run)
			}
		})
	}
}
