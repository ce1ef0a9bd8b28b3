//go:build unix

package playback

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// BenchmarkExportMP4 tells how many times faster than the meeting it becomes an
// MP4 of 1280x720 at 25 pictures a second, and how many seconds of processor a
// second of it costs, ours and those of ffmpeg. Cameras are 1280x720 themselves.
func BenchmarkExportMP4(b *testing.B) {
	const length = 20 * time.Second
	clip := encode(b, media.Track{UID: 1}, "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=2",
		"-c:v", "libvpx", "-g", "50", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1500k", "-auto-alt-ref", "0")
	for _, bb := range []struct {
		videos, voices int
		layout         Layout
	}{{2, 2, LayoutGrid}, {6, 6, LayoutGrid}, {6, 6, LayoutSpeaker}} {
		b.Run(fmt.Sprintf("%d videos and %d voices, %s", bb.videos, bb.voices, bb.layout), func(b *testing.B) {
			var tracks []media.Track
			var frames [][]media.Frame
			var events []media.Event
			for i := range bb.videos {
				t := media.Track{UID: uint64(i + 1), Participant: fmt.Sprint("p", i), Name: fmt.Sprint("Person ", i),
					Source: media.Camera, Codec: media.VP8, Width: 1280, Height: 720}
				var all []media.Frame
				for at := time.Duration(0); at < length; at += 2 * time.Second {
					for _, f := range clip {
						f.Track = t.UID
						f.Time += at
						all = append(all, f)
					}
				}
				tracks, frames = append(tracks, t), append(frames, all)
			}
			for i := range bb.voices {
				t, all := beeps(b, uint64(100+i), fmt.Sprint("p", i), length, 0)
				tracks, frames = append(tracks, t), append(frames, all)
				from := time.Duration(i) * 3 * time.Second
				events = append(events, media.Event{Time: from, Type: media.EventSpeaking, Participant: t.Participant, From: from, To: from + 3*time.Second})
			}
			s := open(b, cut(b, tracks, merged(frames...), events...))
			dir := b.TempDir()
			used := processor(b)
			for i := 0; b.Loop(); i++ {
				if _, err := ExportMP4(b.Context(), s, filepath.Join(dir, fmt.Sprint(i, ".mp4")), MP4Options{Layout: bb.layout}); err != nil {
					b.Fatal(err)
				}
			}
			meeting := length.Seconds() * float64(b.N)
			b.ReportMetric(meeting/b.Elapsed().Seconds(), "x-real-time")
			b.ReportMetric((processor(b)-used)/meeting, "cpu-s/s")
		})
	}
}

// processor is the processor time of this process and those that it waited for.
func processor(b *testing.B) float64 {
	b.Helper()
	var sum float64
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			b.Fatal(err)
		}
		sum += float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
	}
	return sum
}
