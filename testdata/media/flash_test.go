package media_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sealtape/sealtape/testdata/media"
)

// Every frame of a flash has its number on it, and is white when it should be:
// what FFmpeg decodes is looked at.
func TestFlash(t *testing.T) {
	for i, f := range []struct {
		codec, file   string
		frames        int
		width, height int
	}{
		{"vp8", "flash.ivf", 1200, 640, 360},
		{"h264", "flash.h264", 200, 320, 180},
		{"vp9", "flash-vp9.ivf", 200, 320, 180},
		{"av1", "flash-av1.ivf", 200, 320, 180},
	} {
		if n := len(media.FlashFrames(f.codec)); n != f.frames {
			t.Errorf("%s: %d frames, want %d", f.codec, n, f.frames)
		}
		// A pixel a block, and one of the picture above each.
		out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", f.file, "-vf",
			fmt.Sprintf("crop=%d:%d:0:%d,scale=20:2:flags=area,format=gray", f.width, f.height*64/360, f.height*296/360),
			"-fps_mode", "passthrough", "-f", "rawvideo", "-").Output()
		if err != nil {
			t.Fatalf("%s: ffmpeg: %v", filepath.Base(f.file), err)
		}
		if len(out) != f.frames*40 {
			t.Fatalf("%s: %d bytes of %d frames", f.codec, len(out), f.frames)
		}
		for n := range f.frames {
			picture := out[n*40:][:40]
			var bits uint32
			for _, y := range picture[20:] {
				bits <<= 1
				if y > 128 {
					bits |= 1
				}
			}
			frame, fixture, ok := media.FlashCode(bits)
			if !ok || frame != n || fixture != i+1 {
				t.Fatalf("%s, frame %d: code %05x: frame %d of fixture %d, %v", f.codec, n, bits, frame, fixture, ok)
			}
			if white := slices.Min(picture[:20]) > 240; white != (n%20 < 2) {
				t.Fatalf("%s, frame %d: white: %v, % x", f.codec, n, white, picture[:20])
			}
		}
	}
	if media.FlashFrames("h265") != nil {
		t.Error("there are frames of H.265")
	}
	if _, _, ok := media.FlashCode(0); ok {
		t.Error("black is a code")
	}
}

// What FFmpeg decodes of the beeps begins at the full seconds, and is the tone of
// the second.
func TestBeep(t *testing.T) {
	file := filepath.Join(t.TempDir(), "beep.ogg")
	if err := os.WriteFile(file, media.Beep(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", file, "-ac", "1", "-ar", "48000", "-f", "s16le", "-").Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v", err)
	}
	const dropped = 312 // samples, as the file asks for
	samples := make([]float64, dropped, dropped+len(out)/2)
	for ; len(out) > 1; out = out[2:] {
		samples = append(samples, math.Abs(float64(int16(binary.LittleEndian.Uint16(out)))))
	}
	if len(samples) != 480_000 {
		t.Fatalf("%d samples, want 480000", len(samples))
	}
	for second := 1; second < 10; second++ {
		at := slices.IndexFunc(samples[second*48_000-2400:], func(x float64) bool { return x > 1500 }) - 2400
		if at < -20 || at > 50 {
			t.Errorf("the beep of second %d begins %d samples late", second, at)
		}
		// Each half wave has one peak between two zeros.
		crossings, loud := 0, false
		for _, x := range samples[second*48_000:][:4800] {
			if loud != (x > 5000) {
				loud = !loud
				crossings++
			}
		}
		if hz := float64(crossings) / 4 * 10; math.Abs(hz-float64(600+100*second)) > 25 {
			t.Errorf("the beep of second %d has %.0f Hz", second, hz)
		}
	}
}
