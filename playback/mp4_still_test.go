package playback

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/sample"
)

// TestMP4Still: pictures that stand still are encoded once a second, so that a player
// can go anywhere, and the film is as long as the meeting. What changes is in its place.
func TestMP4Still(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	const length = 9*time.Second + 300*time.Millisecond
	voice, sound := beeps(t, 1, "ada", length, 0)
	// A camera whose picture stands still, though frames come.
	camera, still := flashes(2, "ben", media.VP8, 0, length, 0)
	for i := range still {
		still[i].Key, still[i].Data = true, still[0].Data
	}
	s := open(t, cut(t, []media.Track{voice, camera}, merged(sound, still),
		media.Event{Time: 5 * time.Second, Type: media.EventSpeaking, Participant: "ada", From: 4500 * time.Millisecond, To: 5 * time.Second}))
	path := filepath.Join(t.TempDir(), "a.mp4")
	if _, err := ExportMP4(t.Context(), s, path, small); err != nil {
		t.Fatal(err)
	}
	var at []float64
	keys := 0
	for line := range strings.Lines(string(run(t, "ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time,flags", "-of", "csv=p=0", path))) {
		when, flags, _ := strings.Cut(strings.TrimSpace(line), ",")
		seconds, err := strconv.ParseFloat(when, 64)
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, seconds)
		if strings.HasPrefix(flags, "K") {
			keys++
		}
	}
	has := func(seconds float64) bool {
		for _, s := range at {
			if s > seconds-0.01 && s < seconds+0.01 {
				return true
			}
		}
		return false
	}
	if len(at) > 16 || keys < 3 || !has(0) || !has(4.5) || !has(5) || !has(9.2) {
		t.Errorf("there are %d key frames among the pictures at %v", keys, at)
	}
	lengths := strings.Fields(string(run(t, "ffprobe", "-v", "error", "-show_entries", "stream=duration", "-of", "csv=p=0", path)))
	if len(lengths) != 2 {
		t.Errorf("streams of %q", lengths)
	}
	for i, l := range lengths {
		if d, err := strconv.ParseFloat(l, 64); err != nil || d < 9.29 || d > 9.35 {
			t.Errorf("stream %d lasts %v s, %v", i, d, err)
		}
	}
}
