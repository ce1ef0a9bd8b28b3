package media_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// TestDescribe holds what frames say of themselves against what FFmpeg, which
// encoded them, writes into its own Matroska files.
func TestDescribe(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Fatal("ffmpeg is needed in PATH: install Debian's ffmpeg package")
	}
	for _, tt := range []struct {
		name  string
		codec media.Codec
		args  []string
	}{
		{"vp8", media.VP8, []string{"-c:v", "libvpx", "-auto-alt-ref", "0"}},
		{"vp9", media.VP9, []string{"-c:v", "libvpx-vp9", "-auto-alt-ref", "0", "-deadline", "realtime"}},
		{"vp9 10 bit 4:4:4", media.VP9, []string{"-c:v", "libvpx-vp9", "-auto-alt-ref", "0", "-deadline", "realtime", "-pix_fmt", "yuv444p10le"}},
		{"h264 baseline", media.H264, []string{"-c:v", "libx264", "-profile:v", "baseline", "-tune", "zerolatency"}},
		{"h264 high", media.H264, []string{"-c:v", "libx264", "-preset", "veryfast", "-bf", "0"}},
		{"h264 high 4:4:4", media.H264, []string{"-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-pix_fmt", "yuv444p"}},
		{"h264 interlaced", media.H264, []string{"-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-flags", "+ildct"}},
		{"h265", media.H265, []string{"-c:v", "libx265", "-preset", "ultrafast", "-tune", "zerolatency", "-x265-params", "info=0"}},
		{"h265 10 bit", media.H265, []string{"-c:v", "libx265", "-preset", "ultrafast", "-tune", "zerolatency", "-x265-params", "info=0", "-pix_fmt", "yuv420p10le"}},
		{"av1", media.AV1, []string{"-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8"}},
		{"av1 4:4:4", media.AV1, []string{"-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-pix_fmt", "yuv444p"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "in.mkv")
			args := slices.Concat([]string{"-v", "error", "-f", "lavfi", "-i", "testsrc=size=150x100:rate=10:duration=1"},
				[]string{"-pix_fmt", "yuv420p"}, tt.args, []string{"-g", "5", "-keyint_min", "5", "-threads", "1"})
			if tt.codec == media.H264 || tt.codec == media.H265 {
				// As from a camera: parameter sets in every key frame.
				args = append(args, "-bsf:v", "dump_extra=freq=keyframe")
			}
			if out, err := exec.CommandContext(t.Context(), "ffmpeg", append(args, path)...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			track, frames := readMatroska(t, path)
			keys := 0
			for i, f := range frames {
				p := media.Describe(tt.codec, f.Data)
				if p.Key != f.Key {
					t.Errorf("frame %d is a key frame: %v, FFmpeg says %v", i, p.Key, f.Key)
				}
				if !p.Key {
					continue
				}
				keys++
				if p.Width != track.Width || p.Height != track.Height {
					t.Errorf("frame %d is %dx%d, FFmpeg says %dx%d", i, p.Width, p.Height, track.Width, track.Height)
				}
				if len(p.Private) > media.MaxPrivate || media.NeedsPrivate(tt.codec) != (p.Private != "") {
					t.Errorf("frame %d has private data of %d bytes", i, len(p.Private))
				}
				checkPrivate(t, tt.codec, p.Private, track.Private)
			}
			if len(frames) != 10 || keys != 2 {
				t.Errorf("%d frames, %d of them key frames", len(frames), keys)
			}
		})
	}
}

// checkPrivate compares the fixed part of the codec's configuration.
func checkPrivate(t *testing.T, c media.Codec, got, want string) {
	t.Helper()
	switch c {
	case media.H264:
		if got != want {
			t.Errorf("avcC is\n% x, FFmpeg's\n% x", got, want)
		}
	case media.AV1:
		if len(got) < 4 || got != want {
			t.Errorf("av1C is\n% x, FFmpeg's\n% x", got, want)
		}
	case media.H265:
		// FFmpeg fills in fields of hints (bytes 13 to 16, 19 to 21) that may be 0.
		for _, i := range slices.Concat(span(0, 13), []int{16, 17, 18}) {
			if len(got) < 23 || got[i] != want[i] {
				t.Fatalf("byte %d of hvcC differs:\n% x, FFmpeg's\n% x", i, got, want)
			}
		}
	}
}

func span(from, to int) (s []int) {
	for i := from; i < to; i++ {
		s = append(s, i)
	}
	return s
}

func readMatroska(t testing.TB, path string) (media.Track, []media.Frame) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := matroska.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Header().Tracks) != 1 {
		t.Fatalf("%d tracks", len(r.Header().Tracks))
	}
	var frames []media.Frame
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.Header().Tracks[0], frames
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, b.Frame)
	}
}

func TestStore(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"four bytes", "\x00\x00\x00\x01ab\x00\x00\x00\x01c", "\x00\x00\x00\x02ab\x00\x00\x00\x01c"},
		{"three bytes", "\x00\x00\x01ab\x00\x00\x01c", "\x00\x00\x00\x02ab\x00\x00\x00\x01c"},
		{"three, then five", "\x00\x00\x01ab\x00\x00\x00\x00\x01c", "\x00\x00\x00\x02ab\x00\x00\x00\x01c"},
		{"five, then three", "\x00\x00\x00\x00\x01ab\x00\x00\x01c", "\x00\x00\x00\x02ab\x00\x00\x00\x01c"},
		{"trailing zeros", "\x00\x00\x00\x01a\x00\x00\x00", "\x00\x00\x00\x01a"},
		{"emulation prevention stays", "\x00\x00\x00\x01a\x00\x00\x03\x01", "\x00\x00\x00\x05a\x00\x00\x03\x01"},
		{"nothing", "\x00\x00\x00\x01", ""},
		{"no start code", "abc", ""},
		{"empty", "", ""},
	} {
		if got := string(media.Store(media.H264, []byte(tt.in))); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if got := string(media.Store(media.VP8, []byte(tt.in))); got != tt.in {
			t.Errorf("%s: VP8 becomes %q", tt.name, got)
		}
	}
	if n := testing.AllocsPerRun(10, func() {
		media.Store(media.H264, []byte("\x00\x00\x00\x01ab\x00\x00\x00\x01c"))
	}); n > 1 {
		t.Errorf("%v allocations for a frame from RTP", n)
	}
}

func TestVP9Joiner(t *testing.T) {
	join := func(layers ...string) string {
		var b [][]byte
		for _, l := range layers {
			b = append(b, []byte(l))
		}
		return string(new(media.VP9Joiner).Join(b))
	}
	if got := join("abc"); got != "abc" {
		t.Errorf("one layer becomes %q", got)
	}
	two := "abcde\xc1\x02\x03\xc1"
	if got := join("ab", "cde"); got != two {
		t.Errorf("two layers become %q", got)
	}
	// What a sender joined already is not wrapped twice.
	if got := join(two, "f"); got != "abcdef\xc2\x02\x03\x01\xc2" {
		t.Errorf("a superframe and a layer become %q", got)
	}
	if got := join("a", "b", "c", "d", "e", "f", "g", "h", "i"); got != "" {
		t.Errorf("nine layers become %q", got)
	}
	// Of a key picture only the last layer is shown.
	if got, want := join("\x83key", "\x87upper"), "\x81key\x87upper\xc1\x04\x06\xc1"; got != want {
		t.Errorf("a key picture becomes %q, want %q", got, want)
	}
	if p := media.Describe(media.VP9, []byte(join("\x82\x49\x83\x42\x00\x13\xf0\x0b\x30", "\x86"))); !p.Key || p.Width != 320 || p.Height != 180 {
		t.Errorf("a key picture is %+v", p)
	}
	long := string(make([]byte, 300))
	if got, want := join("a", long), "a"+long+"\xc9\x01\x00\x2c\x01\xc9"; got != want {
		t.Errorf("long layers end in %q", got[len(got)-8:])
	}
}

// FuzzDescribe: a frame of any codec is read within its bytes, and what Store
// makes of NAL units holds the same ones.
func FuzzDescribe(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x01\x67\x42\xc0\x1f\xd9\x00\x00\x01\x68\xce\x00\x00\x01\x65\x88"))
	f.Add([]byte("\x00\x00\x00\x01\x67\x42\xc0\x1f\xda\x02\x80\x00\x04\x00\x03\x21\x00\x00\x01\x68\xce\x00\x00\x01\x65\x88"))
	f.Add([]byte("\x00\x00\x00\x01\x40\x01\x0c\x00\x00\x01\x42\x01\x01\x01\x60\x00\x00\x03\x00\x90\x00\x00\x03\x00\x00\x03\x00\x5d\xa0\x02\x80\x80\x2d\x16\x59\x59\xa4\x93\x2b\x80\x00\x00\x01\x44\x01\xc1\x00\x00\x01\x26\x01\xaf"))
	f.Fuzz(func(t *testing.T, frame []byte) {
		for _, c := range []media.Codec{media.VP8, media.VP9, media.AV1, media.H264, media.H265} {
			stored := media.Store(c, bytes.Clone(frame))
			p := media.Describe(c, stored)
			if len(p.Private) > media.MaxPrivate {
				t.Fatalf("%s: %+v", c, p)
			}
			// One set of limits: what a picture says and Fits allows, a header takes.
			tr := media.Track{UID: 1, Codec: c, Width: p.Width, Height: p.Height, Private: p.Private}
			if needs := media.NeedsPrivate(c); p.Fits() && (!needs || p.Private != "") {
				if _, err := matroska.NewWriter(io.Discard, matroska.Header{Tracks: []media.Track{tr}}); err != nil {
					t.Fatalf("%s: %+v: %v", c, p, err)
				}
			}
			if c != media.H264 {
				continue
			}
			for rest := stored; len(rest) > 0; {
				if len(rest) < 5 {
					t.Fatalf("% x is stored as % x", frame, stored)
				}
				n := int(rest[0])<<24 | int(rest[1])<<16 | int(rest[2])<<8 | int(rest[3])
				if n == 0 || n > len(rest)-4 || !bytes.Contains(frame, rest[4:4+n]) {
					t.Fatalf("% x is stored as % x", frame, stored)
				}
				rest = rest[4+n:]
			}
		}
		half := len(frame) / 2
		joined := new(media.VP9Joiner).Join([][]byte{frame[:half], frame[half:]})
		if len(joined) > len(frame)+2+8*(4+1) {
			t.Fatalf("%d bytes become %d", len(frame), len(joined))
		}
	})
}
