package align

import (
	"math"
	"math/bits"
	"math/cmplx"
)

// A fourier computes discrete Fourier transforms of one length, a power of two, by
// Cooley and Tukey's method of 1965. It is not safe for concurrent use.
type fourier struct {
	n       int
	turns   []complex128 // e^(-2πik/n) for k < n/2
	scratch []complex128
}

// newFourier returns one for at least n values.
func newFourier(n int) *fourier {
	n = 1 << bits.Len(uint(max(n, 2)-1))
	f := &fourier{n: n, turns: make([]complex128, n/2), scratch: make([]complex128, n)}
	for k := range f.turns {
		f.turns[k] = cmplx.Rect(1, -2*math.Pi*float64(k)/float64(n))
	}
	return f
}

// transform transforms x, of n values, in place.
func (f *fourier) transform(x []complex128) {
	shift := 64 - bits.Len(uint(f.n-1))
	for i := range x {
		if j := int(bits.Reverse64(uint64(i)) >> shift); i < j {
			x[i], x[j] = x[j], x[i]
		}
	}
	for half := 1; half < f.n; half *= 2 {
		step := f.n / (2 * half)
		for begin := 0; begin < f.n; begin += 2 * half {
			low, high := x[begin:begin+half], x[begin+half:begin+2*half]
			for k := range low {
				t := high[k] * f.turns[k*step]
				low[k], high[k] = low[k]+t, low[k]-t
			}
		}
	}
}

// correlate returns, for each lag, the sum of a[i]·b[i+lag]. Lags below zero are at the end
// of the result, n values before. Both together must not have more than n values, or the
// sums of the lags at which they would go round are of no use. The result is valid until
// the next call.
func (f *fourier) correlate(a, b []float64) []complex128 {
	x := f.scratch
	clear(x)
	for i, v := range a {
		x[i] = complex(v, 0)
	}
	for i, v := range b {
		x[i] += complex(0, v)
	}
	// The transforms of two real sequences are in one complex one.
	f.transform(x)
	for k := 0; k <= f.n/2; k++ {
		j := (f.n - k) % f.n
		p, q := x[k], cmplx.Conj(x[j])
		s := (p + q) / 2             // of a
		t := (p - q) / complex(0, 2) // of b
		product := cmplx.Conj(s) * t // at k, and its conjugate at n-k
		x[k], x[j] = cmplx.Conj(product), product
	}
	// What is left is the inverse: the transform of the conjugate, by n.
	f.transform(x)
	for i := range x {
		x[i] /= complex(float64(f.n), 0)
	}
	return x
}
