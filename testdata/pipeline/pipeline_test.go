//go:build linux || darwin

// Package pipeline measures how fast a recording is made, from RTP packets to
// sealed files: packets are put in order and joined to frames, the frames
// decrypted, put on one clock, muxed, sealed, hashed and written, all by what a
// recording uses, and with nothing but the room left out.
//
// Speeds are per second of CPU time, which the system counted for the whole
// process: what one core can do, however many worked at it at once and whatever
// else the machine was busy with. The yardstick is what cannot be left out: bare
// AES-GCM over the same frames, and age over what is in them, which writes
// nowhere.
package pipeline_test

import (
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/recorder/media"
)

// BenchmarkPipeline records 30 voices of 48 kbit/s, and 6 pictures of 2.5 Mbit/s.
// Each comes as fast as it is taken, but none gets ahead of the others by more
// than a second of the meeting.
func BenchmarkPipeline(b *testing.B) {
	b.Run("opus", func(b *testing.B) {
		p := newPublished(b, media.Opus, 30, 6000, 120)
		measure(b, p, "packets/s", float64(p.packets), 200_000)
	})
	b.Run("vp8", func(b *testing.B) {
		p := newPublished(b, media.VP8, 6, 1000, 10_400)
		measure(b, p, "MB/s", float64(p.bytes)/1e6, 300)
	})
}

// measure records p and runs the yardstick in turns, and reports how much of
// what work counts each did in a second of CPU time, of the median rounds.
func measure(b *testing.B, p *published, unit string, work, least float64) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		b.Fatal(err)
	}
	reader := id.Recipient()
	folder := memory(b)
	record := func() (cpu, passed float64) {
		sealed := filepath.Join(folder, "sealed")
		cpu, passed = spent(b, func() { p.record(b, sealed, reader) })
		if err := os.RemoveAll(sealed); err != nil {
			b.Fatal(err)
		}
		return cpu, passed
	}
	record() // until the system has found memory for the files, it is what is measured
	var ours, bare, bound, wall []float64
	for b.Loop() {
		x, t := record()
		y, _ := spent(b, func() { p.bare(b, reader) })
		z, _ := spent(b, func() { p.store(b, folder) })
		ours, bare, bound, wall = append(ours, work/x), append(bare, work/y), append(bound, work/(y+z)), append(wall, work/t)
	}
	of := 100 * median(ours) / median(bare)
	b.ReportMetric(median(ours), "ours:"+unit)
	b.ReportMetric(median(bare), "bare:"+unit)
	b.ReportMetric(of, "%ofbare")
	b.ReportMetric(least, "min:"+unit)
	b.Logf("%.0f %s a core, %.0f on the clock; the yardstick, with SHA-256 and a file in memory, makes %.0f: ours is %.0f %% of that",
		median(ours), unit, median(wall), median(bound), 100*median(ours)/median(bound))
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// spent returns the seconds of CPU time that f took, and those that passed.
func spent(b *testing.B, f func()) (cpu, passed float64) {
	b.Helper()
	used := func() time.Duration {
		var r syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
			b.Fatal(err)
		}
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	start, before := time.Now(), used()
	f()
	return (used() - before).Seconds(), time.Since(start).Seconds()
}

// memory returns a folder that is in memory, where there is one with room for all
// that is recorded here: what a disk takes is not the recorder's.
func memory(b testing.TB) string {
	const shm, room = "/dev/shm", 512 << 20
	var fs syscall.Statfs_t
	if err := syscall.Statfs(shm, &fs); err != nil || fs.Bavail*uint64(fs.Bsize) < room {
		return b.TempDir()
	}
	dir, err := os.MkdirTemp(shm, "sealtape-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	return dir
}

// segmentSize is that of the segments and files here, the most a recorder makes
// one of.
const segmentSize = 8 << 20

// bare does the least that all this takes: it opens the frames and seals what is
// in them.
func (p *published) bare(b *testing.B, reader age.Recipient) {
	b.Helper()
	plain := make([]byte, 0, 64<<10)
	for begin := 0; begin < len(p.frames); {
		w, err := age.Encrypt(io.Discard, reader)
		if err != nil {
			b.Fatal(err)
		}
		for size := 0; begin < len(p.frames) && size < segmentSize; begin++ {
			f := p.frames[begin]
			n := p.header(f)
			end := len(f) - 14
			plain, err = p.aead.Open(append(plain[:0], f[:n]...), f[end:end+12], f[n:end], f[:n])
			if err != nil {
				b.Fatal(err)
			}
			if _, err := w.Write(plain); err != nil {
				b.Fatal(err)
			}
			size += len(plain)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// store hashes as many bytes and puts them into files.
func (p *published) store(b *testing.B, folder string) {
	b.Helper()
	piece := make([]byte, 512<<10)
	for left := p.bytes; left > 0; left -= segmentSize {
		f, err := os.CreateTemp(folder, "")
		if err != nil {
			b.Fatal(err)
		}
		hash := sha256.New()
		for size := 0; size < min(left, segmentSize); size += len(piece) {
			hash.Write(piece)
			if _, err := f.Write(piece); err != nil {
				b.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
		if err := os.Remove(f.Name()); err != nil {
			b.Fatal(err)
		}
	}
}
