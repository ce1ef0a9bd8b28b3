//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4/pkg/media/oggwriter"

	"github.com/sealtape/sealtape/testdata/members"
)

// Words that stand for what must never be written in the clear. They are in
// the sound, in the picture, in the room's name and in a member's name.
const (
	canarySound   = "CANARY-SOUND-9b2f41c7"
	canaryPicture = "CANARY-PICTURE-51d0ae83"
	canaryRoom    = "CANARY-ROOM-c47713ee"
	canaryName    = "CANARY-NAME-08f6d2b9"
)

var canaries = []string{canarySound, canaryPicture, canaryRoom, canaryName, labPassphrase}

// canaryOgg is an Ogg file whose Opus packets carry a word. Nobody in this test
// decodes them.
func canaryOgg(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := oggwriter.NewWith(&b, 48000, 2)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 100 {
		p := &rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(n), Timestamp: uint32(960 * n)},
			Payload: append([]byte{0xfc}, bytes.Repeat([]byte(canarySound), 4)...)}
		if err := w.WriteRTP(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// canaryIVF is an IVF file whose VP8 frames carry a word after a valid header.
func canaryIVF() []byte {
	le := binary.LittleEndian
	b := append([]byte("DKIF"), 0, 0, 32, 0)
	b = append(b, "VP80"...)
	b = le.AppendUint16(b, 320)
	b = le.AppendUint16(b, 180)
	b = le.AppendUint32(b, 25) // frames a second
	b = le.AppendUint32(b, 1)
	const frames = 50
	b = le.AppendUint32(b, frames)
	b = le.AppendUint32(b, 0)
	for n := range frames {
		f := []byte{0x11, 0x02, 0x00}
		if n%25 == 0 {
			f = []byte{0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00}
		}
		f = append(f, bytes.Repeat([]byte(canaryPicture), 40)...)
		b = le.AppendUint32(b, uint32(len(f)))
		b = le.AppendUint64(b, uint64(n))
		b = append(b, f...)
	}
	return b
}

// searchTree looks for the words in all files under dir and in their names.
func searchTree(t *testing.T, dir string) (files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // the recorder is at work
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		search(t, "the name "+rel, []byte(rel))
		if !d.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil
		}
		files++
		search(t, path, b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func search(t *testing.T, where string, b []byte) {
	t.Helper()
	for _, c := range canaries {
		if bytes.Contains(b, []byte(c)) {
			t.Errorf("%s holds %q", where, c)
		}
	}
}

// searchOpenFiles looks for the words in every regular file that the process
// has open, deleted ones included.
func searchOpenFiles(t *testing.T, pid string) (files int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/" + pid + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		path := filepath.Join("/proc", pid, "fd", fd.Name())
		name, err := os.Readlink(path)
		if err != nil || !strings.HasPrefix(name, "/") || strings.HasPrefix(name, "/dev/") {
			continue // closed meanwhile, or a socket, a pipe or a terminal
		}
		b, err := os.ReadFile(path)
		if err != nil {
			if st, serr := os.Stat(path); serr == nil && st.Mode().IsRegular() {
				t.Errorf("%s, %s: %v", path, name, err)
			}
			continue // closed meanwhile, or a folder
		}
		files++
		search(t, "open file "+name, b)
	}
	return files
}

func TestPlaintextNeverTouchesADisk(t *testing.T) {
	l := newLab(t)
	recorderHome, recorderCard := l.person("Recorder")
	readerHome, readerCard := l.person("Reader", recorderCard)
	l.must(recorderHome, "keys", "add", "--yes", writeCard(t, readerCard))
	store := filepath.Join(l.dir, "store")

	l.join(members.Config{Room: l.room(canaryRoom), Identity: "member", Name: canaryName, Passphrase: labPassphrase,
		Audio: canaryOgg(t), Video: canaryIVF()})
	l.vars = append(l.vars, openVar+"=1") // or what it has open could not be seen
	// A log names nobody; what it says to a person names whose sound has a hole.
	rec := l.record(recorderHome, "--room", l.room(canaryRoom), "--store", store, "--reader", "Reader", "--segment", "1s", "--log-level", "info")
	pid := strconv.Itoa(rec.cmd.Process.Pid)

	var trees, open int
	spool := filepath.Join(recorderHome, "spool")
	l.until("several segments are stored", func() bool {
		trees += searchTree(t, spool) + searchTree(t, filepath.Join(recorderHome, "tmp"))
		if _, err := os.Stat(store); err == nil {
			trees += searchTree(t, store)
		}
		open += searchOpenFiles(t, pid)
		stored, err := filepath.Glob(filepath.Join(store, rec.id, "segments", "*.age"))
		return err == nil && len(stored) > 3
	})
	code := rec.accounts(rec.stop(syscall.SIGTERM), readerHome, store)
	trees += searchTree(t, recorderHome) + searchTree(t, store)
	logged := 0
	for line := range strings.Lines(rec.stderr()) {
		if strings.HasPrefix(line, "time=") {
			logged++
			search(t, "the recorder's log", []byte(line))
		}
	}
	if trees < 100 || open == 0 || logged < 2 {
		t.Errorf("only %d files, %d open files and %d lines of a log were looked at", trees, open, logged)
	}

	// The words are there for who has the key, or the search proved nothing.
	plain := filepath.Join(l.dir, "plain")
	l.exits(code, readerHome, "decrypt", rec.id, "--store", store, "-o", plain)
	var all []byte
	files, err := filepath.Glob(filepath.Join(plain, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	for _, c := range []string{canarySound, canaryPicture, canaryRoom, canaryName} {
		if !bytes.Contains(all, []byte(c)) {
			t.Errorf("%q is not in the recording at all", c)
		}
	}
	l.verifies(readerHome, store, rec.id) // it was stopped by SIGTERM, and is closed
}
