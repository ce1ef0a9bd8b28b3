// Package align finds where one sound is in another: a speaker's own file in the sound of the
// whole meeting, though one began later, is less loud, and has a clock of its own.
//
//	samples of both                  -> their envelopes, which suggest places      match
//	some windows of one at a place   -> how like the other they are there          match, fft
//	windows that agree               -> the place, its error, and the drift        match
//
// It knows nothing of files, and its numbers are those of voices in [Rate] samples a second.
package align

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Rate is that of the samples, of one channel, that sounds are compared by, a second: what is
// below 2 kHz tells voices apart, and places them to a part of a millisecond.
const Rate = 4000

const (
	// An envelope has a value for each hop.
	hop = Rate / 50
	// A window of window samples is compared with reach samples more on each side.
	window = 30_000
	reach  = 1_000
	// near is as far from a peak as it is wide: a voice is like itself some milliseconds
	// later.
	near = Rate / 50
	// candidates is how many places of the envelopes are tried, and tries with how many
	// windows each.
	candidates = 8
	tries      = 4
	// Few is how many windows say where a sound is, and Many how many say whether it is
	// the same.
	Few  = 24
	Many = 240

	// A window is convincing if its peak is so many times the noise around, and so many
	// times the next peak. Of a tone the next is as high, and so it should be.
	overNoise = 7.0
	overNext  = 1.5
	least     = 0.04
	// quiet is the loudness, of 32767, below which there is nothing to compare.
	quiet = 12.0
	// Windows agree if they are no farther apart than steady, and steep samples a sample:
	// two clocks go apart by less than 200 millionths.
	steady = Rate * 3 / 1000
	steep  = 200e-6
	// alike is how like one another two sounds of the same are, at least, in each window.
	alike = 0.85
)

// A Match says where a sound is in another.
type Match struct {
	// Offset is when it begins on the other's clock. It may be before zero.
	Offset time.Duration
	// Within is the most by which a moment of it is off then, drift included.
	Within time.Duration
	// Drift is by how many millionths its clock is slower than the other's.
	Drift float64
	// windows is how many agreed, of how many, and like how much the least of all.
	agreed, windows int
	like            float64
}

// Same reports whether a sound of a length is the other, and not only in it.
func (r Match) Same(length, other time.Duration) bool {
	const off = 500 * time.Millisecond
	return r.agreed == r.windows && r.like >= alike && r.Offset.Abs() < off && (length-other).Abs() < off+other/200
}

// A Matcher finds sounds in one other. It is not safe for concurrent use.
type Matcher struct {
	whole    []int16
	envelope []float64
	fine     *fourier
}

// NewMatcher returns one for the sound of a whole meeting, of which it keeps the samples.
func NewMatcher(whole []int16) *Matcher {
	return &Matcher{whole: whole, envelope: envelope(whole), fine: newFourier(window + 2*reach)}
}

// Find looks for a sound, and reports whether it is there beyond doubt. limit is how many
// windows are compared: Few to place it, Many to know whether it is the same.
func (m *Matcher) Find(sound []int16, limit int) (Match, bool) {
	windows := loudest(sound, limit)
	if len(windows) == 0 || len(m.whole) < window/2 {
		return Match{}, false
	}
	best, most := 0, 0.0
	for _, lag := range m.coarse(envelope(sound)) {
		sum := 0.0
		for _, at := range spread(windows, tries) {
			if p := m.compare(sound, at, lag); p.sure {
				sum += math.Abs(p.peak)
			}
		}
		if sum > most {
			best, most = lag, sum
		}
	}
	if most == 0 {
		return Match{}, false
	}
	var points []point
	like := 1.0
	for _, at := range windows {
		p := m.compare(sound, at, best)
		if like = min(like, math.Abs(p.peak)); p.sure {
			points = append(points, p)
		}
	}
	group := agreeing(points)
	r := Match{agreed: len(group), windows: len(windows), like: like}
	// A sound in which there is little to compare must be the more alike.
	if len(group) < 3 && (len(group) < len(windows) || group[0].peak < 0.3) || 2*len(group) < len(points) || 4*len(group) < len(windows) {
		return r, false
	}
	r.line(group, len(sound))
	return r, true
}

// line puts a line through points: its middle is the offset.
func (r *Match) line(group []point, length int) {
	n := float64(len(group))
	var x, y, xx, xy float64
	for _, p := range group {
		x += p.at / n
		y += p.lag / n
	}
	for _, p := range group {
		xx += (p.at - x) * (p.at - x)
		xy += (p.at - x) * (p.lag - y)
	}
	slope := 0.0
	if span := group[len(group)-1].at - group[0].at; len(group) >= 4 && span > 60*Rate && xx > 0 {
		slope = xy / xx
	}
	middle := float64(length) / 2
	lag := y + slope*(middle-x)
	off := 0.0
	for _, p := range group {
		off = max(off, math.Abs(p.lag-y-slope*(p.at-x)))
	}
	off += math.Abs(slope) * middle
	second := float64(time.Second) / Rate
	r.Offset = time.Duration(math.Round(lag * second))
	r.Within = time.Duration(off*second) + time.Millisecond/2
	r.Drift = slope * 1e6
}

// A point is what a window says.
type point struct {
	at   float64 // its middle in the sound, in samples
	lag  float64 // when the sound begins, on the other's clock, in samples
	peak float64 // how like one another the two are then, from -1 to 1
	sure bool
}

// compare compares a window of a sound with the other near a lag.
func (m *Matcher) compare(sound []int16, at, lag int) (p point) {
	a := edges(sound, at, min(window, len(sound)-at))
	from := at + lag - reach
	b := edges(m.whole, from, len(a)+2*reach)
	var energy, other float64
	for i, v := range a {
		energy += v * v
		other += b[i] * b[i]
	}
	r := m.fine.correlate(a, b)
	like := make([]float64, 2*reach+1)
	for l := range like {
		if energy > 0 && other > 0 {
			like[l] = real(r[l]) / math.Sqrt(energy*other)
		}
		if l+len(a) < len(b) {
			other += b[l+len(a)]*b[l+len(a)] - b[l]*b[l]
		}
	}
	top := 0
	for l, v := range like {
		if math.Abs(v) > math.Abs(like[top]) {
			top = l
		}
	}
	var noise, next float64
	n := 0
	for l, v := range like {
		if l < top-near || l > top+near {
			noise += v * v
			next = max(next, math.Abs(v))
			n++
		}
	}
	noise = math.Sqrt(noise / float64(max(n, 1)))
	peak := math.Abs(like[top])
	p.at, p.lag, p.peak = float64(at)+float64(len(a))/2, float64(lag+top-reach), like[top]
	p.sure = peak >= least && peak >= overNoise*noise && peak >= overNext*next && peak <= 1.01
	if top > 0 && top < len(like)-1 { // between the samples, by a parabola
		l, c, r := math.Abs(like[top-1]), peak, math.Abs(like[top+1])
		if bend := l - 2*c + r; bend < 0 {
			p.lag += (l - r) / 2 / bend
		}
	}
	return p
}

// edges returns n differences of samples from one on, 0 beyond the ends. They have the low
// tones weaker, of which there is much in every room.
func edges(sound []int16, from, n int) []float64 {
	out := make([]float64, max(n, 0))
	for i := range out {
		if j := from + i; j > 0 && j < len(sound) {
			out[i] = float64(sound[j]) - float64(sound[j-1])
		}
	}
	return out
}

// envelope returns how much louder each hop is than the one before. What is loud counts
// less than its loudness.
func envelope(sound []int16) []float64 {
	var out []float64
	before := 0.0
	for begin := 0; begin+hop <= len(sound); begin += hop {
		sum := 0.0
		for _, v := range sound[begin : begin+hop] {
			sum += float64(v) * float64(v)
		}
		now := math.Pow(sum/hop+quiet*quiet/4, 0.25)
		if begin > 0 {
			out = append(out, now-before)
		}
		before = now
	}
	return out
}

// coarse returns the lags, in samples, at which envelopes are most alike.
func (m *Matcher) coarse(e []float64) (lags []int) {
	f := newFourier(len(m.envelope) + len(e))
	r := f.correlate(e, m.envelope)
	values := make([]float64, len(r))
	for i := range r {
		values[i] = real(r[i])
	}
	const apart = 8 // hops: less than reach
	for range candidates {
		top := 0
		for i, v := range values {
			if v > values[top] {
				top = i
			}
		}
		if values[top] <= 0 {
			break
		}
		lag := top
		if lag > len(m.envelope) {
			lag -= f.n
		}
		lags = append(lags, lag*hop)
		for i := -apart; i <= apart; i++ {
			values[(top+i+f.n)%f.n] = 0
		}
	}
	return lags
}

// loudest returns where windows of a sound begin that are not silent: in each of up to
// limit stretches of it the loudest.
func loudest(sound []int16, limit int) (windows []int) {
	if len(sound) < Rate { // a second is nothing
		return nil
	}
	size := min(window, len(sound))
	n := min(max(len(sound)/window, 1), limit)
	stretch := len(sound) / n
	loud := make([]float64, 0, n)
	for k := range n {
		at, most := -1, 0.0
		for begin := k * stretch; begin+size <= min((k+1)*stretch, len(sound)); begin += size / 4 {
			sum := 0.0
			for i := begin; i < begin+size; i += 4 {
				sum += float64(sound[i]) * float64(sound[i])
			}
			if v := math.Sqrt(sum / float64(size/4)); v > most {
				at, most = begin, v
			}
		}
		if at >= 0 && most >= quiet {
			windows = append(windows, at)
			loud = append(loud, most)
		}
	}
	// What is much less loud than the rest may be another's voice from afar.
	top := 0.0
	for _, v := range loud {
		top = max(top, v)
	}
	var kept []int
	for i, at := range windows {
		if loud[i] >= top/20 {
			kept = append(kept, at)
		}
	}
	return kept
}

// Loud reports in which seconds of a sound something is heard: as loud as a tenth of
// its loudest.
func Loud(sound []int16) []bool {
	var rms []float64
	top := 0.0
	for begin := 0; begin+Rate <= len(sound); begin += Rate {
		sum := 0.0
		for i := begin; i < begin+Rate; i += 2 {
			sum += float64(sound[i]) * float64(sound[i])
		}
		v := math.Sqrt(sum / (Rate / 2))
		rms, top = append(rms, v), max(top, v)
	}
	loud := make([]bool, len(rms))
	for i, v := range rms {
		loud[i] = v >= max(quiet, top/10)
	}
	return loud
}

// spread returns n of the values, from all over.
func spread(values []int, n int) (out []int) {
	if len(values) <= n {
		return values
	}
	for i := range n {
		out = append(out, values[i*(len(values)-1)/(n-1)])
	}
	return out
}

// agreeing returns the most points that one of them agrees with, in order.
func agreeing(points []point) (most []point) {
	for _, p := range points {
		var group []point
		for _, q := range points {
			if math.Abs(p.lag-q.lag) <= steady+steep*math.Abs(p.at-q.at) {
				group = append(group, q)
			}
		}
		if len(group) > len(most) {
			most = group
		}
	}
	slices.SortFunc(most, func(a, b point) int { return cmp.Compare(a.at, b.at) })
	return most
}
