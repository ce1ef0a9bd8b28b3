package ingest

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
	"github.com/sealtape/sealtape/recorder/roomtest"
	"github.com/sealtape/sealtape/testdata/sample"
)

// ffmpeg runs it to make a file of this name, and returns the file's path. It encodes in one
// thread: several wait for one another in a loop, at many times the processor time.
func ffmpeg(t testing.TB, name string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	run(t, "ffmpeg", slices.Concat([]string{"-nostdin", "-v", "error", "-y"}, args, []string{"-threads", "1", path})...)
	return path
}

func run(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	sample.Live(t)
	out, err := exec.CommandContext(t.Context(), name, args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("%s %q: %v\n%s", name, args, err, exit.Stderr)
	} else if err != nil {
		t.Fatalf("%s, of Debian's package ffmpeg, is needed: %v", name, err)
	}
	return out
}

// A film and a sound of some seconds, as inputs of ffmpeg.
var (
	film  = []string{"-f", "lavfi", "-i", "testsrc=size=160x90:rate=25:duration=6.4,format=yuv420p"}
	sound = []string{"-f", "lavfi", "-i", "sine=frequency=440:duration=6.4:sample_rate=44100"}
	bs    = []string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-b_strategy", "0", "-g", "30"}
)

// A seen is a packet as ffprobe sees it.
type seen struct {
	at   time.Duration
	hash string
}

// packetsOf returns the packets of one of a file's streams.
func packetsOf(t testing.TB, path, stream string) (all []seen) {
	t.Helper()
	var p struct {
		Packets []struct {
			PTS  string `json:"pts_time"`
			Hash string `json:"data_hash"`
		}
	}
	if err := json.Unmarshal(run(t, "ffprobe", "-v", "error", "-of", "json", "-select_streams", stream, "-show_packets", "-show_data_hash", "MD5", path), &p); err != nil {
		t.Fatal(err)
	}
	for _, k := range p.Packets {
		s, err := strconv.ParseFloat(k.PTS, 64)
		if err != nil {
			t.Fatalf("packet at %q", k.PTS)
		}
		all = append(all, seen{time.Duration(s * float64(time.Second)), strings.TrimPrefix(k.Hash, "MD5:")})
	}
	return all
}

// written imports files, each a part at an offset, and returns what was written.
func written(t testing.TB, paths ...string) (*roomtest.Sink, *Report) {
	t.Helper()
	p, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	m := Meeting{Recording: "0123456789ABCDEFGHJKMNPQRS", Start: time.Unix(1e9, 0), Name: "Board", By: "Ada", At: time.Unix(2e9, 0)}
	for i, path := range paths {
		f, err := p.Look(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := f.Hash(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		m.Parts = append(m.Parts, Part{File: f, SHA256: sum, Participant: f.Name, Name: f.Name, Offset: time.Duration(i) * time.Second})
	}
	sink := new(roomtest.Sink)
	r, err := p.Write(t.Context(), sink, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Said {
		t.Errorf("ffmpeg says: %s", s)
	}
	return sink, r
}

// frames returns the frames of a kind of track, segment by segment.
func frames(t testing.TB, sink *roomtest.Sink, audio bool) (all [][]media.Frame) {
	t.Helper()
	for _, b := range sink.Segments() {
		r, err := matroska.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		var of []media.Frame
		codecs := make(map[uint64]media.Codec)
		for _, k := range r.Header().Tracks {
			codecs[k.UID] = k.Codec
		}
		for block, err := r.Next(); err == nil; block, err = r.Next() {
			if block.Event == nil && codecs[block.Frame.Track].Audio() == audio {
				of = append(of, block.Frame)
			}
		}
		all = append(all, of)
	}
	return all
}

// TestPictures: the packets of each form of file come out bit by bit, in their order, at
// their times, and a segment begins where all that follows is shown later.
func TestPictures(t *testing.T) {
	t.Parallel()
	vfr := []string{"-vf", "select='not(eq(mod(n,5),2))+not(mod(n,3))'", "-fps_mode", "vfr"}
	files := map[string][]string{
		"b.mp4":      slices.Concat(film, sound, bs, []string{"-c:a", "aac"}),
		"open.mp4":   slices.Concat(film, bs, []string{"-x264-params", "open-gop=1:b-pyramid=2"}),
		"vfr.mp4":    slices.Concat(film, bs, vfr),
		"b.mkv":      slices.Concat(film, sound, bs, []string{"-c:a", "libopus"}),
		"long.mov":   slices.Concat(film, bs, []string{"-g", "1000"}),
		"h265.mp4":   slices.Concat(film, []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:bframes=3"}),
		"vp8.webm":   slices.Concat(film, sound, []string{"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libvorbis"}),
		"vp9.webm":   slices.Concat(film, sound, []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"}),
		"av1.mkv":    slices.Concat(film, []string{"-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime"}),
		"-dash;.mp4": slices.Concat(film, bs),
	}
	names := slices.Sorted(maps.Keys(files))
	for i := range sample.Cases(t, len(names), 2) {
		name, args := names[i], files[names[i]]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := ffmpeg(t, name, args...)
			want := packetsOf(t, path, "v")
			sink, report := written(t, path)
			n, latest, shift := 0, time.Duration(-1), time.Duration(0)
			for s, of := range frames(t, sink, false) {
				after := latest
				for _, f := range of {
					if n == len(want) {
						t.Fatalf("more than %d frames", n)
					}
					if n == 0 { // sound that an encoder began with may be before zero in the file
						shift = f.Time - want[0].at
					}
					if sum := md5.Sum(f.Data); hex.EncodeToString(sum[:]) != want[n].hash || (f.Time-want[n].at-shift).Abs() > time.Millisecond || shift.Abs() > 8*time.Millisecond {
						t.Fatalf("segment %d, frame %d at %v is not the packet at %v", s, n, f.Time, want[n].at)
					}
					if n++; f.Time <= after {
						t.Fatalf("segment %d has a frame at %v, and one before it at %v", s, f.Time, after)
					}
					latest = max(latest, f.Time)
				}
			}
			if n != len(want) || n == 0 {
				t.Errorf("%d frames of %d", n, len(want))
			}
			if _, _, _, err := sink.Read(); err != nil || report.Length < 6*time.Second {
				t.Errorf("%v, %v", report.Length, err)
			}
		})
	}
}

// TestCut: what an edit list hides is there for those who decode, at the beginning, and
// everything else is at its time.
func TestCut(t *testing.T) {
	t.Parallel()
	whole := ffmpeg(t, "b.mp4", slices.Concat(film, sound, bs, []string{"-c:a", "aac"})...)
	path := ffmpeg(t, "cut.mp4", "-ss", "1.7", "-i", whole, "-c", "copy")
	want := packetsOf(t, path, "v")
	sink, _ := written(t, path)
	got := slices.Concat(frames(t, sink, false)...)
	if len(got) != len(want) || want[0].at >= 0 {
		t.Fatalf("%d frames of %d, the first at %v", len(got), len(want), want[0].at)
	}
	for i, f := range got {
		sum := md5.Sum(f.Data)
		if at := want[i].at; hex.EncodeToString(sum[:]) != want[i].hash ||
			at > 20*time.Millisecond && (f.Time-at).Abs() > time.Millisecond || at < 0 && f.Time > 20*time.Millisecond {
			t.Fatalf("frame %d is at %v, want %v", i, f.Time, at)
		}
	}
	for i, of := range slices.Concat(frames(t, sink, true)...) {
		if want := time.Duration(i) * 20 * time.Millisecond; (of.Time - want).Abs() > 8*time.Millisecond {
			t.Fatalf("sound %d at %v", i, of.Time)
		}
	}
}

// TestSounds: every form of sound becomes Opus of its length; Opus stays what it is.
func TestSounds(t *testing.T) {
	t.Parallel()
	files := map[string][]string{
		"a.m4a": {"-c:a", "aac"}, "a.mp3": {"-c:a", "libmp3lame"}, "a.wav": nil, "a.flac": {"-ac", "2"}, "vorbis.ogg": {"-c:a", "libvorbis"},
		"five.m4a": {"-c:a", "aac", "-ac", "6"}, "opus.ogg": {"-c:a", "libopus", "-ac", "2"},
	}
	names := slices.Sorted(maps.Keys(files))
	for i := range sample.Cases(t, len(names), 2) {
		name, args := names[i], files[names[i]]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := ffmpeg(t, name, slices.Concat(sound, args)...)
			sink, report := written(t, path)
			if len(report.Tracks) != 1 || report.Tracks[0].Codec != media.Opus || (report.Length-6400*time.Millisecond).Abs() > 60*time.Millisecond {
				t.Errorf("%v, %v", report.Tracks, report.Length)
			}
			got := slices.Concat(frames(t, sink, true)...)
			_, events, _, err := sink.Read()
			encoded := slices.ContainsFunc(events, func(e media.Event) bool { return e.Type == media.EventTrack && e.Reason == media.TrackEncoded })
			if err != nil || encoded != (name != "opus.ogg") {
				t.Errorf("encoded again: %v, %v", encoded, err)
			}
			if name != "opus.ogg" {
				return
			}
			want := packetsOf(t, path, "a")
			if len(got) != len(want) || len(want) == 0 {
				t.Fatalf("%d packets of %d", len(got), len(want))
			}
			for i, f := range got {
				if sum := md5.Sum(f.Data); hex.EncodeToString(sum[:]) != want[i].hash {
					t.Fatalf("packet %d of %d is another", i, len(want))
				}
			}
		})
	}
}

// TestSeveral: tracks of one file and of several run on one clock, and the timeline says
// where each is from.
func TestSeveral(t *testing.T) {
	t.Parallel()
	screen := ffmpeg(t, "screen.mkv", slices.Concat(film, sound, sound, bs, []string{"-map", "0", "-map", "1", "-map", "2", "-c:a", "libopus", "-metadata:s:a:1", "title=Desktop\u202e \x07Audio"})...)
	voice := ffmpeg(t, "ada.m4a", slices.Concat(sound, []string{"-c:a", "aac"})...)
	sink, report := written(t, screen, voice)
	_, events, _, err := sink.Read()
	if err != nil || len(report.Tracks) != 4 || (report.Length-7400*time.Millisecond).Abs() > 60*time.Millisecond {
		t.Fatalf("%+v, %v", report, err)
	}
	var names []string
	for _, k := range report.Tracks {
		names = append(names, k.Participant+"/"+k.Label())
	}
	if want := []string{"screen.mkv/screen.mkv (camera)", "screen.mkv/screen.mkv (microphone)", "screen.mkv #2/Desktop Audio (microphone)",
		"ada.m4a/ada.m4a (microphone)"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	var sources []string
	for _, e := range events {
		if e.Type == media.EventSource {
			sources = append(sources, e.Text)
			if len(e.Reason) != 64 || e.Size == 0 {
				t.Errorf("%+v", e)
			}
		}
	}
	if want := []string{"screen.mkv", "ada.m4a\nsound encoded from aac to opus"}; !slices.Equal(sources, want) {
		t.Errorf("%q, want %q", sources, want)
	}
	if e := events[0]; e.Type != media.EventStart || e.Reason != media.StartImported || events[1].Type != media.EventImported || events[1].Name != "Ada" {
		t.Errorf("the timeline begins with %+v", events[:2])
	}
	for i, f := range frames(t, sink, true)[0] {
		if f.Time < 0 || i > 0 && f.Duration == 0 {
			t.Errorf("%+v", f)
		}
	}
}

// TestTurned: pictures of a telephone that was held upright stay turned, each way: the
// track says it, and so does a segment to other programs.
func TestTurned(t *testing.T) {
	t.Parallel()
	whole := ffmpeg(t, "b.mp4", slices.Concat(film, bs)...)
	rotations := []string{"90", "180", "270"}
	for i := range sample.Cases(t, len(rotations), 1) {
		rotate := rotations[i]
		path := ffmpeg(t, "turned.mp4", "-i", whole, "-c", "copy", "-metadata:s:v", "rotate="+rotate)
		want := rotation(t, path)
		sink, report := written(t, path)
		if len(report.Tracks) != 1 || report.Tracks[0].Turned != turn(want) || turn(want) == 0 {
			t.Fatalf("rotate=%s: %+v", rotate, report.Tracks)
		}
		for n, b := range sink.Segments() {
			r, err := matroska.NewReader(bytes.NewReader(b))
			if err != nil || r.Header().Tracks[0].Turned != turn(want) {
				t.Fatalf("rotate=%s, segment %d: %+v, %v", rotate, n, r.Header().Tracks, err)
			}
		}
		segment := filepath.Join(t.TempDir(), "0.mkv")
		if err := os.WriteFile(segment, sink.Segments()[0], 0o600); err != nil {
			t.Fatal(err)
		}
		if got := rotation(t, segment); turn(got) != turn(want) {
			t.Errorf("rotate=%s: ffprobe says %v of the segment, and %v of the file", rotate, got, want)
		}
	}
}

// rotation is what ffprobe says of a file's pictures.
func rotation(t *testing.T, path string) float64 {
	t.Helper()
	out := strings.TrimSpace(string(run(t, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream_side_data=rotation", "-of", "csv=p=0", path)))
	r, err := strconv.ParseFloat(strings.Trim(out, ",\n"), 64)
	if err != nil {
		t.Fatalf("%s: rotation %q", path, out)
	}
	return r
}

// TestUnreadable: what cannot be imported is refused with its reason, and left as it is.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	p, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(ffmpeg(t, "b.mp4", slices.Concat(film, bs)...))
	if err != nil {
		t.Fatal(err)
	}
	silent, err := os.ReadFile(ffmpeg(t, "none.mkv", slices.Concat(film, []string{"-t", "0", "-c:v", "libx264"})...))
	if err != nil {
		t.Fatal(err)
	}
	list := "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
	for name, tt := range map[string]struct {
		content []byte
		want    error
	}{
		"empty.mp4":    {nil, ErrKind},
		"zeros.mp4":    {make([]byte, 4096), ErrKind},
		"text.mp4":     {[]byte("not a film, and no other thing either"), ErrKind},
		"list.mp4":     {[]byte(list), ErrKind},
		"concat.mkv":   {[]byte("ffconcat version 1.0\nfile /etc/passwd\n"), ErrKind},
		"cut.mp4":      {good[:len(good)/2], ErrNoIndex},
		"head.mkv":     {silent[:40], ErrUnreadable},
		"rubbish.flac": {append([]byte("fLaC"), bytes.Repeat([]byte{0xff, 0x81}, 5000)...), ErrUnreadable},
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, tt.content, 0o400); err != nil {
			t.Fatal(err)
		}
		if f, err := p.Look(t.Context(), path); !errors.Is(err, tt.want) {
			t.Errorf("%s: %+v, %v, want %v", name, f, err, tt.want)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, tt.content) {
			t.Errorf("%s is another file: %v", name, err)
		}
	}
	if _, err := p.Look(t.Context(), t.TempDir()); !errors.Is(err, ErrKind) {
		t.Errorf("a folder: %v", err)
	}
	// A file with a track and nothing in it is found out when it is read.
	path := filepath.Join(t.TempDir(), "none.mkv")
	if err := os.WriteFile(path, silent, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := p.Look(t.Context(), path)
	if err == nil {
		_, err = p.Write(context.WithoutCancel(t.Context()), new(roomtest.Sink), Meeting{Parts: []Part{{File: f}}}, nil)
	}
	if err == nil {
		t.Error("a recording was made of nothing")
	}
}

// write imports one file.
func (p *Program) write(t testing.TB, f *File) (*Report, error) {
	return p.Write(t.Context(), new(roomtest.Sink), Meeting{Recording: "0123456789ABCDEFGHJKMNPQRS", Start: time.Unix(1e9, 0), Name: "Board",
		Parts: []Part{{File: f, SHA256: strings.Repeat("0", 64), Participant: f.Name, Name: f.Name}}}, nil)
}
