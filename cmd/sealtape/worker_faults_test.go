//go:build unix

package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/sample"
)

// silent joins a room as somebody who says nothing, which costs little.
func (f *fleetLab) silent(room string) {
	f.t.Helper()
	f.join(members.Config{Room: room, Identity: "ada", Name: "Ada", Passphrase: labPassphrase})
}

// TestWorkers: each of several rooms is recorded by one of two workers, whatever becomes of
// them: a recorder dies, and another goes on with its meeting; a worker dies, and its
// recorders end what they recorded.
func TestWorkers(t *testing.T) {
	f := newFleetLab(t)
	all := f.workers(2, "--drain", "0")
	n := 3
	if sample.All() {
		n = 4
	}
	var rooms []string
	for i := range n {
		rooms = append(rooms, f.room(fmt.Sprintf("weekly %d", i)))
		f.silent(rooms[i])
		f.dispatch(rooms[i], "weekly")
	}
	for _, room := range rooms {
		f.recorded(room, 1)
	}
	if n := len(all[0].children()) + len(all[1].children()); n != len(rooms) {
		t.Errorf("%d recorders for %d rooms", n, len(rooms))
	}

	// A recorder dies.
	i := slices.IndexFunc(all, func(w *workerProcess) bool { return len(w.children()) > 0 })
	hit, other := all[i], all[1-i]
	f.until("recordings", func() bool { return len(hit.ids()) == len(hit.children()) })
	before := len(hit.ids())
	for _, id := range hit.ids() {
		f.segments(hit.home, f.store, id, 0) // else there is nothing to follow
	}
	if err := syscall.Kill(hit.children()[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	hit.says("a recorder crashed")
	f.until("another recording", func() bool { return len(hit.ids()) == before+1 })
	for _, room := range rooms {
		f.recorded(room, 1)
	}
	f.slowly("a recording that follows the dead one", func() bool {
		return slices.ContainsFunc(f.listing(hit.home), func(r listedRecording) bool { return slices.Contains(hit.ids()[:before], r.Follows) })
	})

	// A worker hangs for a while: nothing of it ends.
	had := len(other.children())
	other.signal(syscall.SIGSTOP)
	f.dispatch(rooms[0], "weekly") // which may get lost, or find the room recorded
	other.signal(syscall.SIGCONT)
	if n := len(other.children()); n != had {
		t.Errorf("%d recorders of %d are left", n, had)
	}

	// A worker dies. Its recorders see that, and end their recordings properly.
	ids := hit.ids()
	hit.signal(syscall.SIGKILL)
	<-hit.ended
	f.slowly("its recordings ended", func() bool {
		closed := 0
		for _, r := range f.listing(other.home) {
			if slices.Contains(ids, r.ID) && r.State == "closed" {
				closed++
			}
		}
		return closed >= len(ids)-1 // but the one that was killed
	})
	// Who watches over the rooms dispatches again.
	for _, room := range rooms {
		if len(f.recorders(room)) == 0 {
			f.dispatch(room, "weekly")
		}
	}
	for _, room := range rooms {
		f.recorded(room, 1)
	}
}

// TestWorkersOneRecorder: where a recorder of the fleet records, another of another worker
// leaves before it tells anybody anything.
func TestWorkersOneRecorder(t *testing.T) {
	t.Parallel()
	for _, as := range []string{"recorder", "agent"} {
		t.Run(as, func(t *testing.T) {
			f := newFleetLab(t)
			var all []*workerProcess
			first := f.agent
			for i, home := range f.homes(2) {
				f.agent = fmt.Sprintf("%s-%d", first, i) // so that a dispatch is for one of them
				all = append(all, f.worker(home, "--join-as", as, "--drain", "0"))
			}
			room := f.room("weekly")
			f.silent(room)
			f.agent = first + "-0"
			f.dispatch(room, "weekly")
			who := f.recorded(room, 1)
			f.agent = first + "-1"
			f.dispatch(room, "weekly")
			all[1].says("how=elsewhere")
			if now := f.recorded(room, 1); now[0].Identity != who[0].Identity {
				t.Errorf("%+v records, and %+v did", now, who)
			}
			if n := len(all[1].ids()); n != 0 {
				t.Errorf("the second began %d recordings", n)
			}
			if strings.Contains(all[0].stderr(), "a recorder ended") {
				t.Error("the first was thrown out")
			}
		})
	}
}

// TestWorkersStranger: who only shows that they record, under the fleet's name, keeps no
// recorder out of a room.
func TestWorkersStranger(t *testing.T) {
	f := newFleetLab(t)
	w := f.workers(1, "--drain", "0")[0]
	room := f.room("weekly")
	f.silent(room)
	home, _ := f.recorder("Fleet") // whom nobody approved
	stranger := f.record(home, "--room", room, "--reader", "Fleet", "--store", filepath.Join(home, "store"))
	f.recorded(room, 1)
	f.dispatch(room, "weekly")
	f.recorded(room, 2)
	f.until("its recording", func() bool { return len(w.ids()) == 1 })
	stranger.stop(syscall.SIGTERM)
	f.recorded(room, 1)
}

// TestWorkersFull: a worker without a place for more is offered nothing, and another takes it.
func TestWorkersFull(t *testing.T) {
	f := newFleetLab(t)
	all := f.workers(2, "--max-rooms", "1", "--drain", "0")
	for i := range 2 {
		room := f.room(fmt.Sprintf("weekly %d", i))
		f.silent(room)
		f.dispatch(room, "weekly")
		f.recorded(room, 1)
	}
	for i, w := range all {
		if n := len(w.children()); n != 1 {
			t.Errorf("worker %d has %d recorders", i, n)
		}
		f.until("it is full", func() bool {
			_, text := w.get("/metrics")
			n, err := metricOf(text, "sealtape_worker_available")
			return err == nil && n == 0
		})
	}
	// One that ends takes nothing else, and its rooms are ended properly.
	if code := all[0].stop(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, all[0].stderr())
	}
}
