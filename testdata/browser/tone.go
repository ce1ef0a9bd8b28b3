package browser

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"time"
)

const toneRate = 48000 // samples a second

// Tone writes a WAV file with a sine of hz Hz at half of full scale: 48 kHz,
// 16 bit, mono, as Chromium's fake microphone reads it. Chromium repeats the
// file; where hz times d is a whole number the repetition has no click. hz
// must lie above 0 and below 24000, d between 1 ms and 1 h.
func Tone(path string, hz float64, d time.Duration) error {
	return sine(path, hz, d, func(float64) float64 { return 0.5 })
}

// Beeps writes a file like Tone's, in which two of four seconds are silent:
// to a LiveKit server somebody speaks, and pauses for long enough to be seen to.
func Beeps(path string, hz float64, d time.Duration) error {
	return sine(path, hz, d, func(s float64) float64 {
		if int(s)%4 >= 2 {
			return 0
		}
		return 0.5
	})
}

// sine writes a sine whose part of full scale loud says for each second.
func sine(path string, hz float64, d time.Duration, loud func(seconds float64) float64) error {
	if !(hz > 0 && hz < toneRate/2) {
		return fmt.Errorf("tone of %v Hz: want above 0 and below %d", hz, toneRate/2)
	}
	if d < time.Millisecond || d > time.Hour {
		return fmt.Errorf("tone of %v: want 1ms to 1h", d)
	}
	samples := int(d.Seconds() * toneRate)
	size := uint32(2 * samples)

	// RIFF header, "fmt " chunk of 16 bytes (PCM, mono) and "data" chunk.
	b := make([]byte, 0, 44+2*samples)
	b = append(b, "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, 36+size)
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, 1) // PCM
	b = binary.LittleEndian.AppendUint16(b, 1) // channels
	b = binary.LittleEndian.AppendUint32(b, toneRate)
	b = binary.LittleEndian.AppendUint32(b, 2*toneRate) // bytes a second
	b = binary.LittleEndian.AppendUint16(b, 2)          // bytes a sample
	b = binary.LittleEndian.AppendUint16(b, 16)         // bits a sample
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, size)
	for i := range samples {
		v := math.Sin(2 * math.Pi * hz * float64(i) / toneRate)
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(v*math.MaxInt16*loud(float64(i)/toneRate))))
	}
	return os.WriteFile(path, b, 0o600)
}
