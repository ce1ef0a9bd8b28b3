//go:build !js

package playback

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/sealtape/sealtape/playback/internal/ffmpeg"
	"github.com/sealtape/sealtape/recorder/media"
)

// speechRate is the rate of StreamSpeech, a third of that of a mix.
const speechRate = sampleRate / 3

// Speakers returns the participants with sound from a microphone in the part, in order of
// appearance.
func (s *Session) Speakers(ctx context.Context, o ExportOptions) ([]Participant, error) {
	x, err := s.excerpt(ctx, o)
	if err != nil {
		return nil, err
	}
	x.keepSpeech("")
	var out []Participant
	for _, p := range s.Participants() {
		for _, t := range x.tracks {
			if t.Participant == p.Identity {
				out = append(out, p)
				break
			}
		}
	}
	return out, nil
}

// keepSpeech leaves the sounds from microphones in the excerpt: those of one
// participant, or of all if it is "".
func (x *excerpt) keepSpeech(participant string) {
	kept := x.tracks[:0:0]
	for _, t := range x.tracks {
		if t.Codec.Audio() && t.Source != media.ScreenAudio && (participant == "" || t.Participant == participant) {
			kept = append(kept, t)
		}
	}
	x.tracks = kept
}

// StreamSpeech writes what one participant said as a WAV file for a program that
// recognizes speech: 16 kHz, mono, 16 bits, of the length of the part, with silence where
// there is nothing. Their loudness is levelled as in a mix. What is said of decoding at
// ExportMP4 applies here. If there is no sound of theirs, the error wraps ErrNoSound.
func StreamSpeech(ctx context.Context, s *Session, w io.Writer, participant string, o ExportOptions) (Report, error) {
	o.Participants = []string{participant}
	x, err := s.excerpt(ctx, o)
	r := x.report()
	if err != nil {
		return r, err
	}
	x.soundsOnly(&r)
	if x.keepSpeech(participant); len(x.tracks) == 0 {
		return r, ErrNoSound
	}
	r.Tracks = x.tracks
	n := x.samplesOf(soundRate) / 3
	if 2*n > maxWAV {
		return r, ErrTooLong
	}
	program, err := ffmpeg.FindSound(ctx)
	if err != nil {
		return r, err
	}
	for _, t := range x.tracks {
		if err := program.Decodes(t.Codec); err != nil {
			return r, err
		}
	}
	if r.Gains, err = x.levels(ctx, program, MixOptions{}); err != nil {
		return r, err
	}
	if _, err := w.Write(wavHeaderOf(speechRate, 1, 2*n)); err != nil {
		return r, err
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	return r, x.mixDown(ctx, running, cancel, program, nil, &thinned{w: w}, SoundOptions{ExportOptions: o}, &r)
}

// wavHeaderOf returns what stands before n bytes of samples of 16 bits in a WAV file.
func wavHeaderOf(rate, channels int, n int64) []byte {
	b := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(36+n))...)
	b = append(b, "WAVEfmt "...)
	each := 2 * channels
	for _, v := range []int{16, 1 | channels<<16, rate, each * rate, each | 16<<16} {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	b = append(b, "data"...)
	return binary.LittleEndian.AppendUint32(b, uint32(n))
}

// A thinned takes stereo of 48 kHz, in samples of 16 bits, and writes a third of them
// in mono. What is above 8 kHz is filtered out before.
type thinned struct {
	w    io.Writer
	part []byte // of a sample
	past [taps]float32
	n    int // samples that came
	out  []byte
}

// taps is the length of the filter: a windowed sinc that lets 7 kHz pass.
const taps = 63

var lowPass = func() (h [taps]float32) {
	const cut = 7200.0 / sampleRate
	var sum float64
	var f [taps]float64
	for i := range f {
		x := float64(i) - (taps-1)/2
		f[i] = 2 * cut
		if x != 0 {
			f[i] = math.Sin(2*math.Pi*cut*x) / (math.Pi * x)
		}
		f[i] *= 0.54 - 0.46*math.Cos(2*math.Pi*float64(i)/(taps-1)) // Hamming
		sum += f[i]
	}
	for i := range f {
		h[i] = float32(f[i] / sum)
	}
	return h
}()

func (t *thinned) Write(b []byte) (int, error) {
	n := len(b)
	if len(t.part) > 0 {
		b = append(t.part, b...)
	}
	t.out = t.out[:0]
	for ; len(b) >= 4; b = b[4:] {
		left, right := int16(binary.LittleEndian.Uint16(b)), int16(binary.LittleEndian.Uint16(b[2:]))
		t.past[t.n%taps] = (float32(left) + float32(right)) / 2
		if t.n++; t.n%3 != 0 {
			continue
		}
		var sum float32
		for i := range taps {
			sum += lowPass[i] * t.past[(t.n+i)%taps] // the oldest first; the filter is the same both ways
		}
		t.out = binary.LittleEndian.AppendUint16(t.out, uint16(int16(max(math.MinInt16, min(math.MaxInt16, math.Round(float64(sum)))))))
	}
	t.part = append([]byte(nil), b...)
	if _, err := t.w.Write(t.out); err != nil {
		return 0, fmt.Errorf("writing speech: %w", err)
	}
	return n, nil
}
