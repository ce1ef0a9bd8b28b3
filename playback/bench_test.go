package playback

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// BenchmarkExport exports a minute of four sounds and two pictures of
// 500 kbit/s. "x-real-time" is how much faster than the meeting it goes.
func BenchmarkExport(b *testing.B) {
	const length = time.Minute
	var tracks []media.Track
	for i := range 6 {
		t := alice
		if i >= 4 {
			t = bob
		}
		t.UID = uint64(i + 1)
		tracks = append(tracks, t)
	}
	sound, picture := bytes.Repeat([]byte{0xf8}, 80), make([]byte, 2083)
	var frames []media.Frame
	for at := time.Duration(0); at < length; at += 10 * time.Millisecond {
		for _, t := range tracks {
			switch {
			case t.Codec.Audio() && at%(20*time.Millisecond) == 0:
				frames = append(frames, media.Frame{Track: t.UID, Time: at, Data: sound})
			case !t.Codec.Audio() && at%(30*time.Millisecond) == 0:
				frames = append(frames, media.Frame{Track: t.UID, Time: at, Key: at%(3*time.Second) == 0, Data: picture})
			}
		}
	}
	s := open(b, cut(b, tracks, frames))
	for name, export := range map[string]func(context.Context, *Session, string, ExportOptions) (Report, error){
		"mkv": ExportFile, "tracks": ExportTracks,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				r, err := export(b.Context(), s, b.TempDir()+"/out", ExportOptions{})
				if err != nil || r.Incomplete {
					b.Fatal(r, err)
				}
			}
			b.ReportMetric(length.Seconds()*float64(n)/b.Elapsed().Seconds(), "x-real-time")
		})
	}
}
