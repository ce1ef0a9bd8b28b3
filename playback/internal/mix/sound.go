package mix

import "math"

const (
	// Block is the number of samples, a channel, that are mixed at once: 10 ms.
	Block = 480
	// ceiling is the loudest a mixed sample gets.
	ceiling = 0.96
	// release is how much louder a block may be turned than the one before: from
	// half to full in a third of a second.
	release = 1.02
)

// A Mixer sums sounds up. Where the sum would be too loud, it is turned down, all
// of it alike, from a block before to some while after: nothing is ever clipped.
// Add to the block, then Next; what comes is the block before, so that the first
// is to be thrown away and one more to be made at the end.
type Mixer struct {
	sum  [2][2 * Block]float32 // the block that is added to, and the one before it
	now  int
	gain [2]float32 // of the one before it: at its begin and what it needs at most
	any  bool
}

// Add adds samples to the block from a place in it on: interleaved stereo, or
// mono that goes to both sides. What is beyond the block is left out.
func (m *Mixer) Add(at int, samples []float32, channels int) {
	block := m.sum[m.now][2*at:]
	if channels == 1 {
		for i, v := range samples[:min(len(samples), len(block)/2)] {
			v = sane(v)
			block[2*i] += v
			block[2*i+1] += v
		}
		return
	}
	for i, v := range samples[:min(len(samples), len(block))] {
		block[i] += sane(v)
	}
}

// sane bounds what a decoder gives.
func sane(v float32) float32 {
	if v != v {
		return 0
	}
	return min(8, max(-8, v))
}

// Next ends the block that was added to and appends the one before it to b, in
// signed 16 bits, little endian.
func (m *Mixer) Next(b []byte) []byte {
	if !m.any {
		m.any, m.gain = true, [2]float32{1, 1}
	}
	added := &m.sum[m.now]
	var peak float32
	for _, v := range added {
		peak = max(peak, v, -v)
	}
	need := float32(1)
	if peak > ceiling {
		need = ceiling / peak
	}
	before := &m.sum[1-m.now]
	from, most := m.gain[0], m.gain[1]
	// The gain goes along a line, and both its ends are enough for the blocks
	// on either side.
	to := min(need, most, from*release)
	step := (to - from) / Block
	for i := range Block {
		g := from + step*float32(i)
		for _, v := range before[2*i : 2*i+2] {
			s := int16(math.Round(float64(v * g * math.MaxInt16)))
			b = append(b, byte(s), byte(s>>8))
		}
	}
	m.gain = [2]float32{to, need}
	clear(before[:])
	m.now = 1 - m.now
	return b
}
