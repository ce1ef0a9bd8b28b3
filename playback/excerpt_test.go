package playback

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// played decodes a stream as a tool does that looks at no times but plays packet
// after packet, and returns when it first gets loud and how long it is.
func played(t testing.TB, path, stream string) (loud, length time.Duration) {
	t.Helper()
	pcm := run(t, "ffmpeg", "-v", "error", "-i", path, "-map", stream, "-fps_mode", "passthrough",
		"-ac", "1", "-ar", "48000", "-f", "f32le", "-")
	at := 0
	for at+4 <= len(pcm) && math.Abs(float64(math.Float32frombits(binary.LittleEndian.Uint32(pcm[at:])))) <= 0.2 {
		at += 4
	}
	return time.Duration(at/4) * time.Second / 48000, time.Duration(len(pcm)/4) * time.Second / 48000
}

// meeting has a sound with a late start, a mute and an early end, one that is
// there all the time, and a picture with a hole. Tones begin at 9 s and 16 s.
func meeting(t testing.TB) *memSource {
	made.Lock()
	defer made.Unlock()
	if made.meeting == nil {
		made.meeting = makeMeeting(t).segments
	}
	return &memSource{segments: maps.Clone(made.meeting)}
}

// made keeps what takes FFmpeg some time.
var made struct {
	sync.Mutex
	meeting map[int][]byte
}

func makeMeeting(t testing.TB) *memSource {
	carol := media.Track{UID: 12, Participant: "carol", Name: "Carol", Source: media.Microphone, Codec: media.Opus, Channels: 2}
	var frames []media.Frame
	for _, f := range burst(t, alice, 18*time.Second, 9*time.Second) {
		if f.Time >= 3210*time.Millisecond && (f.Time < 5*time.Second || f.Time > 8*time.Second) && f.Time < 12*time.Second {
			frames = append(frames, f)
		}
	}
	frames = append(frames, burst(t, carol, 20*time.Second, 16*time.Second)[:1000]...)
	for _, f := range picture(t, bob, 15*time.Second) {
		if f.Time < 4*time.Second || f.Time >= 6*time.Second {
			frames = append(frames, f)
		}
	}
	return cut(t, []media.Track{alice, bob, carol}, frames,
		media.Event{Type: media.EventStart, Text: "Stand-up"},
		media.Event{Type: media.EventJoin, Participant: "bob"},
		media.Event{Time: 5 * time.Second, Type: media.EventMute, Participant: "alice", Track: alice.UID},
		media.Event{Time: 8 * time.Second, Type: media.EventUnmute, Participant: "alice", Track: alice.UID},
		media.Event{Time: 6 * time.Second, Type: media.EventHole, Track: bob.UID, From: 4 * time.Second, To: 6 * time.Second, Reason: media.HoleLoss},
		media.Event{Time: 10 * time.Second, Type: media.EventChat, Participant: "alice", Name: "Alice", Text: "look at <this>"},
		media.Event{Time: 11 * time.Second, Type: media.EventChat, Participant: "carol", Name: "Carol", Text: "nice"},
		media.Event{Time: 20 * time.Second, Type: media.EventStop})
}

// TestNoHoles: every sound of an export lasts as long as the recording and has
// its tone at its time, for tools that look at times and for those that do not.
func TestNoHoles(t *testing.T) {
	t.Parallel()
	s := open(t, meeting(t))
	mkv := filepath.Join(t.TempDir(), "a.mkv")
	r, err := ExportFile(t.Context(), s, mkv, ExportOptions{})
	if err != nil || !r.Incomplete || r.Dropped() != 0 || r.Hidden != 0 || r.From != 0 || r.Duration != 20*time.Second {
		t.Fatalf("%+v, %v", r, err)
	}
	dir := filepath.Join(t.TempDir(), "a")
	if r, err = ExportTracks(t.Context(), s, dir, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"Alice-microphone.ogg", "bob-camera.webm", "Carol-microphone.ogg"}; !slices.Equal(r.Files, want) {
		t.Fatalf("files %q, want %q", r.Files, want)
	}
	for i, tone := range []time.Duration{9 * time.Second, 16 * time.Second} {
		for _, file := range []struct{ path, stream string }{
			{mkv, fmt.Sprintf("0:a:%d", i)}, {filepath.Join(dir, r.Files[2*i]), "0:a"},
		} {
			what := filepath.Base(file.path) + " " + file.stream
			loud, length := played(t, file.path, file.stream)
			nearTo(t, what+": played tone", loud, tone+encoderDelay, 16*time.Millisecond)
			nearTo(t, what+": played length", length, 20*time.Second, 3*time.Millisecond)
			loud, length = onset(t, file.path, file.stream)
			nearTo(t, what+": tone", loud, tone+encoderDelay, 16*time.Millisecond)
			nearTo(t, what+": length", length, 20*time.Second, 3*time.Millisecond)
		}
	}
	for _, path := range []string{mkv, filepath.Join(dir, r.Files[1])} {
		p := ffprobe(t, path)
		near(t, path+": duration", p.Format.Duration, 20*time.Second, 0)
		near(t, path+": start", p.Streams[0].StartTime, 0, time.Millisecond)
	}
	// In pictures of a steady rate the hole is a still: every one has its place.
	for path, stream := range map[string]string{mkv: "0:v", filepath.Join(dir, r.Files[1]): "0:v"} {
		raw := run(t, "ffmpeg", "-v", "error", "-i", path, "-map", stream, "-r", "20", "-fps_mode", "cfr",
			"-pix_fmt", "gray", "-f", "rawvideo", "-")
		const size = 160 * 120
		if n := len(raw) / size; n < 299 || n > 301 {
			t.Fatalf("%d pictures, want 300", n)
		}
		at := func(i int) []byte { return raw[i*size : (i+1)*size] }
		if !bytes.Equal(at(85), at(110)) {
			t.Error("the picture does not stand still in its hole")
		}
		if bytes.Equal(at(75), at(78)) || bytes.Equal(at(125), at(128)) {
			t.Error("the picture stands still outside its hole")
		}
	}
}

// TestExcerpt exports from the middle of a group of pictures to the middle of
// another.
func TestExcerpt(t *testing.T) {
	t.Parallel()
	s := open(t, meeting(t))
	const from, to = 8500 * time.Millisecond, 17 * time.Second
	o := ExportOptions{From: from, To: to}
	mkv := filepath.Join(t.TempDir(), "a.mkv")
	r, err := ExportFile(t.Context(), s, mkv, o)
	if err != nil || r.Incomplete || r.Dropped() != 0 || len(r.Tracks) != 3 || len(r.Holes) != 0 ||
		r.From != from || r.Duration != to-from || r.Hidden != 500*time.Millisecond {
		t.Fatalf("%+v, %v", r, err)
	}
	dir := filepath.Join(t.TempDir(), "a")
	if r, err = ExportTracks(t.Context(), s, dir, o); err != nil || r.Hidden != 500*time.Millisecond {
		t.Fatalf("%+v, %v", r, err)
	}
	for i, tone := range []time.Duration{9 * time.Second, 16 * time.Second} {
		for _, file := range []struct{ path, stream string }{
			{mkv, fmt.Sprintf("0:a:%d", i)}, {filepath.Join(dir, r.Files[2*i]), "0:a"},
		} {
			loud, length := played(t, file.path, file.stream)
			nearTo(t, file.path+": tone", loud, tone-from+encoderDelay, 16*time.Millisecond)
			nearTo(t, file.path+": length", length, to-from, 3*time.Millisecond)
		}
	}
	// Nothing of before is shown, and what is shown first is the picture of then.
	whole := filepath.Join(t.TempDir(), "whole.mkv")
	if _, err := ExportFile(t.Context(), s, whole, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	want := pictures(t, whole)
	want = want[slices.IndexFunc(want, func(p shown) bool { return p.at >= from }):]
	for _, path := range []string{mkv, filepath.Join(dir, r.Files[1])} {
		p := ffprobe(t, path)
		near(t, path+": duration", p.Format.Duration, to-from, 0)
		near(t, path+": start", p.Streams[0].StartTime, 0, time.Millisecond)
		got := pictures(t, path)
		if len(got) != len(want) {
			t.Fatalf("%s: %d pictures, want %d", path, len(got), len(want))
		}
		for i := range got {
			nearTo(t, "picture", got[i].at, want[i].at-from, 11*time.Millisecond)
			if got[i].hash != want[i].hash {
				t.Fatalf("%s: picture %d at %v is another", path, i, got[i].at)
			}
		}
	}
}

type shown struct {
	at   time.Duration
	hash string
}

// pictures returns what is shown of a file's first video track.
func pictures(t testing.TB, path string) []shown {
	t.Helper()
	out := run(t, "ffmpeg", "-v", "error", "-copyts", "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough",
		"-enc_time_base", "1:10000", "-f", "framemd5", "-")
	var all []shown
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), ",")
		if len(f) != 6 || line[0] == '#' {
			continue
		}
		var ticks int64
		if _, err := fmt.Sscan(strings.TrimSpace(f[2]), &ticks); err != nil {
			t.Fatal(err)
		}
		all = append(all, shown{time.Duration(ticks) * time.Second / 10_000, strings.TrimSpace(f[5])})
	}
	return all
}

// TestExcerptOtherCodecs: codecs that cannot hide a picture show it so shortly
// that nobody sees it, and what follows decodes.
func TestExcerptOtherCodecs(t *testing.T) {
	t.Parallel()
	for codec, args := range map[media.Codec][]string{
		media.H264: {"-c:v", "libx264", "-tune", "zerolatency", "-bsf:v", "dump_extra=freq=keyframe"},
		media.VP9:  {"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-auto-alt-ref", "0"},
	} {
		t.Run(string(codec), func(t *testing.T) {
			track := media.Track{UID: 7, Participant: "dora", Source: media.Screen, Codec: codec, Width: 160, Height: 120}
			frames := encode(t, track, slices.Concat([]string{"-f", "lavfi", "-i", "testsrc=size=160x120:rate=20:duration=6",
				"-pix_fmt", "yuv420p", "-g", "100"}, args)...)
			track.Private = media.Describe(codec, frames[0].Data).Private
			s := open(t, cut(t, []media.Track{track}, frames))
			whole, part := filepath.Join(t.TempDir(), "whole.mkv"), filepath.Join(t.TempDir(), "part.mkv")
			if _, err := ExportFile(t.Context(), s, whole, ExportOptions{}); err != nil {
				t.Fatal(err)
			}
			r, err := ExportFile(t.Context(), s, part, ExportOptions{From: 3 * time.Second})
			if err != nil || r.Hidden != 3*time.Second || r.Dropped() != 0 {
				t.Fatalf("%+v, %v", r, err)
			}
			all, got := pictures(t, whole), pictures(t, part)
			if len(all) != 120 || len(got) != 120 {
				t.Fatalf("%d and %d pictures", len(all), len(got))
			}
			for i, p := range got {
				want := max(0, all[i].at-3*time.Second)
				nearTo(t, "picture", p.at, want, 10*time.Millisecond)
				if p.hash != all[i].hash {
					t.Fatalf("picture %d is another", i)
				}
			}
		})
	}
}

func TestParticipants(t *testing.T) {
	t.Parallel()
	s := open(t, meeting(t))
	if want := []Participant{{"alice", "Alice"}, {"bob", ""}, {"carol", "Carol"}}; !slices.Equal(s.Participants(), want) {
		t.Errorf("there are %v", s.Participants())
	}
	var b buffer
	r, err := ExportMatroska(t.Context(), s, &b, ExportOptions{Participants: []string{"alice"}})
	if err != nil || len(r.Tracks) != 1 || r.Tracks[0].UID != alice.UID || r.Incomplete || r.Duration != 20*time.Second {
		t.Errorf("%+v, %v", r, err)
	}
	if !bytes.Contains(b.b, []byte("Alice: look")) || bytes.Contains(b.b, []byte("nice")) {
		t.Error("the chat is not hers alone")
	}
	// A hole is told of who is exported.
	if r, err = ExportMatroska(t.Context(), s, new(buffer), ExportOptions{Participants: []string{"bob", "nobody"}}); err != nil || !r.Incomplete || len(r.Holes) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := ExportMatroska(t.Context(), s, new(buffer), ExportOptions{Participants: []string{"nobody"}}); !errors.Is(err, ErrNothing) {
		t.Errorf("got %v", err)
	}
}

func TestRange(t *testing.T) {
	t.Parallel()
	s := open(t, meeting(t))
	for _, o := range []ExportOptions{
		{From: 20 * time.Second}, {From: time.Hour}, {From: -1}, {To: -1}, {From: 5 * time.Second, To: 5 * time.Second}, {From: 5 * time.Second, To: 4 * time.Second},
	} {
		if _, err := ExportMatroska(t.Context(), s, new(buffer), o); !errors.Is(err, ErrRange) {
			t.Errorf("%v to %v: %v", o.From, o.To, err)
		}
	}
	// Holes and missing segments count where they are.
	for o, want := range map[timeRange]bool{
		{4 * time.Second, 6 * time.Second}: true, {0, 5 * time.Second}: true, {5500 * time.Millisecond, 0}: false,
		{6 * time.Second, 0}: false, {0, 4 * time.Second}: false, {3 * time.Second, 4500 * time.Millisecond}: false,
	} {
		r, err := ExportMatroska(t.Context(), s, new(buffer), ExportOptions{From: o.from, To: o.to})
		if err != nil || r.Incomplete != want {
			t.Errorf("%v: %+v, %v", o, r, err)
		}
	}
	src := meeting(t)
	src.errs = map[int]error{1: errors.New("gone")}
	s = open(t, src)
	for o, want := range map[timeRange]int{{0, 0}: 1, {0, 5 * time.Second}: 0, {8 * time.Second, 11 * time.Second}: 1, {11 * time.Second, 0}: 0} {
		r, err := ExportMatroska(t.Context(), s, new(buffer), ExportOptions{From: o.from, To: o.to})
		if err != nil || len(r.Missing) != want {
			t.Errorf("%v: %+v, %v", o, r, err)
		}
	}
}

type timeRange struct{ from, to time.Duration }

// buffer is a file in memory.
type buffer struct {
	b   []byte
	pos int64
}

func (f *buffer) Write(b []byte) (int, error) {
	if need := int(f.pos) + len(b); need > len(f.b) {
		f.b = append(f.b, make([]byte, need-len(f.b))...)
	}
	f.pos += int64(copy(f.b[f.pos:], b))
	return len(b), nil
}

func (f *buffer) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		f.pos = offset
	} else {
		f.pos += offset
	}
	return f.pos, nil
}

// TestInOrder: whatever is silent, and for however long, what is written stands
// near to what is heard and seen with it.
func TestInOrder(t *testing.T) {
	var frames []media.Frame
	for _, at := range []time.Duration{0, 40 * time.Second, 41 * time.Second, 300 * time.Second} {
		frames = append(frames, media.Frame{Track: bob.UID, Time: at, Key: true, Data: []byte("picture")})
	}
	carol := alice
	carol.UID++
	frames = append(frames, media.Frame{Track: carol.UID, Time: 299 * time.Second, Data: []byte{0xfc, 0xff, 0xfe}},
		media.Frame{Track: alice.UID, Time: 20 * time.Second, Data: []byte{0xfc, 0xff, 0xfe}})
	slices.SortFunc(frames, func(a, b media.Frame) int { return int(a.Time - b.Time) })
	s := open(t, cut(t, []media.Track{alice, bob, carol}, frames, media.Event{Time: 304 * time.Second, Type: media.EventStop}))
	var b buffer
	if _, err := ExportMatroska(t.Context(), s, &b, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	r, err := matroska.NewReader(bytes.NewReader(b.b))
	if err != nil {
		t.Fatal(err)
	}
	var newest time.Duration
	ends := make(map[uint64]time.Duration)
	for {
		block, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		f := block.Frame
		if f.Time < newest-time.Second/2 {
			t.Fatalf("a frame of %v stands behind one of %v", f.Time, newest)
		}
		newest = max(newest, f.Time)
		if f.Track == bob.UID {
			continue
		}
		if f.Time != ends[f.Track] {
			t.Fatalf("a sound goes on at %v, it ended at %v", f.Time, ends[f.Track])
		}
		ends[f.Track] = f.Time + f.Duration
	}
	if ends[alice.UID] != 304*time.Second || ends[carol.UID] != 304*time.Second {
		t.Errorf("sounds end at %v", ends)
	}
}

// TestExportFullDisk: an export to a full disk fails as such and leaves nothing.
func TestExportFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := ExportMatroska(t.Context(), open(t, synthetic(t)), f, ExportOptions{}); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("got %v", err)
	}
}
