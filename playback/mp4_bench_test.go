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

// BenchmarkExportMP4 tells how many times faster than the meeting it becomes an MP4 of
// 1280x720 at 25 pictures a second in software, and how many seconds of processor a
// second of it costs: ours, and those of ffmpeg. All cameras move all the time, and have
// three temporal layers, as browsers send them to LiveKit.
func BenchmarkExportMP4(b *testing.B) {
	const length = 20 * time.Second
	for _, bb := range []struct {
		videos, voices int
		size           string
		layout         Layout
		least          float64 // times real time, on two cores
	}{
		{2, 2, "1280x720", LayoutGrid, 5},
		{6, 8, "1280x720", LayoutGrid, 5},
		{6, 8, "1280x720", LayoutSpeaker, 5},
		{24, 8, "640x360", LayoutGrid, 3},
	} {
		b.Run(fmt.Sprintf("%d videos and %d voices, %s", bb.videos, bb.voices, bb.layout), func(b *testing.B) {
			clip := encode(b, media.Track{UID: 1}, append([]string{"-f", "lavfi", "-i", "testsrc2=rate=25:duration=2:size=" + bb.size}, layered...)...)
			var width, height int
			if _, err := fmt.Sscanf(bb.size, "%dx%d", &width, &height); err != nil {
				b.Fatal(err)
			}
			var tracks []media.Track
			var frames [][]media.Frame
			var events []media.Event
			for i := range bb.videos {
				t := media.Track{UID: uint64(i + 1), Participant: fmt.Sprint("p", i), Name: fmt.Sprint("Person ", i),
					Source: media.Camera, Codec: media.VP8, Width: width, Height: height}
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
			ours, theirs := processor(b, syscall.RUSAGE_SELF), processor(b, syscall.RUSAGE_CHILDREN)
			for i := 0; b.Loop(); i++ {
				if _, err := ExportMP4(b.Context(), s, filepath.Join(dir, fmt.Sprint(i, ".mp4")), MP4Options{Layout: bb.layout, Encoder: EncoderSoftware}); err != nil {
					b.Fatal(err)
				}
			}
			meeting := length.Seconds() * float64(b.N)
			b.ReportMetric(meeting/b.Elapsed().Seconds(), "ours:x-real-time")
			b.ReportMetric(bb.least, "min:x-real-time")
			b.ReportMetric((processor(b, syscall.RUSAGE_SELF)-ours)/meeting, "our-cpu-s/s")
			b.ReportMetric((processor(b, syscall.RUSAGE_CHILDREN)-theirs)/meeting, "ffmpeg-cpu-s/s")
		})
	}
}

// processor is the processor time of this process, or of those that it waited for.
func processor(b *testing.B, who int) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
