//go:build linux || darwin

package pipeline_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/archive/storetest"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/ingest"
)

// BenchmarkImport imports five minutes of 1280x720 in H264 at 2 Mbit/s with sound: looks,
// hashes, demuxes, seals, and copies to a store that is a folder. It tells how many times
// faster than the meeting that is, and how many times faster ffmpeg copies the same file
// into another, in turns. Opus is copied; AAC is encoded to Opus, which no copy does.
func BenchmarkImport(b *testing.B) {
	const length = 5 * time.Minute
	for _, bb := range []struct {
		sound string
		least float64
	}{{"libopus", 100}, {"aac", 0}} {
		b.Run(bb.sound, func(b *testing.B) {
			folder := memory(b)
			path := filepath.Join(folder, "meeting.mp4")
			makeFilm(b, path, length, bb.sound)
			reader, err := age.GenerateHybridIdentity()
			if err != nil {
				b.Fatal(err)
			}
			times := func(f func()) float64 {
				begun := time.Now()
				f()
				return length.Seconds() / time.Since(begun).Seconds()
			}
			var ours, bare []float64
			for b.Loop() {
				to := filepath.Join(folder, "ours")
				ours = append(ours, times(func() { imported(b, path, to, reader.Recipient()) }))
				copied := filepath.Join(folder, "copy.mkv")
				bare = append(bare, times(func() { ffmpeg(b, "-i", path, "-c", "copy", copied) }))
				if err := os.RemoveAll(to); err != nil {
					b.Fatal(err)
				}
				if err := os.Remove(copied); err != nil {
					b.Fatal(err)
				}
			}
			of := 100 * median(ours) / median(bare)
			if bb.least > 0 {
				b.ReportMetric(median(ours), "ours:x-real-time")
				b.ReportMetric(median(bare), "bare:x-real-time")
				b.ReportMetric(of, "%ofbare")
				b.ReportMetric(bb.least, "min:x-real-time")
			}
			b.Logf("%.0f times real time, of the fastest %.0f; ffmpeg -c copy %.0f", median(ours), slices.Max(ours), median(bare))
		})
	}
}

// imported imports a file as the command does.
func imported(b *testing.B, path, to string, reader age.Recipient) {
	b.Helper()
	ctx := b.Context()
	p, err := ingest.Find()
	if err != nil {
		b.Fatal(err)
	}
	f, err := p.Look(ctx, path)
	if err != nil {
		b.Fatal(err)
	}
	part := ingest.Part{File: f, Participant: "a", Name: "a"}
	if part.SHA256, err = f.Hash(ctx, nil); err != nil {
		b.Fatal(err)
	}
	signer, _ := storetest.SigningKeys(b, "importer")
	drafts, err := dir.OpenDrafts(filepath.Join(to, "drafts"))
	if err != nil {
		b.Fatal(err)
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		b.Fatal(err)
	}
	w, err := archive.Create(drafts.Path(), archive.Config{Signer: signer})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := w.StartEpoch([]age.Recipient{reader}); err != nil {
		b.Fatal(err)
	}
	m := ingest.Meeting{Recording: w.ID(), Start: time.Now(), At: time.Now(), Name: "a", By: "a", Parts: []ingest.Part{part}}
	if _, err := p.Write(ctx, bot.Sink(w), m, nil); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	store, err := dir.Create(filepath.Join(to, "store"))
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	if err := drafts.Copy(ctx, store, w.ID()); err != nil {
		b.Fatal(err)
	}
}

// makeFilm makes a film of a length, of ten seconds again and again.
func makeFilm(b *testing.B, path string, length time.Duration, sound string) {
	b.Helper()
	const once = 10 * time.Second
	short := filepath.Join(b.TempDir(), "short.mp4")
	ffmpeg(b, "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=10,format=yuv420p", "-f", "lavfi", "-i", "anoisesrc=color=pink:amplitude=0.3:duration=10",
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-b:v", "2M", "-minrate", "2M", "-maxrate", "2M", "-bufsize", "2M", "-c:a", sound, "-b:a", "96k", short)
	ffmpeg(b, "-stream_loop", strconv.Itoa(int(length/once)-1), "-i", short, "-c", "copy", path)
}

func ffmpeg(b *testing.B, args ...string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "ffmpeg", slices.Concat([]string{"-nostdin", "-v", "error", "-y"}, args)...).CombinedOutput(); err != nil {
		b.Fatalf("ffmpeg %q: %v\n%s", args, err, out)
	}
}
