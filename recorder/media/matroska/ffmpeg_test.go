package matroska_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// run runs ffmpeg or ffprobe, which these tests cannot do without.
func run(t testing.TB, name string, args ...string) []byte {
	t.Helper()
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
	return append(out, stderr.Bytes()...)
}

// stock are the files that source makes, by name: where ffmpeg's tee puts them, with what
// its muxers are told.
var stock = map[string]string{
	"file.mkv":   "f=matroska",
	"file.webm":  "f=webm",
	"live.webm":  "f=webm:live=1",
	"dash.webm":  "f=webm:dash=1:select=a",
	"groups.mkv": "f=matroska:bsfs/a=setts=duration=960*2",
	"cues.mkv":   "f=matroska:cues_to_front=1",
}

// made has what source made, by name.
var made struct {
	sync.Mutex
	files map[string][]byte
}

// source returns one of stock: 2 s of stereo sound and of a 320x240 picture, as FFmpeg
// writes it. All are encoded at once, in the first test that wants one.
func source(t testing.TB, name string) []byte {
	t.Helper()
	made.Lock()
	defer made.Unlock()
	if made.files == nil {
		dir := t.TempDir()
		var slaves []string
		for name, options := range stock {
			slaves = append(slaves, "["+options+"]"+filepath.Join(dir, name))
		}
		run(t, "ffmpeg", "-v", "error",
			"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=2",
			"-f", "lavfi", "-i", "testsrc=size=320x240:rate=30:duration=2",
			"-c:a", "libopus", "-ac", "2", "-c:v", "libvpx", "-g", "30", "-deadline", "realtime", "-b:v", "200k", "-threads", "1",
			"-map", "1:v", "-map", "0:a", "-f", "tee", strings.Join(slaves, "|"))
		files := make(map[string][]byte)
		for name := range stock {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			files[name] = b
		}
		made.files = files
	}
	return made.files[name]
}

// read reads a whole file.
func read(t testing.TB, r io.Reader) (matroska.Header, []media.Frame, []media.Event) {
	t.Helper()
	m, err := matroska.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	var frames []media.Frame
	var events []media.Event
	for {
		b, err := m.Next()
		if errors.Is(err, io.EOF) {
			return m.Header(), frames, events
		}
		if err != nil {
			t.Fatalf("after %d frames: %v", len(frames), err)
		}
		if b.Event != nil {
			events = append(events, *b.Event)
		} else {
			frames = append(frames, b.Frame)
		}
	}
}

func readFile(t testing.TB, path string) (matroska.Header, []media.Frame, []media.Event) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, bytes.NewReader(b))
}

type probe struct {
	Streams []struct {
		CodecName     string `json:"codec_name"`
		CodecType     string `json:"codec_type"`
		Width, Height int
		Channels      int
		SampleRate    string `json:"sample_rate"`
		TimeBase      string `json:"time_base"`
		Disposition   map[string]int
		Tags          map[string]string
	}
	Format struct {
		FormatName string `json:"format_name"`
		Duration   string
		Tags       map[string]string
	}
	Packets []struct {
		Stream int    `json:"stream_index"`
		PTS    string `json:"pts_time"`
		Size   string
		Flags  string
	}
}

// ffprobe also demands that ffprobe warns of nothing.
func ffprobe(t testing.TB, path string) probe {
	t.Helper()
	out := run(t, "ffprobe", "-v", "warning", "-of", "json", "-show_streams", "-show_format", "-show_packets", path)
	var p probe
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatalf("%v\n%.2000s", err, out)
	}
	return p
}

func decodes(t testing.TB, path string) {
	t.Helper()
	if out := run(t, "ffmpeg", "-v", "warning", "-i", path, "-map", "0", "-map", "-0:s", "-f", "null", "-"); len(out) > 0 {
		t.Errorf("ffmpeg says: %.2000s", out)
	}
	if out := run(t, "ffmpeg", "-v", "error", "-i", path, "-f", "null", "-"); len(out) > 0 {
		t.Errorf("ffmpeg with its own choice of streams says: %.2000s", out)
	}
}

// checkPackets compares what ffprobe saw of each stream with what was written,
// times exact to the tick.
func checkPackets(t testing.TB, p probe, tracks []media.Track, frames []media.Frame, tick time.Duration) {
	t.Helper()
	for i, track := range tracks {
		var want []media.Frame
		for _, f := range frames {
			if f.Track == track.UID {
				want = append(want, f)
			}
		}
		n := 0
		for _, packet := range p.Packets {
			if packet.Stream != i {
				continue
			}
			if n == len(want) {
				t.Errorf("stream %d: more than %d packets", i, n)
				break
			}
			pts, err := strconv.ParseFloat(packet.PTS, 64)
			if err != nil {
				t.Fatal(err)
			}
			got := time.Duration(math.Round(pts*1e6)) * time.Microsecond
			if got != want[n].Time.Round(tick) {
				t.Errorf("stream %d packet %d: time %v, want %v", i, n, got, want[n].Time)
			}
			if packet.Size != fmt.Sprint(len(want[n].Data)) {
				t.Errorf("stream %d packet %d: size %s, want %d", i, n, packet.Size, len(want[n].Data))
			}
			if key := packet.Flags[0] == 'K'; key != want[n].Key {
				t.Errorf("stream %d packet %d: flags %s, key frame %v", i, n, packet.Flags, want[n].Key)
			}
			n++
		}
		if n < len(want) {
			t.Errorf("stream %d: %d packets, want %d", i, n, len(want))
		}
	}
}

var twoTracks = []media.Track{
	{UID: 0xFEDCBA9876543210, Participant: "alice", Name: "Alice <b>Ⅷ", Source: media.Microphone, Codec: media.Opus, Channels: 2},
	{UID: 7, Participant: "bob", Source: media.Camera, Codec: media.VP8, Width: 320, Height: 240},
}

// realFrames returns encoded frames of twoTracks, starting at start and moved
// off the grid of ticks.
func realFrames(t testing.TB, start time.Duration) []media.Frame {
	h, frames, _ := read(t, bytes.NewReader(source(t, "file.mkv")))
	if len(h.Tracks) != 2 || len(frames) < 150 {
		t.Fatalf("source has %d tracks, %d frames", len(h.Tracks), len(frames))
	}
	for i := range frames {
		f := &frames[i]
		for _, track := range h.Tracks {
			if f.Track == track.UID {
				if track.Codec.Audio() {
					f.Track = twoTracks[0].UID
				} else {
					f.Track = twoTracks[1].UID
				}
				break
			}
		}
		f.Time += start + 33333*time.Nanosecond
	}
	return frames
}

func TestSegmentInFFmpeg(t *testing.T) {
	frames := realFrames(t, time.Hour)
	path := filepath.Join(t.TempDir(), "segment.mkv")
	var b bytes.Buffer
	w, err := matroska.NewWriter(&b, matroska.Header{
		Recording: "0123456789ABCDEFGHJKMNPQRS", Segment: 720, Epoch: 2, Title: "Stand-up",
		Start: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Tracks: twoTracks,
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range frames {
		if err := w.WriteFrame(f); err != nil {
			t.Fatal(err)
		}
		if i%40 == 0 {
			if err := w.WriteEvent(media.Event{Time: f.Time, Type: media.EventMute, Track: 7, Text: "--> <script>\n\n"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}

	p := ffprobe(t, path)
	if len(p.Streams) != 3 {
		t.Fatalf("%d streams", len(p.Streams))
	}
	for i, want := range []struct{ codec, title, participant, source string }{
		{"opus", "Alice <b>Ⅷ (microphone)", "alice", "microphone"},
		{"vp8", "bob (camera)", "bob", "camera"},
	} {
		s := p.Streams[i]
		if s.CodecName != want.codec || s.Tags["title"] != want.title || s.Tags["PARTICIPANT"] != want.participant || s.Tags["SOURCE"] != want.source {
			t.Errorf("stream %d: %+v", i, s)
		}
		if s.Tags["language"] != "" {
			t.Errorf("stream %d: language %q", i, s.Tags["language"])
		}
		if s.TimeBase != "1/10000" || s.Disposition["default"] != 1 {
			t.Errorf("stream %d: time base %s, disposition %v", i, s.TimeBase, s.Disposition)
		}
	}
	if s := p.Streams[0]; s.Channels != 2 || s.SampleRate != "48000" {
		t.Errorf("sound: %+v", s)
	}
	if s := p.Streams[1]; s.Width != 320 || s.Height != 240 {
		t.Errorf("picture: %+v", s)
	}
	if s := p.Streams[2]; s.Disposition["default"] != 0 || s.Disposition["metadata"] != 1 || s.Tags["title"] != "timeline" {
		t.Errorf("timeline: %+v", s)
	}
	for k, want := range map[string]string{"title": "Stand-up", "RECORDING_ID": "0123456789ABCDEFGHJKMNPQRS",
		"SEGMENT": "720", "EPOCH": "2", "FORMAT_VERSION": "1", "creation_time": "2026-03-04T05:06:07.000000Z"} {
		if got := p.Format.Tags[k]; got != want {
			t.Errorf("tag %s: %q, want %q", k, got, want)
		}
	}
	checkPackets(t, p, twoTracks, frames, 100*time.Microsecond)
	decodes(t, path)
}

func TestPictureOfUnknownSize(t *testing.T) {
	frames := realFrames(t, 0)
	tracks := append([]media.Track(nil), twoTracks...)
	tracks[1].Width, tracks[1].Height = 0, 0
	path := filepath.Join(t.TempDir(), "segment.mkv")
	if err := os.WriteFile(path, segment(t, matroska.Header{Tracks: tracks}, frames), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := ffprobe(t, path); p.Streams[1].Width != 320 {
		t.Errorf("width %d", p.Streams[1].Width)
	}
	decodes(t, path)
}

// TestStockFiles reads what FFmpeg writes, with sizes known and unknown.
func TestStockFiles(t *testing.T) {
	for name := range stock {
		t.Run(name, func(t *testing.T) {
			file := source(t, name)
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			h, frames, _ := read(t, bytes.NewReader(file))
			for i := range frames {
				// FFmpeg writes a CodecDelay of 6.5 ms for Opus and takes
				// it off in reading; our times are the blocks'.
				if frames[i].Duration > 0 && h.Tracks[0].Codec.Audio() == (frames[i].Track == h.Tracks[0].UID) {
					frames[i].Time -= 7 * time.Millisecond
				}
			}
			checkPackets(t, ffprobe(t, path), h.Tracks, frames, time.Millisecond)
			if h.Recording != "" || len(h.Tracks) == 0 || h.Tracks[0].Source != media.Unknown {
				t.Errorf("header %+v", h)
			}
		})
	}
}

func TestFileInFFmpeg(t *testing.T) {
	frames := realFrames(t, 3*time.Second)
	for _, tt := range []struct {
		name   string
		tracks []media.Track
		webm   bool
		tick   time.Duration
		seeks  string // the stream to seek in: cues are made for pictures, where there are any
		from   float64
	}{
		{"file.mkv", twoTracks, false, 100 * time.Microsecond, "1", 4},
		{"file.webm", twoTracks, true, time.Millisecond, "1", 4},
		{"sound.mkv", twoTracks[:1], false, 100 * time.Microsecond, "0", 3},
		{"picture.webm", twoTracks[1:], true, time.Millisecond, "0", 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), tt.name)
			out, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			w, err := matroska.NewFileWriter(out, matroska.FileHeader{
				Start: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Title: "Stand-up", Tracks: tt.tracks, WebM: tt.webm})
			if err != nil {
				t.Fatal(err)
			}
			var end time.Duration
			for _, f := range frames {
				err := w.WriteFrame(f)
				if len(tt.tracks) == 1 && f.Track != tt.tracks[0].UID {
					if !errors.Is(err, matroska.ErrFrame) {
						t.Fatalf("a foreign track's frame: %v", err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				end = max(end, f.Time+f.Duration)
			}
			if err := errors.Join(w.Close(), out.Close()); err != nil {
				t.Fatal(err)
			}

			p := ffprobe(t, path)
			checkPackets(t, p, tt.tracks, frames, tt.tick)
			duration, err := strconv.ParseFloat(p.Format.Duration, 64)
			if err != nil || math.Abs(duration-end.Seconds()) > 0.001 {
				t.Errorf("duration %s, want %v", p.Format.Duration, end)
			}
			for i, s := range p.Streams {
				if s.Tags["title"] != tt.tracks[i].Label() || s.Tags["DURATION"] == "" {
					t.Errorf("stream %d: tags %v", i, s.Tags)
				}
			}
			decodes(t, path)
			// A seek by the cues lands on the key frame at 4 s; in sound, on a
			// cue at most 2 s before.
			seek := run(t, "ffprobe", "-v", "warning", "-read_intervals", "4.2%+#1", "-show_entries", "packet=pts_time", "-of", "csv=p=0",
				"-select_streams", tt.seeks, path)
			var at float64
			if _, err := fmt.Sscan(string(seek), &at); err != nil || at < tt.from || at > 4.21 {
				t.Errorf("seek to 4.2 s gave a packet at %s", seek)
			}

			h, back, _ := readFile(t, path)
			if h.Title != "Stand-up" || h.Tracks[0] != tt.tracks[0] || len(back) == 0 {
				t.Errorf("read back header %+v, %d frames", h, len(back))
			}
		})
	}
}
