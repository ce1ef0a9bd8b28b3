package archive_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/testdata/sample"
)

// childDisk is set in the process that has a small disk of its own.
const childDisk = "SEALTAPE_TEST_DISK"

// TestDiskFull runs its cases in a child process with a mount namespace of its
// own, where it mounts a file system of 1 MiB. That takes no root, and the mount
// ends with the process.
func TestDiskFull(t *testing.T) {
	if mnt := os.Getenv(childDisk); mnt != "" {
		if err := syscall.Mount("tmpfs", mnt, "tmpfs", 0, "size=1m"); err != nil {
			t.Fatalf("could not mount a small disk: %v", err)
		}
		for name, test := range map[string]func(*testing.T, *disk){
			"write":     testFullWrite,
			"commit":    testFullCommit,
			"log":       func(t *testing.T, d *disk) { testFullStep(t, d, "log") },
			"head":      func(t *testing.T, d *disk) { testFullStep(t, d, "head") },
			"epoch":     testFullEpoch,
			"epoch log": func(t *testing.T, d *disk) { testFullEpochStep(t, d, "log") },
			"close":     testFullClose,
			"recover":   testFullRecover,
		} {
			t.Run(name, func(t *testing.T) { test(t, newDisk(t, mnt)) })
		}
		return
	}
	sample.Live(t)
	t.Parallel()
	child := exec.Command(os.Args[0], "-test.run=^TestDiskFull$", "-test.v")
	child.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", childDisk+"="+t.TempDir())
	child.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		child.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		child.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		child.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := child.CombinedOutput()
	if err != nil || strings.Count(string(out), "--- PASS: TestDiskFull/") != 8 {
		t.Errorf("%v\n%s", err, out)
	}
}

// A disk is a spool on the small disk, and a reader of it.
type disk struct {
	t      *testing.T
	mnt    string
	spool  string
	filler string
	reader *age.HybridIdentity
	signer signer
	fillAt string // step before which the disk is filled
	before func(step string)
	c      archive.Config
	step   func(string)
}

func newDisk(t *testing.T, mnt string) *disk {
	d := &disk{t: t, mnt: mnt, spool: filepath.Join(mnt, "spool"), filler: filepath.Join(mnt, "filler"), reader: hybrid(t), signer: newSigner(t, "recorder")}
	d.c = archive.Config{Signer: d.signer}
	d.step = func(step string) {
		if step == d.fillAt {
			d.fill()
		}
		if d.before != nil {
			d.before(step)
		}
	}
	t.Cleanup(func() {
		if err := errors.Join(os.RemoveAll(d.spool), os.RemoveAll(d.filler)); err != nil {
			t.Error(err)
		}
	})
	return d
}

// fill leaves no space on the disk, and drain gives it back.
func (d *disk) fill() {
	d.fillAt = ""
	f, err := os.Create(d.filler)
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if err = errors.Join(err, f.Close()); !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatal(err)
	}
}

func (d *disk) drain() {
	if err := os.Remove(d.filler); err != nil {
		d.t.Fatal(err)
	}
}

// check closes the recording, of which the segments given must be all there is.
func (d *disk) check(w *archive.Writer, segments ...int) {
	d.t.Helper()
	closeWriter(d.t, w)
	for name := range files(d.t, filepath.Join(d.spool, w.ID())) {
		if strings.Contains(name, ".part") || strings.Contains(name, ".tmp") {
			d.t.Errorf("%s is left over", name)
		}
	}
	r := verified(d.t, openDir(d.t, d.spool), w.ID(), d.signer, d.reader)
	var got []int
	for _, i := range r.Segments() {
		got = append(got, i.Number)
		if data, err := r.ReadSegment(d.t.Context(), i.Number); err != nil || len(data) == 0 {
			d.t.Errorf("segment %d: %d bytes, %v", i.Number, len(data), err)
		}
	}
	if len(got) != len(segments) {
		d.t.Errorf("segments %v, want %v", got, segments)
	}
	for i := range min(len(got), len(segments)) {
		if got[i] != segments[i] {
			d.t.Errorf("segments %v, want %v", got, segments)
		}
	}
}

func wantFull(t *testing.T, what string, err error, unlogged bool) {
	t.Helper()
	if !errors.Is(err, syscall.ENOSPC) || errors.Is(err, archive.ErrUnlogged) != unlogged {
		t.Errorf("%s on a full disk: %v", what, err)
	}
}

func testFullWrite(t *testing.T, d *disk) {
	w := createStepped(t, d.spool, d.c, d.step, d.reader.Recipient())
	commit(t, begin(t, w, archive.Segment, []byte("0")))
	o, err := w.Create(archive.Segment)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = o.Write(make([]byte, 100_000))
	}
	wantFull(t, "Write", err, false)
	wantFull(t, "Commit", o.Commit(), false)
	commit(t, begin(t, w, archive.Segment, []byte("2"))) // the space is free again
	d.check(w, 0, 2)
}

func testFullCommit(t *testing.T, d *disk) {
	w := createStepped(t, d.spool, d.c, d.step, d.reader.Recipient())
	o := begin(t, w, archive.Segment, make([]byte, 60_000)) // waits in memory
	d.fill()
	wantFull(t, "Commit", o.Commit(), false)
	if _, err := w.Create(archive.Segment); err != nil {
		// The header may or may not find room.
		wantFull(t, "Create", err, false)
	}
	d.drain()
	if err := w.Crash(); err != nil {
		t.Fatal(err)
	}
	all := recoverAll(t, d.spool, d.c)
	if len(all) != 1 || all[0].Head.Size != 1 {
		t.Errorf("recovered %+v", all)
	}
}

// testFullStep fills the disk after the object got its name.
func testFullStep(t *testing.T, d *disk, step string) {
	w := createStepped(t, d.spool, d.c, d.step, d.reader.Recipient())
	o := begin(t, w, archive.Segment, []byte("0"))
	d.fillAt = step
	wantFull(t, "Commit", o.Commit(), true)
	_, err := w.Create(archive.Segment)
	wantFull(t, "Create", err, false)
	_, err = w.StartEpoch([]age.Recipient{d.reader.Recipient()})
	wantFull(t, "StartEpoch", err, false)
	wantFull(t, "Close", w.Close(), false)
	d.drain()
	// What was not logged is, before the next epoch is published.
	published := 0
	d.before = func(step string) {
		if step == "link" && published == 0 {
			published++
			if n := headSize(t, d.spool, w.ID()); n != 2 {
				t.Errorf("epoch 2 is published while the head signs %d objects", n)
			}
		}
	}
	startEpoch(t, w, d.reader.Recipient())
	d.fillAt = step
	wantFull(t, "Commit", begin(t, w, archive.Segment, []byte("1")).Commit(), true)
	d.drain()
	o, err = w.Create(archive.Segment)
	if n := headSize(t, d.spool, w.ID()); err != nil || n != 4 || published != 1 {
		t.Errorf("after Create the head signs %d objects, want 4: %v", n, err)
	}
	if _, err := o.Write([]byte("2")); err != nil {
		t.Error(err)
	}
	commit(t, o)
	d.check(w, 0, 1, 2)
}

func testFullEpoch(t *testing.T, d *disk) {
	w := createStepped(t, d.spool, d.c, d.step, d.reader.Recipient())
	commit(t, begin(t, w, archive.Segment, []byte("0")))
	d.fill()
	_, err := w.StartEpoch([]age.Recipient{d.reader.Recipient()})
	wantFull(t, "StartEpoch", err, false)
	if _, err := w.Create(archive.Segment); !errors.Is(err, archive.ErrNoEpoch) {
		t.Errorf("Create after a StartEpoch that failed: %v", err)
	}
	d.drain()
	startEpoch(t, w, d.reader.Recipient())
	commit(t, begin(t, w, archive.Segment, []byte("1")))
	d.check(w, 0, 1)
}

func testFullEpochStep(t *testing.T, d *disk, step string) {
	w := createStepped(t, d.spool, d.c, d.step, d.reader.Recipient())
	commit(t, begin(t, w, archive.Segment, []byte("0")))
	d.fillAt = step
	_, err := w.StartEpoch([]age.Recipient{d.reader.Recipient(), classic(t).Recipient()})
	wantFull(t, "StartEpoch", err, true)
	if _, err := w.Create(archive.Segment); !errors.Is(err, archive.ErrNoEpoch) {
		t.Errorf("Create after a StartEpoch that failed: %v", err)
	}
	d.drain()
	startEpoch(t, w, d.reader.Recipient())
	commit(t, begin(t, w, archive.Segment, []byte("1")))
	d.check(w, 0, 1)
}

func testFullClose(t *testing.T, d *disk) {
	w := createStepped(t, d.spool, d.c, d.step, d.reader.Recipient())
	commit(t, begin(t, w, archive.Segment, []byte("0")))
	d.fill()
	wantFull(t, "Close", w.Close(), false)
	d.drain()
	d.check(w, 0)
}

func testFullRecover(t *testing.T, d *disk) {
	w := createStepped(t, d.spool, d.c, d.step, d.reader.Recipient())
	begin(t, w, archive.Segment, make([]byte, 200_000))
	if err := w.Crash(); err != nil {
		t.Fatal(err)
	}
	d.fill()
	if _, err := archive.Recover(t.Context(), d.spool, d.c); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Recover on a full disk: %v", err)
	}
	d.drain()
	if all := recoverAll(t, d.spool, d.c); len(all) != 1 || all[0].Head.Size != 2 {
		t.Errorf("recovered %+v", all)
	}
	verified(t, openDir(t, d.spool), w.ID(), d.signer, d.reader)
}
