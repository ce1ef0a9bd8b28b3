//go:build unix

package main

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/testdata/sample"
)

// TestFleetRooms: nobody dispatches anything, and of many rooms each is recorded by one of
// several workers. One of these is told to end under this load: the others go on with what it
// recorded.
func TestFleetRooms(t *testing.T) {
	workers, n := 2, 4
	if sample.All() {
		workers, n = 4, 12 // TestSoakFleet has 50
	}
	f := newFleetLab(t)
	f.bin = filepath.Join(f.bin, plain)
	homes := f.homes(workers)
	bob := f.audience(homes)
	var rooms []string
	for i := range n {
		rooms = append(rooms, f.room(fmt.Sprintf("weekly %d", i)))
		f.speaker(rooms[i])
	}
	var all []*workerProcess
	for _, home := range homes {
		all = append(all, f.worker(home, "--max-rooms", fmt.Sprint(n), "--drain", "0"))
	}
	watcher := f.watcher()
	f.told = func() string { return f.story(rooms, append(all, watcher)...) }
	held := f.hosts(bob, rooms, all)
	ends := 0
	for i := range held {
		t.Logf("worker %d records %d rooms", i, len(held[i]))
		if len(held[i]) > len(held[ends]) {
			ends = i
		}
	}
	if code := all[ends].stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, all[ends].stderr())
	}
	f.slowly("others go on with all of its rooms", func() bool { return recordings(f.parts(bob), held[ends], 2) })
	for _, room := range rooms {
		f.recorded(room, 1)
	}
	f.follows(bob, rooms)
	sum := 0
	for i, w := range all {
		if i != ends {
			sum += len(w.children())
		}
	}
	if sum != n {
		t.Errorf("%d recorders, and there are %d rooms", sum, n)
	}
	for i, w := range append(all, watcher) {
		if i != ends {
			w.signal(syscall.SIGTERM)
		}
	}
	for i, w := range append(all, watcher) {
		if code := w.wait(); code != 0 {
			t.Errorf("%d: exit code %d\n%s", i, code, w.stderr())
		}
	}
	t.Log(f.settles(bob, rooms))
}
