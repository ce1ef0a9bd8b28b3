package playback

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// onset decodes a file's stream on the file's own clock and returns when its
// first loud millisecond begins, and how long it is.
func onset(t testing.TB, path, stream string) (at, length time.Duration) {
	t.Helper()
	// copyts keeps the file's own zero; aresample puts each packet at its
	// time, to the millisecond, and silence where there is none.
	pcm := run(t, "ffmpeg", "-v", "error", "-copyts", "-i", path, "-map", stream,
		"-af", "aresample=async=1:min_hard_comp=0.001:first_pts=0", "-ac", "1", "-ar", "48000", "-f", "f32le", "-")
	at = -1
	for i := 0; i+48*4 <= len(pcm); i += 48 * 4 {
		var peak float64
		for j := i; j < i+48*4; j += 4 {
			peak = max(peak, math.Abs(float64(math.Float32frombits(binary.LittleEndian.Uint32(pcm[j:])))))
		}
		if at < 0 && peak > 0.2 {
			at = time.Duration(i/4/48) * time.Millisecond
		}
	}
	return at, time.Duration(len(pcm)/4/48) * time.Millisecond
}

type probe struct {
	Streams []struct {
		CodecName string `json:"codec_name"`
		StartTime string `json:"start_time"`
		Tags      map[string]string
	}
	Format struct {
		FormatName string `json:"format_name"`
		Duration   string
		Tags       map[string]string
	}
}

func ffprobe(t testing.TB, path string) probe {
	t.Helper()
	var p probe
	if err := json.Unmarshal(run(t, "ffprobe", "-v", "warning", "-of", "json", "-show_streams", "-show_format", path), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func near(t testing.TB, what, got string, want, tolerance time.Duration) {
	t.Helper()
	f, err := strconv.ParseFloat(got, 64)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	nearTo(t, what, time.Duration(f*1e9), want, tolerance)
}

func nearTo(t testing.TB, what string, got, want, tolerance time.Duration) {
	t.Helper()
	if d := got - want; d > tolerance || d < -tolerance {
		t.Errorf("%s is %v, want %v ± %v", what, got, want, tolerance)
	}
}

// encoderDelay is how much later than its packet's time libopus' output plays.
const encoderDelay = 6500 * time.Microsecond

// TestTrueToTime puts sound through a late start, 10 s of mute, DTX, 10 % loss
// and a swapped pair, and looks for a tone where it was sent.
func TestTrueToTime(t *testing.T) {
	t.Parallel()
	const late, tone = 3210 * time.Millisecond, 16 * time.Second
	all := burst(t, alice, 20*time.Second, tone)
	var frames []media.Frame
	for i, f := range all {
		muted := f.Time >= 4*time.Second && f.Time < 14*time.Second
		dtx := f.Time >= 14*time.Second && f.Time < 15500*time.Millisecond && i%20 != 0
		lost := i%10 == 3 && f.Time > time.Second && (f.Time < tone-100*time.Millisecond || f.Time > tone+100*time.Millisecond)
		if muted || dtx || lost {
			continue
		}
		f.Time += late
		frames = append(frames, f)
	}
	frames[20], frames[21] = frames[21], frames[20]
	end := frames[len(frames)-1].Time + 20*time.Millisecond
	pictures := picture(t, bob, 10*time.Second)
	for i := range pictures {
		pictures[i].Time += late
	}
	src := cut(t, []media.Track{alice, bob}, append(frames, pictures...),
		media.Event{Type: media.EventStart, Text: "Stand-up"},
		media.Event{Time: 7 * time.Second, Type: media.EventMute, Track: alice.UID})
	s := open(t, src)

	dir := filepath.Join(t.TempDir(), "tracks")
	r, err := ExportTracks(t.Context(), s, dir, ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"Alice-microphone.ogg", "bob-camera.webm"}; !slices.Equal(r.Files, want) {
		t.Fatalf("files %q, want %q", r.Files, want)
	}
	if r.Incomplete || r.Dropped() != 0 || len(r.Tracks) != 2 || r.Duration != end {
		t.Errorf("report %+v", r)
	}
	ogg := filepath.Join(dir, r.Files[0])
	p := ffprobe(t, ogg)
	// FFmpeg counts the pre-skip in an Ogg file's duration, in its own files
	// too; what it decodes is without.
	near(t, "ogg: duration", p.Format.Duration, end+preSkip, 20*time.Millisecond)
	near(t, "ogg: start", p.Streams[0].StartTime, 0, 0)
	if p.Streams[0].CodecName != "opus" || p.Streams[0].Tags["title"]+p.Streams[0].Tags["TITLE"] != "Alice (microphone)" {
		t.Errorf("ogg: %+v", p.Streams[0])
	}
	at, length := onset(t, ogg, "0:a")
	nearTo(t, "ogg: tone", at, late+tone+encoderDelay, 20*time.Millisecond)
	nearTo(t, "ogg: decoded length", length, end, 20*time.Millisecond)

	webm := ffprobe(t, filepath.Join(dir, r.Files[1]))
	if webm.Streams[0].CodecName != "vp8" || webm.Streams[0].Tags["title"] != "bob (camera)" {
		t.Errorf("webm: %+v", webm.Streams[0])
	}
	// It stands still until its first picture, and again at the end.
	near(t, "webm: start", webm.Streams[0].StartTime, 0, 0)
	near(t, "webm: duration", webm.Format.Duration, end, time.Millisecond)
	run(t, "ffmpeg", "-v", "error", "-i", filepath.Join(dir, r.Files[1]), "-f", "null", "-")

	mkv := filepath.Join(t.TempDir(), "meeting.mkv")
	if r, err = ExportFile(t.Context(), s, mkv, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	if r.Incomplete || r.Dropped() != 0 {
		t.Errorf("report %+v", r)
	}
	p = ffprobe(t, mkv)
	if len(p.Streams) != 2 || p.Streams[0].Tags["title"] != "Alice (microphone)" || p.Streams[1].Tags["title"] != "bob (camera)" {
		t.Errorf("mkv: %+v", p.Streams)
	}
	if p.Format.Tags["title"] != "Stand-up, 2026-03-04 05:06 UTC" {
		t.Errorf("mkv: tags %v", p.Format.Tags)
	}
	near(t, "mkv: duration", p.Format.Duration, end, time.Millisecond)
	at, length = onset(t, mkv, "0:a")
	nearTo(t, "mkv: tone", at, late+tone+encoderDelay, 20*time.Millisecond)
	nearTo(t, "mkv: decoded length", length, end, 20*time.Millisecond)
	run(t, "ffmpeg", "-v", "error", "-i", mkv, "-map", "0", "-f", "null", "-")
}

func TestProgress(t *testing.T) {
	s := open(t, synthetic(t))
	var calls []time.Duration
	o := ExportOptions{Progress: func(done, total time.Duration) {
		if total != s.Duration() || len(calls) > 0 && done < calls[len(calls)-1] {
			t.Errorf("progress %v of %v after %v", done, total, calls)
		}
		calls = append(calls, done)
	}}
	if _, err := ExportFile(t.Context(), s, filepath.Join(t.TempDir(), "a.mkv"), o); err != nil {
		t.Fatal(err)
	}
	if len(calls) < 9 || calls[len(calls)-1] != s.Duration() {
		t.Errorf("progress %v", calls)
	}
}

func TestRefusesToOverwrite(t *testing.T) {
	s := open(t, synthetic(t))
	dir := t.TempDir()
	path := filepath.Join(dir, "a.mkv")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ExportFile(t.Context(), s, path, ExportOptions{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("ExportFile: %v", err)
	}
	for _, d := range []string{dir, path} {
		if _, err := ExportTracks(t.Context(), s, d, ExportOptions{}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("ExportTracks to %s: %v", d, err)
		}
	}
	if b, err := os.ReadFile(path); string(b) != "mine" {
		t.Errorf("the file is now %q, %v", b, err)
	}
	only(t, dir, "a.mkv")
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := ExportTracks(t.Context(), s, empty+"/", ExportOptions{}); err != nil {
		t.Errorf("ExportTracks to an empty folder: %v", err)
	}
	only(t, empty, "Alice-microphone.ogg", "bob-camera.webm")
	only(t, dir, "a.mkv", "empty")
}

// TestTakenMeanwhile: a name that is taken while the export runs stays its
// owner's.
func TestTakenMeanwhile(t *testing.T) {
	for name, export := range map[string]func(context.Context, *Session, string, ExportOptions) (Report, error){
		"file": ExportFile, "tracks": ExportTracks,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "out")
			o := ExportOptions{Progress: func(done, total time.Duration) {
				if done == total {
					if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
						t.Error(err)
					}
				}
			}}
			if _, err := export(t.Context(), open(t, synthetic(t)), path, o); !errors.Is(err, fs.ErrExist) {
				t.Errorf("got %v", err)
			}
			if b, err := os.ReadFile(path); string(b) != "mine" {
				t.Errorf("the file is now %q, %v", b, err)
			}
			only(t, dir, "out")
		})
	}
}

// TestCancelled: an export that ends early leaves nothing behind.
func TestCancelled(t *testing.T) {
	s := open(t, synthetic(t))
	for name, export := range map[string]func(context.Context, *Session, string, ExportOptions) (Report, error){
		"file": ExportFile, "tracks": ExportTracks,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			o := ExportOptions{Progress: func(done, _ time.Duration) {
				if done > 3*time.Second {
					cancel()
				}
			}}
			if _, err := export(ctx, s, filepath.Join(dir, "out"), o); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			only(t, dir)
		})
	}
}

// TestExportTitle: a file is called what the recording is called, or else as the room.
func TestExportTitle(t *testing.T) {
	start := media.Event{Type: media.EventStart, Text: "Stand\u202e-up"}
	sounds := burst(t, alice, time.Second, 0)
	title := media.Event{Type: media.EventTitle, Text: "Board\n\u2066meeting"}
	for _, tt := range []struct {
		events []media.Event
		option string
		want   string
	}{
		{[]media.Event{start, title}, "", "Board meeting, 2026-"},
		{[]media.Event{start, {Type: media.EventTitle, Text: "\u202e"}}, "", "Stand-up, 2026-"},
		{[]media.Event{start}, "", "Stand-up, 2026-"},
		{[]media.Event{start, title}, "mine", "mine"},
		{nil, "", ""},
	} {
		s := open(t, cut(t, []media.Track{alice}, sounds, tt.events...))
		if got := s.title(ExportOptions{Title: tt.option}); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%+v: %q, want %q", tt.events, got, tt.want)
		}
	}
	path := filepath.Join(t.TempDir(), "x.mkv")
	s := open(t, cut(t, []media.Track{alice}, sounds, start, title))
	if _, err := ExportFile(t.Context(), s, path, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := ffprobe(t, path).Format.Tags["title"]; !strings.HasPrefix(got, "Board meeting, 2026-") {
		t.Errorf("the file is called %q", got)
	}
}

func TestNothingToExport(t *testing.T) {
	s := open(t, &memSource{segments: map[int][]byte{
		0: segment(t, 0, []media.Track{alice}, nil, media.Event{Type: media.EventStart}),
	}})
	dir := t.TempDir()
	if _, err := ExportFile(t.Context(), s, filepath.Join(dir, "a"), ExportOptions{}); !errors.Is(err, ErrNothing) {
		t.Errorf("ExportFile: %v", err)
	}
	if _, err := ExportTracks(t.Context(), s, filepath.Join(dir, "b"), ExportOptions{}); !errors.Is(err, ErrNothing) {
		t.Errorf("ExportTracks: %v", err)
	}
	only(t, dir)
}

// TestNothingLeft: an export of what turns out to be unreadable says why, and
// makes no file.
func TestNothingLeft(t *testing.T) {
	for name, export := range map[string]func(context.Context, *Session, string, ExportOptions) (Report, error){
		"file": ExportFile, "tracks": ExportTracks,
		"mp4": func(ctx context.Context, s *Session, path string, o ExportOptions) (Report, error) {
			return ExportMP4(ctx, s, path, MP4Options{ExportOptions: o, MixOptions: unlevelled})
		},
	} {
		t.Run(name, func(t *testing.T) {
			src := synthetic(t)
			s := open(t, src)
			src.errs = map[int]error{0: ErrDamaged, 1: ErrDamaged, 2: ErrDamaged}
			for _, want := range []string{"reading", "knowing"} {
				dir := t.TempDir()
				r, err := export(t.Context(), s, filepath.Join(dir, "out"), ExportOptions{})
				if !errors.Is(err, ErrNothing) || !errors.Is(err, ErrDamaged) || len(r.Missing) == 0 || !r.Incomplete {
					t.Errorf("%s: %+v, %v", want, r, err)
				}
				only(t, dir)
			}
		})
	}
}

// only demands that a folder holds exactly these names.
func only(t testing.TB, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", filepath.Base(dir), got, want)
	}
}
