package ingest

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// A voice is speech as far as it matters here: a buzz of changing pitch through changing
// resonances, in syllables, words and pauses. speech returns seconds of it at a rate, and is
// the same for the same seed at each rate.
func speech(seed uint64, seconds, rate int) []float64 {
	rnd := rand.New(rand.NewPCG(seed, 17))
	out := make([]float64, seconds*rate)
	for at := 0.5 + rnd.Float64(); at < float64(seconds)-1; {
		words := 3 + rnd.IntN(8)
		for range words {
			lasts := 0.09 + 0.2*rnd.Float64()
			pitch, glide := 90+120*rnd.Float64(), 0.8+0.4*rnd.Float64()
			formants := [3]float64{300 + 500*rnd.Float64(), 900 + 900*rnd.Float64(), 2200 + 600*rnd.Float64()}
			loud := 0.2 + 0.8*rnd.Float64()
			hiss := rnd.Float64() < 0.3
			noise := rand.New(rand.NewPCG(rnd.Uint64(), 3))
			begin := int(at * float64(rate))
			for i := 0; i < int(lasts*float64(rate)) && begin+i < len(out); i++ {
				s := float64(i) / float64(rate)
				shape := math.Sin(math.Pi * s / lasts)
				f := pitch * (1 + (glide-1)*s/lasts)
				v := 0.0
				if hiss {
					v = noise.NormFloat64() * 0.3
				} else {
					for h := 1; h <= 24 && float64(h)*f < 3500; h++ {
						w := 0.02
						for _, c := range formants {
							d := (float64(h)*f - c) / 120
							w += 1 / (1 + d*d)
						}
						v += w * math.Sin(2*math.Pi*float64(h)*f*s)
					}
				}
				out[begin+i] += loud * shape * v
			}
			at += lasts + 0.03*rnd.Float64()
		}
		at += 0.3 + 2*rnd.Float64()*rnd.Float64()*2
	}
	return out
}

// pcm returns samples with a gain, which is that of the loudest.
func pcm(v []float64, gain float64) []int16 {
	most := 1e-9
	for _, x := range v {
		most = max(most, math.Abs(x))
	}
	out := make([]int16, len(v))
	for i, x := range v {
		out[i] = int16(x / most * gain * 32000)
	}
	return out
}

// mixed returns the sum of sounds, each later by an offset in seconds.
func mixed(length int, sounds ...[]float64) []float64 {
	out := make([]float64, length)
	for _, s := range sounds {
		for i, v := range s {
			if i < len(out) {
				out[i] += v
			}
		}
	}
	return out
}

// moved returns a sound as a clock hears it that began so much earlier, and runs by so many
// millionths too slow: its seconds are longer.
func moved(v []float64, earlier float64, ppm float64) []float64 {
	out := make([]float64, 0, len(v))
	for i := 0; ; i++ {
		x := float64(i)*(1+ppm/1e6) + earlier*heardRate
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
	ada, bob, eve := speech(1, seconds, heardRate), speech(2, seconds, heardRate), speech(3, seconds, heardRate)
	meeting := mixed(len(ada), ada, bob, eve)
	tone := make([]float64, len(ada))
	for i := range tone {
		tone[i] = math.Sin(2 * math.Pi * 440 * float64(i) / heardRate)
	}
	m := newMatcher(pcm(meeting, 0.9))
	for name, tt := range map[string]struct {
		sound  []int16
		offset float64 // seconds
		drift  float64
		found  bool
	}{
		"together":    {pcm(ada, 0.9), 0, 0, true},
		"quiet":       {pcm(ada, 0.02), 0, 0, true},
		"later":       {pcm(moved(bob, 31.2345, 0), 0.5), 31.2345, 0, true},
		"earlier":     {pcm(moved(bob, -12.3456, 0), 0.5), -12.3456, 0, true},
		"noise 0 dB":  {pcm(noisy(moved(ada, 7.7, 0), 1, 9), 0.5), 7.7, 0, true},
		"noise 10 dB": {pcm(noisy(moved(ada, 7.7, 0), 3.16, 9), 0.5), 7.7, 0, true},
		"drift 20":    {pcm(moved(eve, 3.5, 20), 0.5), 3.5, 20, true},
		"drift -80":   {pcm(moved(eve, 3.5, -80), 0.5), 3.5, -80, true},
		"short":       {pcm(moved(ada, 100, 0)[:10*heardRate], 0.5), 100, 0, true},
		"the whole":   {pcm(moved(meeting, 1.5, 0), 0.5), 1.5, 0, true},
		"inverted":    {pcm(mixed(len(ada), scaled(ada, -1)), 0.5), 0, 0, true},
		"another":     {pcm(speech(4, seconds, heardRate), 0.5), 0, 0, false},
		"noise":       {pcm(noisy(tone, 100, 3), 0.5), 0, 0, false},
		"tone":        {pcm(tone, 0.5), 0, 0, false},
		"silence":     {make([]int16, len(ada)), 0, 0, false},
		"hardly any":  {pcm(ada, 0.9)[:heardRate/2], 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, ok := m.clone().find(tt.sound, few)
			off := time.Duration(0)
			if ok {
				// The offset is that in the middle of the sound.
				half := float64(len(tt.sound)) / heardRate / 2
				want := tt.offset + half*tt.drift/1e6
				off = r.offset - time.Duration(want*float64(time.Second))
			}
			t.Logf("found %v: %d of %d windows, off by %v, stated ±%v, drift %.1f ppm, like %.2f", ok, r.agreed, r.windows, off.Round(time.Microsecond), r.within, r.drift, r.like)
			if ok != tt.found {
				t.Fatalf("found: %v, want %v", ok, tt.found)
			}
			if ok && (off.Abs() > time.Millisecond || off.Abs() > r.within || math.Abs(r.drift-tt.drift) > 8) {
				t.Errorf("off by %v, drift %v, want %v", off, r.drift, tt.drift)
			}
			if ends := time.Duration(math.Abs(tt.drift) / 1e6 * float64(len(tt.sound)) / heardRate / 2 * float64(time.Second)); ok && (r.within < ends || r.within > ends+4*time.Millisecond) {
				t.Errorf("stated ±%v, and its ends are off by %v", r.within, ends)
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

func (m *matcher) clone() *matcher {
	return &matcher{whole: m.whole, envelope: m.envelope, fine: newFourier(window + 2*reach)}
}

// TestSame: a copy of a sound is told from what is only in it.
func TestSame(t *testing.T) {
	t.Parallel()
	ada, bob := speech(1, 120, heardRate), speech(2, 120, heardRate)
	meeting := mixed(len(ada), ada, bob)
	m := newMatcher(pcm(meeting, 0.9))
	for name, tt := range map[string]struct {
		sound []float64
		want  bool
	}{
		"copy":  {noisy(meeting, 0.05, 1), true},
		"part":  {ada, false},
		"later": {moved(meeting, 2, 0), false},
	} {
		r, ok := m.find(pcm(tt.sound, 0.4), many)
		if got := ok && r.same(2*time.Minute, 2*time.Minute); got != tt.want {
			t.Errorf("%s: %v, %+v", name, got, r)
		}
	}
	if r, _ := m.find(pcm(meeting, 0.4), many); r.same(2*time.Minute, 3*time.Minute) {
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
