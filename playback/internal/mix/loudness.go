package mix

import "math"

const (
	// meterRate is the sample rate that a Meter measures, in Hz.
	meterRate = 48000
	// A gating block lasts four hops, 400 ms, and begins a hop after the one
	// before.
	meterHop = meterRate / 10
	// absoluteGate is the least loudness of a block that counts, in LUFS, and
	// relativeGate how far below the mean of those a block may be, in LU.
	absoluteGate = -70.0
	relativeGate = -10.0
	// Loudness is counted in steps of a tenth up to loudestStep.
	loudnessSteps = 800
)

// A Meter measures the integrated loudness of a sound, gated as EBU R128 and ITU-R
// BS.1770-4 say, in LUFS. The sound is what a listener to a stereo mix gets: mono
// counts on both sides. The zero value is ready for use. It holds no samples and
// belongs to one goroutine.
type Meter struct {
	filters [2][2]biquad // by side, then in their order
	hop     float64      // sum of squares of the open hop
	n       int          // its samples
	hops    [4]float64   // the last ones
	whole   int          // hops so far
	counts  [loudnessSteps]int
	energy  [loudnessSteps]float64
}

// A biquad is the state of a filter of second order.
type biquad struct{ z1, z2 float64 }

// The K-weighting of BS.1770-4, tables 1 and 2, for 48 kHz.
var kWeighting = [2][5]float64{
	{1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585},
	{1, -2, 1, -1.99004745483398, 0.99007225036621},
}

func (b *biquad) next(k *[5]float64, x float64) float64 {
	y := k[0]*x + b.z1
	b.z1 = k[1]*x - k[3]*y + b.z2
	b.z2 = k[2]*x - k[4]*y
	return y
}

// Add adds samples: interleaved stereo, or mono.
func (m *Meter) Add(samples []float32, channels int) {
	for i := 0; i+channels <= len(samples); i += channels {
		for side := range channels {
			x := float64(sane(samples[i+side]))
			for j := range m.filters[side] {
				x = m.filters[side][j].next(&kWeighting[j], x)
			}
			m.hop += x * x * float64(2/channels)
		}
		if m.n++; m.n == meterHop {
			m.endHop()
		}
	}
}

func (m *Meter) endHop() {
	m.hops[m.whole%len(m.hops)] = m.hop
	m.whole++
	m.hop, m.n = 0, 0
	if m.whole < len(m.hops) {
		return
	}
	var sum float64
	for _, h := range m.hops {
		sum += h
	}
	mean := sum / float64(len(m.hops)*meterHop)
	loudness := lufs(mean)
	if !(loudness > absoluteGate) {
		return
	}
	step := min(int((loudness-absoluteGate)*10), loudnessSteps-1)
	m.counts[step]++
	m.energy[step] += mean
}

func lufs(meanSquare float64) float64 { return -0.691 + 10*math.Log10(meanSquare) }

// Loudness returns the integrated loudness in LUFS. It is false if nothing was
// louder than the absolute gate for 400 ms.
func (m *Meter) Loudness() (float64, bool) {
	mean, ok := m.meanFrom(0)
	if !ok {
		return 0, false
	}
	gate := max(lufs(mean)+relativeGate, absoluteGate)
	mean, ok = m.meanFrom(int((gate - absoluteGate) * 10))
	return lufs(mean), ok
}

// meanFrom returns the mean square of the blocks from a step on.
func (m *Meter) meanFrom(step int) (float64, bool) {
	n, sum := 0, 0.0
	for i := step; i < loudnessSteps; i++ {
		n += m.counts[i]
		sum += m.energy[i]
	}
	return sum / float64(max(n, 1)), n > 0
}

const (
	// Target is the loudness to which speakers are levelled, in LUFS. It is
	// between the -23 of EBU R128, which is quiet on telephones and notebooks, and
	// the -16 of podcasts, at which the peaks of several at once would keep the
	// limiter busy.
	Target = -20.0
	// MaxGain is the most by which a speaker is turned up or down, in dB. More
	// would make the noise of a room as loud as some speech.
	MaxGain = 15.0
	// quietest is the loudness below which nobody speaks: what is there is noise.
	quietest = -55.0
)

// Level returns by how much what was measured is to be turned up, in dB, to be as
// loud as the others: from -MaxGain to MaxGain, and 0 where nothing was said.
func (m *Meter) Level() float64 {
	loudness, ok := m.Loudness()
	if !ok || loudness < quietest {
		return 0
	}
	return max(-MaxGain, min(Target-loudness, MaxGain))
}
