package playback

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/sample"
)

// encoders are FFmpeg's arguments for a camera in a codec.
var encoders = map[media.Codec][]string{
	media.VP8:  {"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-auto-alt-ref", "0"},
	media.VP9:  {"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-auto-alt-ref", "0"},
	media.H264: {"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-bsf:v", "dump_extra=freq=keyframe"},
}

// growing is a camera that begins with 320x180, as simulcast does, and sends
// 640x360 from 2 s to 4 s and then 320x180 again, to 6 s.
func growing(t testing.TB, uid uint64, codec media.Codec) (media.Track, []media.Frame) {
	track := media.Track{UID: uid, Participant: string(codec), Source: media.Camera, Codec: codec, Width: 320, Height: 180}
	var frames []media.Frame
	for i, size := range []string{"320x180", "640x360", "320x180"} {
		part := encode(t, track, slices.Concat([]string{"-f", "lavfi", "-i", "testsrc=size=" + size + ":rate=10:duration=2",
			"-pix_fmt", "yuv420p", "-g", "100"}, encoders[codec])...)
		for _, f := range part {
			f.Time += time.Duration(i) * 2 * time.Second
			frames = append(frames, f)
		}
	}
	track.Private = media.Describe(codec, frames[0].Data).Private
	return track, frames
}

// dimensions returns the sizes of the pictures of a file, as FFmpeg sees them.
func dimensions(t testing.TB, path string) []string {
	t.Helper()
	out := run(t, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=width,height", "-of", "csv=p=0:s=x", path)
	return strings.Fields(string(out))
}

// told returns the sizes that a Matroska file's header tells.
func told(t testing.TB, path string) (sizes []string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, track := range headerOf(t, b).Tracks {
		sizes = append(sizes, fmt.Sprintf("%dx%d", track.Width, track.Height))
	}
	return sizes
}

// TestLargestPicture: a camera began small, and an index and the segments' headers
// tell no more than that of its track. All that is told and exported of it is as
// large as its largest picture, also what FFmpeg makes of an export by itself.
func TestLargestPicture(t *testing.T) {
	var tracks []media.Track
	var all [][]media.Frame
	for i, codec := range []media.Codec{media.VP8, media.H264, media.VP9} {
		track, frames := growing(t, uint64(i+1), codec)
		tracks = append(tracks, track)
		all = append(all, frames)
	}
	src := cut(t, tracks, merged(all...))
	l := indexed(t, src, 2)
	for i, x := range tallied(t, src) { // as the recorder does
		l.indexes[i] = writeIndex(t, x)
	}
	var log readLog
	log.of(src)
	s := open(t, l)
	if n := log.numbers(); len(n) > 0 {
		t.Fatalf("segments %v were read", n)
	}
	for _, track := range s.Tracks() {
		if track.Width != 640 || track.Height != 360 {
			t.Errorf("%s is %dx%d", track.Codec, track.Width, track.Height)
		}
	}
	const ms = time.Millisecond
	parts := []struct {
		from, to time.Duration
		size     string
		frames   int // of each track
	}{
		{0, 0, "640x360", 61}, // one more than there are: the first is shown for a tick
		{500 * ms, 0, "640x360", 61},
		{2500 * ms, 0, "640x360", 40},
		{0, 1500 * ms, "320x180", 15},
		{4500 * ms, 0, "320x180", 20},
	}
	for i := range sample.Cases(t, len(parts), 1) {
		tt := parts[i]
		name := fmt.Sprint(tt.from, " to ", tt.to)
		o := ExportOptions{From: tt.from, To: tt.to}
		mkv := filepath.Join(t.TempDir(), "a.mkv")
		r, err := ExportFile(t.Context(), s, mkv, o)
		if err != nil || r.Incomplete {
			t.Fatalf("%s: %+v, %v", name, r, err)
		}
		if got := told(t, mkv); !slices.Equal(got, []string{tt.size, tt.size, tt.size}) {
			t.Errorf("%s: %v", name, got)
		}
		dir := filepath.Join(t.TempDir(), "a")
		if r, err = ExportTracks(t.Context(), s, dir, o); err != nil || r.Incomplete {
			t.Fatalf("%s: %+v, %v", name, r, err)
		}
		for _, file := range r.Files {
			path := filepath.Join(dir, file)
			if got := told(t, path); !slices.Equal(got, []string{tt.size}) {
				t.Errorf("%s: %s: %v", name, file, got)
			}
			if tt.from > 0 && tt.to == 0 && tt.from != 500*ms {
				continue // they need no help
			}
			mp4 := path + ".mp4"
			run(t, "ffmpeg", "-v", "error", "-i", path, "-preset", "ultrafast", mp4)
			if got := dimensions(t, mp4); !slices.Equal(got, []string{tt.size}) {
				t.Errorf("%s: FFmpeg makes %v of %s", name, got, file)
			}
		}
		out := run(t, "ffprobe", "-v", "error", "-count_packets", "-select_streams", "v",
			"-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", mkv)
		counts := strings.Fields(string(out))
		if len(counts) != len(tracks) {
			t.Fatalf("%s: %d streams of pictures", name, len(counts))
		}
		for i, got := range counts {
			if got != fmt.Sprint(tt.frames) {
				t.Errorf("%s: %s frames of %s, want %d", name, got, tracks[i].Codec, tt.frames)
			}
		}
	}
}

// tallied returns the indexes of segments, two in each.
func tallied(t testing.TB, src *memSource) (all []media.Index) {
	t.Helper()
	var tally media.Tally
	for i, n := range src.Segments() {
		if i%2 == 0 {
			all = append(all, media.Index{Recording: testID, Start: testStart})
		}
		x := &all[len(all)-1]
		h := headerOf(t, src.segments[n])
		codecs := make(map[uint64]media.Codec)
		for _, track := range h.Tracks {
			codecs[track.UID] = track.Codec
			if i == 0 {
				x.Tracks = append(x.Tracks, track)
			}
		}
		tally.Open(n, 1)
		for _, f := range matroskaFrames(t, src.segments[n]) {
			tally.Frame(f.Frame, codecs[f.Track])
		}
		x.Segments = append(x.Segments, tally.Close(int64(len(src.segments[n])), 0))
	}
	return all
}
