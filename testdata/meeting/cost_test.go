//go:build linux

package meeting_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A cost is that of recording a room: cores, and MiB of memory.
type cost struct {
	cpu float64
	memory
}

// A memory is what processes have in memory, in MiB each. The program's own pages are in
// memory once, however many processes run it.
type memory struct {
	resident float64 // with all of the program's pages that it uses, as ps shows it (RSS); of the largest
	share    float64 // with its share of these pages (PSS): so many times this is what a host pays
	private  float64 // without: what one more of them takes
}

func (m memory) String() string {
	return fmt.Sprintf("%.1f MiB (%.1f of it its own; %.1f as ps shows it)", m.share, m.private, m.resident)
}

// measured returns what some processes have in memory now. One that has ended counts as
// nothing.
func measured(b *testing.B, pids []int) (m memory) {
	b.Helper()
	n := 0.0
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if errors.Is(err, fs.ErrPermission) {
			b.Fatalf("%v: a recorder's memory is closed to others, also to how much there is; only root sees that", err)
		}
		if err != nil {
			continue
		}
		one := make(map[string]float64)
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) == 3 && f[2] == "kB" {
				kib, err := strconv.ParseFloat(f[1], 64)
				if err != nil {
					b.Fatal(err)
				}
				one[f[0]] = kib / 1024
			}
		}
		n++
		m.resident = max(m.resident, one["Rss:"])
		m.share += one["Pss:"]
		m.private += one["Private_Clean:"] + one["Private_Dirty:"]
	}
	n = max(n, 1)
	return memory{m.resident, m.share / n, m.private / n}
}

// A clock is the CPU time, in seconds, that everything had used at a time.
type clock struct {
	at                                       time.Time
	recorders, worker, server, members, idle float64
}

// now reads the clock. What is not there has used nothing.
func now(b *testing.B, recorders []int, worker, server int) clock {
	b.Helper()
	return clock{time.Now(), ticks(recorders), ticks([]int{worker}), ticks([]int{server}), ticks([]int{os.Getpid()}), idleTicks(b)}
}

// since returns which part of a core each has used since.
func (c clock) since(begun clock) clock {
	s := c.at.Sub(begun.at).Seconds()
	return clock{c.at, (c.recorders - begun.recorders) / s, (c.worker - begun.worker) / s, (c.server - begun.server) / s,
		(c.members - begun.members) / s, (c.idle - begun.idle) / s}
}

func (c clock) String() string {
	return fmt.Sprintf("of a core, recorders took %.0f %%, their worker %.1f %%, the server %.0f %% and all members %.0f %%; %.0f %% were idle",
		100*c.recorders, 100*c.worker, 100*c.server, 100*c.members, 100*c.idle)
}

// children returns the processes of a worker's recorders.
func children(b *testing.B, pid int) (pids []int) {
	b.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil || len(tasks) == 0 {
		b.Fatalf("no children of %d: %v", pid, err)
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // a thread that ended
		}
		for _, word := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(word); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}

const hertz = 100 // of the kernel's counts, on all Linux that Go runs on

// ticks returns the CPU seconds of processes so far.
func ticks(pids []int) (s float64) {
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if f := strings.Fields(rest); len(f) > 12 {
			for _, one := range f[11:13] { // utime, stime
				n, _ := strconv.ParseFloat(one, 64)
				s += n / hertz
			}
		}
	}
	return s
}

// idleTicks returns the seconds that the machine's processors were idle so far.
func idleTicks(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		b.Fatal(err)
	}
	f := strings.Fields(strings.SplitN(string(text), "\n", 2)[0])
	n, err := strconv.ParseFloat(f[4], 64)
	if err != nil {
		b.Fatal(err)
	}
	return n / hertz
}
