package playback

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
)

// TestCodecs exports a camera that was published again and again, each time in
// another codec, and FFmpeg decodes every picture. The parameter sets of H264
// change on the way, in the frames only.
func TestCodecs(t *testing.T) {
	t.Parallel()
	var tracks []media.Track
	var frames []media.Frame
	at := time.Duration(0)
	counts := make(map[string]int)
	add := func(i int, data []byte) {
		p := media.Describe(tracks[i].Codec, data)
		if tracks[i].Private == "" {
			tracks[i].Private = p.Private
		}
		if tracks[i].Width == 0 {
			tracks[i].Width, tracks[i].Height = p.Width, p.Height
		}
		frames = append(frames, media.Frame{Track: tracks[i].UID, Time: at, Key: p.Key, Data: data})
		counts[string(tracks[i].Codec)]++
		at += 50 * time.Millisecond
	}
	for i, codec := range []media.Codec{media.VP8, media.H264, media.VP9, media.H265, media.AV1} {
		tracks = append(tracks, media.Track{UID: uint64(i + 1), Participant: "bob", Source: media.Camera, Codec: codec})
		for _, f := range fixtures.ClockFrames(string(codec))[:60] {
			if codec == media.AV1 {
				f = bytes.TrimPrefix(f, []byte{0x12, 0}) // as the recorder keeps it
			}
			add(i, media.Store(codec, f))
		}
		if codec == media.H264 {
			for _, f := range encode(t, tracks[i], "-f", "lavfi", "-i", "testsrc=size=160x120:rate=20:duration=1",
				"-pix_fmt", "yuv420p", "-c:v", "libx264", "-tune", "zerolatency", "-bsf:v", "dump_extra=freq=keyframe") {
				add(i, f.Data)
			}
		}
	}
	if counts["h264"] != 80 || tracks[1].Private == "" {
		t.Fatalf("%v frames", counts)
	}
	s := open(t, cut(t, tracks, frames))

	whole := filepath.Join(t.TempDir(), "whole.mkv")
	if r, err := ExportFile(t.Context(), s, whole, ExportOptions{}); err != nil || r.Dropped() != 0 || r.Incomplete || len(r.Tracks) != 5 {
		t.Fatalf("%+v, %v", r, err)
	}
	dir := filepath.Join(t.TempDir(), "tracks")
	r, err := ExportTracks(t.Context(), s, dir, ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"bob-camera.webm", "bob-camera.mkv", "bob-camera-2.webm", "bob-camera-2.mkv", "bob-camera-3.webm"}; !slices.Equal(r.Files, want) {
		t.Fatalf("files %q, want %q", r.Files, want)
	}
	decoded := func(path string) []string { // a line for each stream
		out := run(t, "ffprobe", "-v", "error", "-count_frames", "-select_streams", "v",
			"-show_entries", "stream=codec_name,nb_read_frames", "-of", "csv=p=0", path)
		return strings.Fields(string(out))
	}
	streams := decoded(whole)
	if len(streams) != len(tracks) {
		t.Fatalf("the whole has streams %q", streams)
	}
	for i, tr := range tracks {
		name := strings.Replace(string(tr.Codec), "h265", "hevc", 1)
		want := fmt.Sprintf("%s,%d", name, counts[string(tr.Codec)])
		stands := 0 // a file by itself begins with a still, if its track begins late
		if i > 0 {
			stands = 1
		}
		if got := decoded(filepath.Join(dir, r.Files[i])); !slices.Equal(got, []string{fmt.Sprintf("%s,%d", name, counts[string(tr.Codec)]+stands)}) {
			t.Errorf("%s holds %s, want %s", r.Files[i], got, want)
		}
		if streams[i] != want {
			t.Errorf("stream %d of the whole is %s, want %s", i, streams[i], want)
		}
	}
}
