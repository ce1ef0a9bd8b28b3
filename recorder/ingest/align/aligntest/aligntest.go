// Package aligntest makes voices to test with.
package aligntest

import (
	"math"
	"math/rand/v2"
)

// Speech returns seconds of speech at a rate, as far as it matters here: a buzz of changing
// pitch through changing resonances, in syllables, words and pauses. It is the same for the
// same seed at each rate.
func Speech(seed uint64, seconds, rate int) []float64 {
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
			// How strong each harmonic is changes by the millisecond.
			weights, millisecond := make([]float64, 0, 24), -1
			for i := 0; i < int(lasts*float64(rate)) && begin+i < len(out); i++ {
				s := float64(i) / float64(rate)
				shape := math.Sin(math.Pi * s / lasts)
				f := pitch * (1 + (glide-1)*s/lasts)
				v := 0.0
				if hiss {
					v = noise.NormFloat64() * 0.3
				} else {
					if ms := int(1000 * s); ms != millisecond {
						millisecond, weights = ms, weights[:0]
						f := pitch * (1 + (glide-1)*float64(ms)/1000/lasts)
						for h := 1; h <= 24 && float64(h)*f < 3500; h++ {
							w := 0.02
							for _, c := range formants {
								d := (float64(h)*f - c) / 120
								w += 1 / (1 + d*d)
							}
							weights = append(weights, w)
						}
					}
					// The sines of multiples of an angle follow from those before.
					sin, cos := math.Sincos(2 * math.Pi * f * s)
					before, this := 0.0, sin
					for _, w := range weights {
						v += w * this
						before, this = this, 2*cos*this-before
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

// PCM returns samples with a gain, which is that of the loudest.
func PCM(v []float64, gain float64) []int16 {
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

// Mixed returns the sum of sounds, each later by an offset in seconds.
func Mixed(length int, sounds ...[]float64) []float64 {
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
