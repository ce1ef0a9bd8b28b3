package fragment

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/sample"
)

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

// A packet is one that ffprobe sees.
type packet struct {
	at, lasts time.Duration
	key       bool
	size      int
}

// probe gives the parts, one after the other, to ffprobe, and to ffmpeg to
// decode.
func probe(t testing.TB, parts ...Part) (packets []packet, decoded int) {
	t.Helper()
	var b []byte
	for i, p := range parts {
		if i == 0 || !bytes.Equal(p.Init, parts[i-1].Init) {
			b = append(b, p.Init...)
		}
		b = append(b, p.Media...)
	}
	path := filepath.Join(t.TempDir(), "part")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	var p struct {
		Packets []struct {
			PTS      string `json:"pts_time"`
			Duration string `json:"duration_time"`
			Size     string
			Flags    string
		}
		Streams []struct {
			Frames string `json:"nb_read_frames"`
		}
	}
	out := run(t, "ffprobe", "-v", "warning", "-of", "json", "-count_frames", "-show_packets", "-show_streams", path)
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Streams) != 1 {
		t.Fatalf("%d streams", len(p.Streams))
	}
	decoded, _ = strconv.Atoi(p.Streams[0].Frames)
	for _, k := range p.Packets {
		size, _ := strconv.Atoi(k.Size)
		packets = append(packets, packet{parse(t, k.PTS), parse(t, k.Duration), k.Flags[0] == 'K', size})
	}
	return packets, decoded
}

func parse(t testing.TB, s string) time.Duration {
	if s == "" {
		return 0
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(math.Round(f*1e6)) * time.Microsecond
}

// always and never say whether a track was away.
func always(from, to time.Duration) bool { return to > from }
func never(from, to time.Duration) bool  { return false }

const frame = 50 * time.Millisecond

// clock returns the frames of a picture from at on, and a track as a segment's
// header has it.
func clock(t testing.TB, c media.Codec, at time.Duration) (media.Track, []media.Frame) {
	t.Helper()
	track := media.Track{UID: 7, Participant: "bob", Source: media.Camera, Codec: c}
	var frames []media.Frame
	for i, data := range fixtures.ClockFrames(string(c)) {
		if c == media.AV1 {
			data = bytes.TrimPrefix(data, []byte{0x12, 0}) // as the recorder keeps it
		}
		data = media.Store(c, data)
		p := media.Describe(c, data)
		if p.Private != "" && track.Private == "" {
			track.Private = p.Private
		}
		if p.Width > 0 && track.Width == 0 {
			track.Width, track.Height = p.Width, p.Height
		}
		frames = append(frames, media.Frame{Track: track.UID, Time: at + time.Duration(i)*frame, Key: p.Key, Data: data})
	}
	if len(frames) != 200 || media.NeedsPrivate(c) && track.Private == "" {
		t.Fatalf("%s: %d frames", c, len(frames))
	}
	return track, frames
}

var videoCodecs = []media.Codec{media.VP8, media.VP9, media.AV1, media.H264, media.H265}

// TestPictures: FFmpeg decodes every picture of two segments, at its time.
func TestPictures(t *testing.T) {
	const start = 3*time.Hour + 1234*time.Millisecond
	for _, c := range videoCodecs {
		t.Run(string(c), func(t *testing.T) {
			track, frames := clock(t, c, start)
			first := Pictures(track, frames[:90], Next{Time: frames[90].Time, Known: true}, always)
			second := Pictures(track, frames[90:], Next{}, always)
			if len(first) != 1 || len(second) != 1 {
				t.Fatalf("%d and %d parts", len(first), len(second))
			}
			if !bytes.Equal(first[0].Init, second[0].Init) || first[0].InitID() != second[0].InitID() || first[0].MIME != second[0].MIME {
				t.Errorf("the second segment, which begins between key frames, has another initialization segment")
			}
			if p := first[0]; p.From != start || p.To != frames[90].Time || p.Frames != 90 || p.Track != 7 {
				t.Errorf("part from %v to %v with %d frames", p.From, p.To, p.Frames)
			}
			packets, decoded := probe(t, first[0], second[0])
			if len(packets) != 200 || decoded != 200 {
				t.Fatalf("%d packets, %d decoded", len(packets), decoded)
			}
			for i, p := range packets {
				if (p.at-frames[i].Time).Abs() > time.Millisecond/2 || p.key != frames[i].Key || p.lasts != 0 && p.lasts != frame {
					t.Fatalf("packet %d: %+v, want %v, %v", i, p, frames[i].Time, frames[i].Key)
				}
			}
		})
	}
}

// TestMIME: the codecs parameter is what is in the frames.
func TestMIME(t *testing.T) {
	for c, want := range map[media.Codec]string{
		media.VP8:  `video/webm; codecs="vp8"`,
		media.VP9:  `video/webm; codecs="vp09.00.51.08"`,
		media.AV1:  `video/webm; codecs="av01.0.00M.08"`,
		media.H264: `video/mp4; codecs="avc1.42C00C"`,
		media.H265: `video/mp4; codecs="hvc1.1.6.L60.90"`,
	} {
		track, frames := clock(t, c, 0)
		if got := Pictures(track, frames, Next{}, always)[0].MIME; got != want {
			t.Errorf("%s: %s, want %s", c, got, want)
		}
		if c != media.VP9 && c != media.VP8 && MIME(track) != want {
			t.Errorf("%s: %s, want %s", c, MIME(track), want)
		}
		track.Private = ""
		if got := MIME(track); got == "" || got[:len("video/webm; codecs=")] != want[:len("video/webm; codecs=")] && c != media.H264 && c != media.H265 {
			t.Errorf("%s without Private: %s", c, got)
		}
	}
	if got, want := MIME(media.Track{Codec: media.Opus}), `audio/webm; codecs="opus"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestHoles: a hole is left before a key frame and nowhere else, for players
// drop all up to the next one at what looks like a seek.
func TestHoles(t *testing.T) {
	const second = time.Second
	for _, c := range []media.Codec{media.VP8, media.H264} {
		track, all := clock(t, c, 0)
		key := slices.IndexFunc(all[1:], func(f media.Frame) bool { return f.Key }) + 1
		tests := map[string]struct {
			at     int           // the frame that comes late
			late   time.Duration // by how much
			next   Next
			before time.Duration // how long the one before lasts
			last   time.Duration // how long the last one lasts
		}{
			"none":                 {10, 0, Next{}, frame, frame},
			"a second":             {key, second, Next{}, frame + second, frame},
			"hole":                 {key, 10 * second, Next{}, frame, frame},
			"still picture":        {10, 10 * second, Next{}, 10*second + frame, frame},
			"next segment":         {10, 0, Next{Time: 2*second + 300*time.Millisecond, Known: true}, frame, 350 * time.Millisecond},
			"hole before next":     {10, 0, Next{Time: 60 * second, Key: true, Known: true}, frame, frame},
			"still until next":     {10, 0, Next{Time: 60 * second, Known: true}, frame, 58*second + frame},
			"goes on":              {10, 0, Next{Later: true}, frame, Hold / 3},
			"next before the last": {10, 0, Next{Time: second, Known: true}, frame, frame},
		}
		names := slices.Sorted(maps.Keys(tests))
		for i := range sample.Cases(t, len(names), 3) {
			name, tt := names[i], tests[names[i]]
			t.Run(string(c)+" "+name, func(t *testing.T) {
				frames := slices.Clone(all[:40])
				if key >= len(frames) {
					frames = slices.Clone(all[:key+1])
				}
				for i := range frames[tt.at:] {
					frames[tt.at+i].Time += tt.late
				}
				end := frames[len(frames)-1].Time
				if tt.last == 350*time.Millisecond || tt.last == 58*second+frame {
					tt.last = tt.next.Time - end
				}
				given := slices.Clone(frames)
				parts := Pictures(track, frames, tt.next, always)
				// What was only still has no hole.
				if still := Pictures(track, frames, tt.next, never); tt.at == key && tt.late > Hold {
					got, _ := probe(t, still...)
					if c == media.H264 {
						got = samples(t, still[0])
					}
					if got[tt.at-1].lasts != 0 && got[tt.at-1].lasts != frame+tt.late {
						t.Errorf("a still picture lasts %v", got[tt.at-1].lasts)
					}
				}
				if len(parts) != 1 || parts[0].To != end+tt.last {
					t.Fatalf("%d parts, until %v, want %v", len(parts), parts[0].To, end+tt.last)
				}
				for i := range given {
					if given[i].Time != frames[i].Time || given[i].Duration != frames[i].Duration {
						t.Fatal("the caller's frames were changed")
					}
				}
				packets, decoded := probe(t, parts...)
				if decoded != len(frames) {
					t.Errorf("%d decoded, want %d", decoded, len(frames))
				}
				if c == media.H264 {
					// FFmpeg takes durations from the frames' own idea of them.
					packets = samples(t, parts[0])
				}
				if got := packets[tt.at-1].lasts; got != tt.before && got != 0 || got == 0 && tt.before == frame && tt.late > 0 {
					t.Errorf("the frame before lasts %v, want %v", got, tt.before)
				}
				if got := packets[len(packets)-1].lasts; got != tt.last {
					t.Errorf("the last frame lasts %v, want %v", got, tt.last)
				}
				if (packets[tt.at].at - frames[tt.at].Time).Abs() > time.Millisecond/2 {
					t.Errorf("the late frame is at %v, want %v", packets[tt.at].at, frames[tt.at].Time)
				}
			})
		}
	}
}

// samples returns what the boxes of a fragmented file say.
func samples(t testing.TB, p Part) (packets []packet) {
	t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(slices.Concat(p.Init, p.Media)))
	if err != nil {
		t.Fatal(err)
	}
	for _, seg := range f.Segments {
		for _, frag := range seg.Fragments {
			full, err := frag.GetFullSamples(f.Init.Moov.Mvex.Trex)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range full {
				time := func(n uint64) time.Duration { return time.Duration(n) * time.Second / mp4Timescale }
				packets = append(packets, packet{time(s.DecodeTime), time(uint64(s.Dur)), s.IsSync(), len(s.Data)})
			}
		}
	}
	return packets
}

// TestConfiguration: a key frame with other parameter sets begins another part.
func TestConfiguration(t *testing.T) {
	track, frames := clock(t, media.H264, 0)
	path := filepath.Join(t.TempDir(), "b.h264")
	run(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=20:duration=0.05",
		"-pix_fmt", "yuv420p", "-c:v", "libx264", "-tune", "zerolatency", path)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := media.Frame{Track: track.UID, Time: frames[60].Time, Key: true, Data: media.Store(media.H264, b)}
	if p := media.Describe(media.H264, other.Data); !p.Key || p.Private == "" || p.Private == track.Private {
		t.Fatal("no other parameter sets")
	}
	mixed := slices.Concat(frames[:60], []media.Frame{other}, frames[80:100])
	parts := Pictures(track, mixed, Next{}, always)
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	for i, want := range []int{60, 1, 20} {
		if parts[i].Frames != want {
			t.Errorf("part %d: %d frames, want %d", i, parts[i].Frames, want)
		}
		if _, decoded := probe(t, parts[i]); decoded != want {
			t.Errorf("part %d: %d decoded, want %d", i, decoded, want)
		}
	}
	if parts[0].To != parts[1].From || parts[0].InitID() != parts[2].InitID() || parts[0].InitID() == parts[1].InitID() {
		t.Error("parts do not join")
	}
	// Of a header without Private nothing plays until a key frame tells.
	track.Private = ""
	if parts := Pictures(track, frames[1:50], Next{}, always); len(parts) != 1 || parts[0].From != frames[40].Time {
		t.Errorf("without Private: %+v", len(parts))
	}
}

// TestTooClose: no two pictures have one time.
func TestTooClose(t *testing.T) {
	for i := range sample.Cases(t, len(videoCodecs), 2) {
		c := videoCodecs[i]
		track, frames := clock(t, c, time.Minute)
		frames = frames[:30]
		for i := range frames {
			frames[i].Time = time.Minute + time.Duration(i/2)*frame + time.Duration(i%2)*100*time.Microsecond
		}
		packets, decoded := probe(t, Pictures(track, frames, Next{}, always)...)
		if decoded != 30 {
			t.Errorf("%s: %d decoded", c, decoded)
		}
		for i, p := range packets {
			if want := frames[i].Time + time.Duration(i%2)*900*time.Microsecond; (p.at - want).Abs() > time.Millisecond/2 {
				t.Errorf("%s: packet %d at %v, want %v", c, i, p.at, want)
			}
		}
	}
}

// TestNames: nobody's name is in an initialization segment, which depends on
// nothing but the codec.
func TestNames(t *testing.T) {
	for _, c := range videoCodecs {
		track, frames := clock(t, c, 0)
		a := Pictures(track, frames, Next{}, always)[0]
		track.Participant, track.Name, track.Source = "eve", "Eve", media.Screen
		b := Pictures(track, frames, Next{}, always)[0]
		if !bytes.Equal(a.Init, b.Init) || bytes.Contains(a.Init, []byte("bob")) {
			t.Errorf("%s: initialization segments differ", c)
		}
	}
}

// TestTurnedTracks: MP4 has a matrix that ffprobe takes for the turn; WebM has none, and
// whoever shows it is told.
func TestTurnedTracks(t *testing.T) {
	track := media.Track{UID: 1, Codec: media.H264, Width: 320, Height: 180, Private: "\x01\x42\xe0\x1f", Turned: 90}
	for turned, want := range map[int][]uint32{
		0:   {1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30},
		90:  {0, 1 << 16, 0, 0xffff0000, 0, 0, 180 << 16, 0, 1 << 30},
		180: {0xffff0000, 0, 0, 0, 0xffff0000, 0, 320 << 16, 180 << 16, 1 << 30},
		270: {0, 0xffff0000, 0, 1 << 16, 0, 0, 0, 320 << 16, 1 << 30},
	} {
		track.Turned = turned
		b, err := mp4Init(track)
		if err != nil {
			t.Fatal(err)
		}
		var matrix []byte
		for _, v := range want {
			matrix = binary.BigEndian.AppendUint32(matrix, v)
		}
		at := bytes.Index(b, []byte("tkhd")) + 4 + 4 + 20 + 16
		if !bytes.Equal(b[at:at+36], matrix) {
			t.Errorf("turned by %d: matrix %x, want %x", turned, b[at:at+36], matrix)
		}
	}
	if Unturned(track) != 0 || Unturned(media.Track{Codec: media.VP9, Turned: 270}) != 270 {
		t.Error("who turns is not known")
	}
}
