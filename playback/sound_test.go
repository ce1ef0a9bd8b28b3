package playback

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// TestPacketsAtOneTime: packets of sound that a sender's clock puts at one time are all in
// the file, and ffmpeg says nothing of them.
func TestPacketsAtOneTime(t *testing.T) {
	track := media.Track{UID: 1, Participant: "ada", Name: "Ada", Source: media.Microphone, Codec: media.Opus, Channels: 2}
	var frames []media.Frame
	var now time.Duration
	for n := range 50 {
		frames = append(frames, media.Frame{Track: track.UID, Time: now, Key: true, Data: []byte{0xfc, 0xff, 0xfe}})
		if n%7 != 3 {
			now += 20 * time.Millisecond
		}
	}
	src := &memSource{segments: map[int][]byte{0: segment(t, 0, []media.Track{track}, frames, media.Event{Type: media.EventStart, Text: "Stand-up"})}}
	path := filepath.Join(t.TempDir(), "a.mkv")
	if _, err := ExportFile(t.Context(), open(t, src), path, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	run(t, "ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-f", "null", "-")
	if p := strings.Fields(string(run(t, "ffprobe", "-v", "error", "-show_entries", "packet=pts", "-of", "csv=p=0", path))); len(p) < len(frames) {
		t.Errorf("%d packets of %d", len(p), len(frames))
	}
}
