package playback

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
	"github.com/sealtape/sealtape/testdata/sample"
)

const testID = "0123456789ABCDEFGHJKMNPQRS"

var testStart = time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC)

var (
	alice = media.Track{UID: 11, Participant: "alice", Name: "Alice", Source: media.Microphone, Codec: media.Opus, Channels: 2}
	bob   = media.Track{UID: 1<<63 + 5, Participant: "bob", Source: media.Camera, Codec: media.VP8, Width: 160, Height: 120}
)

// A memSource holds segments in memory; errs and a nil segment fail.
type memSource struct {
	segments map[int][]byte
	errs     map[int]error
	reads    func(n int) // called at each read, if set
}

func (s *memSource) Segments() []int {
	var numbers []int
	for n := range s.segments {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}

func (s *memSource) ReadSegment(ctx context.Context, n int) ([]byte, error) {
	if s.reads != nil {
		s.reads(n)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.errs[n]; err != nil {
		return nil, err
	}
	return s.segments[n], nil
}

// segment writes one segment.
func segment(t testing.TB, n int, tracks []media.Track, frames []media.Frame, events ...media.Event) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := matroska.NewWriter(&b, matroska.Header{Recording: testID, Segment: n, Epoch: 1, Start: testStart, Tracks: tracks})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := w.WriteEvent(e); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range frames {
		if err := w.WriteFrame(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// cut puts frames, in the order given, into segments of 5 s.
func cut(t testing.TB, tracks []media.Track, frames []media.Frame, events ...media.Event) *memSource {
	const length = 5 * time.Second
	parts := make(map[int][]media.Frame)
	last := 0
	for _, f := range frames {
		n := int(f.Time / length)
		parts[n] = append(parts[n], f)
		last = max(last, n)
	}
	src := &memSource{segments: make(map[int][]byte)}
	for n := range last + 1 {
		var here []media.Event
		for _, e := range events {
			if int(e.Time/length) == n {
				here = append(here, e)
			}
		}
		src.segments[n] = segment(t, n, tracks, parts[n], here...)
	}
	return src
}

func open(t testing.TB, src Source) *Session {
	t.Helper()
	s, err := Open(t.Context(), src, Options{Recording: testID})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run runs ffmpeg or ffprobe, which these tests cannot do without.
func run(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	sample.Live(t)
	if _, err := exec.LookPath(name); err != nil {
		t.Fatalf("%s is needed in PATH: install Debian's ffmpeg package", name)
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, &stderr)
	}
	if stderr.Len() > 0 {
		t.Errorf("%s %q says: %s", name, args, &stderr)
	}
	return out
}

// encoded keeps what encode made, by its arguments.
var encoded struct {
	sync.Mutex
	frames map[string][]media.Frame
}

// encode runs ffmpeg on its own sources and returns the frames of its output,
// as the track given. Nobody may change the frames' data, which others have, too.
func encode(t testing.TB, track media.Track, args ...string) []media.Frame {
	t.Helper()
	encoded.Lock()
	defer encoded.Unlock()
	key := strings.Join(args, "\x00")
	if encoded.frames[key] == nil {
		if encoded.frames == nil {
			encoded.frames = make(map[string][]media.Frame)
		}
		encoded.frames[key] = encodeNew(t, args...)
	}
	frames := slices.Clone(encoded.frames[key])
	for i := range frames {
		frames[i].Track = track.UID
	}
	return frames
}

func encodeNew(t testing.TB, args ...string) []media.Frame {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.mkv")
	// More threads wait for one another in a loop, at ten times the processor time.
	run(t, "ffmpeg", slices.Concat([]string{"-v", "error"}, args, []string{"-threads", "1", path})...)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := matroska.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var frames []media.Frame
	for {
		b, err := r.Next()
		if errors.Is(err, io.EOF) {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, b.Frame)
	}
}

// burst is stereo Opus in packets of 20 ms, silent but for a 1 kHz tone of half
// a second.
func burst(t testing.TB, track media.Track, length, at time.Duration) []media.Frame {
	frames := encode(t, track, "-f", "lavfi",
		"-i", "aevalsrc='0.5*sin(2*PI*1000*t)*between(t,"+seconds(at)+","+seconds(at+time.Second/2)+")':s=48000:d="+seconds(length),
		"-ac", "2", "-c:a", "libopus", "-frame_duration", "20", "-b:a", "48k")
	for i := range frames {
		frames[i].Time = time.Duration(i) * 20 * time.Millisecond // FFmpeg rounds to 1 ms
	}
	return frames
}

func picture(t testing.TB, track media.Track, length time.Duration) []media.Frame {
	return encode(t, track, "-f", "lavfi", "-i", "testsrc=size=160x120:rate=20:duration="+seconds(length),
		"-c:v", "libvpx", "-g", "40", "-deadline", "realtime", "-b:v", "100k", "-auto-alt-ref", "0")
}

func seconds(d time.Duration) string {
	return time.Time{}.Add(d).Format("05.000")
}
