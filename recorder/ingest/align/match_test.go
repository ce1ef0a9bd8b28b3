package align

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/ingest/align/aligntest"
)

// moved returns a sound as a clock hears it that began so much earlier, and runs by so many
// millionths too slow: its seconds are longer.
func moved(v []float64, earlier float64, ppm float64) []float64 {
	out := make([]float64, 0, len(v))
	for i := 0; ; i++ {
		x := float64(i)*(1+ppm/1e6) + earlier*Rate
		j := int(math.Floor(x))
		if j+1 >= len(v) {
			return out
		}
		if j < 0 {
			out = append(out, 0)
			continue
		}
		part := x - float64(j)
		out = append(out, v[j]*(1-part)+v[j+1]*part)
	}
}

func noisy(v []float64, level float64, seed uint64) []float64 {
	rnd := rand.New(rand.NewPCG(seed, 5))
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	level *= math.Sqrt(sum / float64(len(v)))
	out := make([]float64, len(v))
	for i := range v {
		out[i] = v[i] + level*rnd.NormFloat64()
	}
	return out
}

// TestMatch: a voice is found in the sound of a meeting where it is, with an error that is
// within what is stated; and what is not in it, or could be anywhere, is not found.
func TestMatch(t *testing.T) {
	t.Parallel()
	const seconds = 150
	ada, bob, eve := aligntest.Speech(1, seconds, Rate), aligntest.Speech(2, seconds, Rate), aligntest.Speech(3, seconds, Rate)
	meeting := aligntest.Mixed(len(ada), ada, bob, eve)
	tone := make([]float64, len(ada))
	for i := range tone {
		tone[i] = math.Sin(2 * math.Pi * 440 * float64(i) / Rate)
	}
	m := NewMatcher(aligntest.PCM(meeting, 0.9))
	for name, tt := range map[string]struct {
		sound  []int16
		offset float64 // seconds
		drift  float64
		found  bool
	}{
		"together":    {aligntest.PCM(ada, 0.9), 0, 0, true},
		"quiet":       {aligntest.PCM(ada, 0.02), 0, 0, true},
		"later":       {aligntest.PCM(moved(bob, 31.2345, 0), 0.5), 31.2345, 0, true},
		"earlier":     {aligntest.PCM(moved(bob, -12.3456, 0), 0.5), -12.3456, 0, true},
		"noise 0 dB":  {aligntest.PCM(noisy(moved(ada, 7.7, 0), 1, 9), 0.5), 7.7, 0, true},
		"noise 10 dB": {aligntest.PCM(noisy(moved(ada, 7.7, 0), 3.16, 9), 0.5), 7.7, 0, true},
		"drift 20":    {aligntest.PCM(moved(eve, 3.5, 20), 0.5), 3.5, 20, true},
		"drift -80":   {aligntest.PCM(moved(eve, 3.5, -80), 0.5), 3.5, -80, true},
		"short":       {aligntest.PCM(moved(ada, 100, 0)[:10*Rate], 0.5), 100, 0, true},
		"the whole":   {aligntest.PCM(moved(meeting, 1.5, 0), 0.5), 1.5, 0, true},
		"inverted":    {aligntest.PCM(aligntest.Mixed(len(ada), scaled(ada, -1)), 0.5), 0, 0, true},
		"another":     {aligntest.PCM(aligntest.Speech(4, seconds, Rate), 0.5), 0, 0, false},
		"noise":       {aligntest.PCM(noisy(tone, 100, 3), 0.5), 0, 0, false},
		"tone":        {aligntest.PCM(tone, 0.5), 0, 0, false},
		"silence":     {make([]int16, len(ada)), 0, 0, false},
		"hardly any":  {aligntest.PCM(ada, 0.9)[:Rate/2], 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, ok := m.clone().Find(tt.sound, Few)
			off := time.Duration(0)
			if ok {
				// The offset is that in the middle of the sound.
				half := float64(len(tt.sound)) / Rate / 2
				want := tt.offset + half*tt.drift/1e6
				off = r.Offset - time.Duration(want*float64(time.Second))
			}
			t.Logf("found %v: %d of %d windows, off by %v, stated ±%v, drift %.1f ppm, like %.2f", ok, r.agreed, r.windows, off.Round(time.Microsecond), r.Within, r.Drift, r.like)
			if ok != tt.found {
				t.Fatalf("found: %v, want %v", ok, tt.found)
			}
			if ok && (off.Abs() > time.Millisecond || off.Abs() > r.Within || math.Abs(r.Drift-tt.drift) > 8) {
				t.Errorf("off by %v, drift %v, want %v", off, r.Drift, tt.drift)
			}
			if ends := time.Duration(math.Abs(tt.drift) / 1e6 * float64(len(tt.sound)) / Rate / 2 * float64(time.Second)); ok && (r.Within < ends || r.Within > ends+4*time.Millisecond) {
				t.Errorf("stated ±%v, and its ends are off by %v", r.Within, ends)
			}
		})
	}
}

func scaled(v []float64, by float64) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		out[i] = by * v[i]
	}
	return out
}

func (m *Matcher) clone() *Matcher {
	return &Matcher{whole: m.whole, envelope: m.envelope, fine: newFourier(window + 2*reach)}
}

// TestSame: a copy of a sound is told from what is only in it.
func TestSame(t *testing.T) {
	t.Parallel()
	ada, bob := aligntest.Speech(1, 120, Rate), aligntest.Speech(2, 120, Rate)
	meeting := aligntest.Mixed(len(ada), ada, bob)
	m := NewMatcher(aligntest.PCM(meeting, 0.9))
	for name, tt := range map[string]struct {
		sound []float64
		want  bool
	}{
		"copy":  {noisy(meeting, 0.05, 1), true},
		"part":  {ada, false},
		"later": {moved(meeting, 2, 0), false},
	} {
		r, ok := m.Find(aligntest.PCM(tt.sound, 0.4), Many)
		if got := ok && r.Same(2*time.Minute, 2*time.Minute); got != tt.want {
			t.Errorf("%s: %v, %+v", name, got, r)
		}
	}
	if r, _ := m.Find(aligntest.PCM(meeting, 0.4), Many); r.Same(2*time.Minute, 3*time.Minute) {
		t.Error("a file of another length is the same")
	}
}

// TestFourier: the transform is that of the definition, and a correlation the sum it is.
func TestFourier(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	f := newFourier(60)
	if f.n != 64 {
		t.Fatal(f.n)
	}
	x := make([]complex128, f.n)
	for i := range x {
		x[i] = complex(rnd.NormFloat64(), rnd.NormFloat64())
	}
	want := make([]complex128, f.n)
	for k := range want {
		for i, v := range x {
			s, c := math.Sincos(-2 * math.Pi * float64(k*i) / float64(f.n))
			want[k] += v * complex(c, s)
		}
	}
	f.transform(x)
	for k := range x {
		if d := x[k] - want[k]; math.Hypot(real(d), imag(d)) > 1e-9 {
			t.Fatalf("at %d: %v, want %v", k, x[k], want[k])
		}
	}
	a, b := make([]float64, 20), make([]float64, 40)
	for i := range a {
		a[i] = rnd.NormFloat64()
	}
	for i := range b {
		b[i] = rnd.NormFloat64()
	}
	r := f.correlate(a, b)
	for lag := -19; lag < 40; lag++ {
		sum := 0.0
		for i := range a {
			if j := i + lag; j >= 0 && j < len(b) {
				sum += a[i] * b[j]
			}
		}
		if got := real(r[(lag+f.n)%f.n]); math.Abs(got-sum) > 1e-9 {
			t.Fatalf("lag %d: %v, want %v", lag, got, sum)
		}
	}
}
