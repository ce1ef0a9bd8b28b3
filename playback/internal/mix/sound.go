package mix

import "math"

const (
	// Block is the number of samples of a channel that are mixed at once: 10 ms.
	Block = 480
	// ceiling is the largest value of a mixed sample: -1 dB, as EBU R128 has it for
	// the peaks that come about between samples and in encoders.
	ceiling = 0.891
	// release is how much the gain may rise from one block to the next: from half to
	// full in a third of a second.
	release = 1.02
)

// A Mixer sums sounds, and never clips. If a sum would be too loud, the Mixer turns all
// sounds down alike, from one block before until some time after. So it runs one block
// behind: call Add for all sounds of a block, then Next, which returns the block before.
// Throw the first result away, and call Next once more at the end.
type Mixer struct {
	sum  [2][2 * Block]float32 // the block that is added to, and the one before it
	now  int                   // which of sum is added to
	gain [2]float32            // of the block before: at its beginning, and its most
	any  bool                  // Next was called
}

// Add adds samples to the block, from the sample at on, each multiplied by gain. They are interleaved stereo, or
// mono, which goes to both sides. Samples beyond the block are left out.
func (m *Mixer) Add(at int, samples []float32, channels int, gain float32) {
	block := m.sum[m.now][2*at:]
	if channels == 1 {
		for i, v := range samples[:min(len(samples), len(block)/2)] {
			v = sane(v) * gain
			block[2*i] += v
			block[2*i+1] += v
		}
		return
	}
	for i, v := range samples[:min(len(samples), len(block))] {
		block[i] += sane(v) * gain
	}
}

// sane bounds a sample of a decoder. NaN becomes 0.
func sane(v float32) float32 {
	if v != v {
		return 0
	}
	return min(8, max(-8, v))
}

// Next ends the block that was added to, and appends the block before it to b, in signed
// 16 bits, little endian.
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
	// The gain changes in a straight line through the block. At each end it is low
	// enough for the blocks on both sides.
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
