package mix

import (
	"math"
	"testing"
)

// tone is a sine of so many dBFS and seconds, mono.
func tone(hz, dB, seconds float64) []float32 {
	b := make([]float32, int(seconds*meterRate))
	for i := range b {
		b[i] = float32(math.Pow(10, dB/20) * math.Sin(2*math.Pi*hz*float64(i)/meterRate))
	}
	return b
}

func stereo(left, right []float32) []float32 {
	b := make([]float32, 2*len(left))
	for i := range left {
		b[2*i], b[2*i+1] = left[i], right[i]
	}
	return b
}

// TestMeter holds to signals of EBU Tech 3341: a stereo sine of 1 kHz of -23 dBFS
// has -23 LUFS, and pauses do not count.
func TestMeter(t *testing.T) {
	join := func(parts ...[]float32) (all []float32) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	silence := make([]float32, 10*meterRate)
	for name, test := range map[string]struct {
		samples  []float32
		channels int
		want     float64
	}{
		"case 1, -23":      {stereo(tone(1000, -23, 20), tone(1000, -23, 20)), 2, -23},
		"case 2, -33":      {stereo(tone(1000, -33, 20), tone(1000, -33, 20)), 2, -33},
		"mono as stereo":   {tone(1000, -23, 20), 1, -23},
		"one side":         {stereo(tone(1000, -20, 10), silence), 2, -23},
		"pauses":           {join(tone(1000, -30, 10), silence, tone(1000, -30, 10)), 1, -30},
		"noise in between": {join(tone(1000, -23, 60), tone(1000, -50, 60)), 1, -23},
		"case 3":           {join(tone(1000, -36, 10), tone(1000, -23, 60), tone(1000, -36, 10)), 1, -23},
	} {
		var m Meter
		m.Add(test.samples, test.channels)
		if got, ok := m.Loudness(); !ok || math.Abs(got-test.want) > 0.1 {
			t.Errorf("%s: %.2f LUFS, %t, want %v", name, got, ok, test.want)
		}
	}
}

func TestLevel(t *testing.T) {
	for _, test := range []struct{ dB, want float64 }{
		{-10, -10}, {-20, 0}, {-30, 10}, {-1, -15}, {-40, 15}, {-58, 0}, {-90, 0},
	} {
		var m Meter
		m.Add(tone(1000, test.dB, 5), 1)
		if got := m.Level(); math.Abs(got-test.want) > 0.1 || got > MaxGain || got < -MaxGain {
			t.Errorf("%v dBFS: turned up by %.2f dB, want %v", test.dB, got, test.want)
		}
	}
	var m Meter
	m.Add([]float32{float32(math.NaN()), float32(math.Inf(1)), 1e30}, 1)
	m.Add(make([]float32, meterRate), 1)
	if got := m.Level(); got != got || math.Abs(got) > MaxGain {
		t.Errorf("what is no sound: %v dB", got)
	}
}
