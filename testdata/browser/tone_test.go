package browser

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tone.wav")
	if err := Tone(path, 1000, 2*time.Second); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) != 44+2*2*48000 || int(binary.LittleEndian.Uint32(b[4:]))+8 != len(b) || int(binary.LittleEndian.Uint32(b[40:]))+44 != len(b) {
		t.Fatalf("%d bytes, header %x", len(b), b[:44])
	}
	// 1000 Hz at 48 kHz: a period of 48 samples, from zero over half of full
	// scale and back.
	for i, want := range map[int]float64{0: 0, 12: 0.5, 24: 0, 36: -0.5, 48: 0, 60: 0.5} {
		got := float64(int16(binary.LittleEndian.Uint16(b[44+2*i:]))) / math.MaxInt16
		if math.Abs(got-want) > 0.001 {
			t.Errorf("sample %d is %.3f, want %.3f", i, got, want)
		}
	}
	for _, bad := range []struct {
		hz float64
		d  time.Duration
	}{{0, time.Second}, {-1, time.Second}, {24000, time.Second}, {math.NaN(), time.Second}, {440, 0}, {440, 2 * time.Hour}} {
		if err := Tone(path, bad.hz, bad.d); err == nil {
			t.Errorf("Tone(%v, %v) gave no error", bad.hz, bad.d)
		}
	}
}

func TestBeeps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "beeps.wav")
	if err := Beeps(path, 1000, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for second, want := range []float64{0.5, 0.5, 0, 0, 0.5} {
		got := float64(int16(binary.LittleEndian.Uint16(b[44+2*(48000*second+12):]))) / math.MaxInt16
		if math.Abs(got-want) > 0.001 {
			t.Errorf("second %d goes up to %.3f, want %.3f", second, got, want)
		}
	}
}
