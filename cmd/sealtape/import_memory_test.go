//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/sample"
)

// memoryBound is the most memory that importing may take, in MiB, whatever the length of
// the file: 96 may wait to be put into order, and objects of 16 are copied four at a time.
const memoryBound = 300

// mostMemory returns the most memory that a process had, in MiB, when it has ended.
func mostMemory(t *testing.T, p *process) (most int) {
	t.Helper()
	high := regexp.MustCompile(`VmHWM:\s+(\d+) kB`)
	for {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
		if m := high.FindSubmatch(b); err == nil && m != nil {
			n, err := strconv.Atoi(string(m[1]))
			if err != nil {
				t.Fatal(err)
			}
			most = max(most, n>>10)
		}
		select {
		case <-p.ended:
			return most
		case <-time.After(20 * time.Millisecond): // it only grows
		}
	}
}

// silence makes a sound of eight channels of 192 kHz with so many bytes, which takes no
// room on a disk.
func silence(path string, bytes int64) (err error) {
	const channels, rate, depth = 8, 192_000, 64
	le := binary.LittleEndian
	b := append([]byte("RF64\xff\xff\xff\xffWAVEds64"), 28, 0, 0, 0)
	b = le.AppendUint64(b, uint64(bytes+72))
	b = le.AppendUint64(b, uint64(bytes))
	b = le.AppendUint64(b, uint64(bytes/(channels*depth/8)))
	b = le.AppendUint32(b, 0)
	b = append(b, "fmt \x10\x00\x00\x00\x03\x00"...) // of floating point
	b = le.AppendUint16(b, channels)
	b = le.AppendUint32(b, rate)
	b = le.AppendUint32(b, rate*channels*depth/8)
	b = le.AppendUint16(b, channels*depth/8)
	b = le.AppendUint16(b, depth)
	b = append(b, "data\xff\xff\xff\xff"...)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return err
	}
	return os.Truncate(path, int64(len(b))+bytes)
}

// TestImportMemory: importing takes memory within bounds, however large a file is.
func TestImportMemory(t *testing.T) {
	w := newWatching(t)
	w.bin = filepath.Join(w.bin, plain) // the race detector takes several times the memory
	film, sound := filepath.Join(w.folder, "film.mp4"), filepath.Join(w.folder, "sound.wav")
	noise := filepath.Join(t.TempDir(), "noise.mp4")
	w.noise(noise)
	loops, size := 12, int64(100<<20)
	if sample.All() {
		loops, size = 40, 4<<30+200<<20
	}
	out, err := exec.CommandContext(w.ctx, "ffmpeg", "-nostdin", "-v", "error", "-stream_loop", strconv.Itoa(loops), "-i", noise, "-c", "copy", film).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := silence(sound, size); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{film, sound} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		p := w.begin(w.command(w.home, []string{collecting + "=" + usualCollecting}, "import", path, "--reader", "Ada", "--store", w.store))
		most := mostMemory(t, p)
		if code := p.wait(); code != 0 || most == 0 || most > memoryBound {
			t.Errorf("exit code %d, %d MiB for %d MiB, want at most %d\n%s", code, most, info.Size()>>20, memoryBound, p.stderr())
		}
		t.Logf("%d MiB for a file of %d", most, info.Size()>>20)
		id := strings.TrimSpace(p.stdout())
		want := time.Duration(float64(size) / (192_000 * 64) * float64(time.Second))
		if i := w.info(w.home, w.store, id); path == sound && (i.Duration == nil || (pts(*i.Duration)-want).Abs() > time.Second) {
			t.Errorf("it lasts %v, want %v", i.Duration, want)
		}
		w.must(w.home, "verify", id, "--store", w.store)
	}
}
