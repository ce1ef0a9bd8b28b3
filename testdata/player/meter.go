package player

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strings"

	fixtures "github.com/sealtape/sealtape/testdata/media"
)

//go:embed meter.js
var meterScript string

// A Measurement is what a meter noted: pictures as they were shown and beeps as
// they were heard, all in the recording's and the page's own times.
type Measurement struct {
	Pictures []Picture
	Beeps    []Sound
	Trouble  []string
	Time     float64 // of the player, in seconds
	Rate     float64
}

// A Picture is a frame that was presented.
type Picture struct {
	UID   string
	Media float64  // its time in the element, seconds
	Shown float64  // when the browser expected it on the screen, ms of the page
	Clock *float64 // the player's clock then, nil if it stood or jumped
	Code  uint32   // of the blocks that were painted just then, see media.FlashCode
	White bool     // what is above them
	Rate  float64
}

// A Sound is a beep that began to be heard.
type Sound struct {
	UID   string
	Heard float64 // when, ms of the page
	Clock *float64
	Hz    float64
	Rate  float64
}

// StartMeter makes the page note what is shown and heard from now on. The page
// must have been opened with Measure, and have a player.
func (p *Page) StartMeter(ctx context.Context) error {
	return p.Do(ctx, strings.TrimSpace(meterScript))
}

// TakeMeter returns what was noted since the last call.
func (p *Page) TakeMeter(ctx context.Context) (Measurement, error) {
	return Eval[Measurement](ctx, p, "meter.take()")
}

// Offset returns by how many seconds of the recording's clock a picture was late,
// NaN if the clock stood. The number in its blocks must tell its time, in a track
// whose sender's clock is slow by so many millionths. Exact says that it does to a
// millisecond; a script that comes late paints a picture that follows.
func (p Picture) Offset(ppm float64) (seconds float64, exact bool, err error) {
	n, fixture, ok := fixtures.FlashCode(p.Code)
	if !ok {
		return 0, false, fmt.Errorf("the picture at %.3f s has no code: %05x", p.Media, p.Code)
	}
	round := 60 * (1 + ppm/1e6) // the fixture's length
	if fixture != 1 {
		round /= 6
	}
	taken := float64(n) / 20 * (1 + ppm/1e6) // in its round
	off := math.Remainder(p.Media-taken, round)
	if off > 0.0011 || off < -1 {
		return 0, false, fmt.Errorf("the picture that the element has at %.4f s is number %d, %.4f s off", p.Media, n, off)
	}
	if p.Clock == nil {
		return math.NaN(), off > -0.0011, nil
	}
	return *p.Clock - p.Media, off > -0.0011, nil
}

// Offset returns by how many seconds of the recording's clock a beep was late. Its
// tone tells the second, modulo ten.
func (s Sound) Offset(ppm float64) (seconds float64, err error) {
	if s.Clock == nil {
		return math.NaN(), nil
	}
	k := math.Round(*s.Clock / (1 + ppm/1e6))
	off := *s.Clock - k*(1+ppm/1e6)
	want := 600 + 100*math.Mod(k, 10)
	if math.Abs(s.Hz-want) > 45 {
		return off, fmt.Errorf("the beep heard at %.3f s has %.0f Hz, want %.0f", *s.Clock, s.Hz, want)
	}
	return off, nil
}

// Stats are offsets in milliseconds.
type Stats struct {
	N        int
	sorted   []float64
	absolute []float64 // sorted
}

// Summarize returns the statistics of offsets in seconds, NaN left out.
func Summarize(seconds []float64) (s Stats) {
	for _, x := range seconds {
		if !math.IsNaN(x) {
			s.sorted, s.absolute = append(s.sorted, x*1000), append(s.absolute, math.Abs(x*1000))
		}
	}
	slices.Sort(s.sorted)
	slices.Sort(s.absolute)
	s.N = len(s.sorted)
	return s
}

// Median returns the middle offset, 0 if there are none.
func (s Stats) Median() float64 {
	if s.N == 0 {
		return 0
	}
	return s.sorted[s.N/2]
}

// Within returns the part of offsets that are no larger than ms either way.
func (s Stats) Within(ms float64) float64 {
	if s.N == 0 {
		return 0
	}
	n, _ := slices.BinarySearch(s.absolute, math.Nextafter(ms, math.Inf(1)))
	return float64(n) / float64(s.N)
}

func (s Stats) String() string {
	if s.N == 0 {
		return "none"
	}
	return fmt.Sprintf("%d, %.1f to %.1f ms, median %.1f, 95 %% within ±%.1f, %.1f %% within ±40",
		s.N, s.sorted[0], s.sorted[s.N-1], s.Median(), s.absolute[s.N*95/100], 100*s.Within(40))
}
