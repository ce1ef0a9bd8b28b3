// Command make makes the sealed archives of a format version: once, when the
// version is new. It refuses to touch a folder that is there.
//
//	go run ./testdata/archives/make testdata/archives/v1
//
// The recordings are written by package archive as a recorder would, one is
// left by a process that dies and finished by archive.Recover, and both are
// copied into the folder by archive.Copy. Keys of readers are made for this and
// stay beside the recordings; the recorder's signing key is thrown away.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
	fixtures "github.com/sealtape/sealtape/testdata/media"
)

const (
	segmentLength = 2 * time.Second
	opusFrame     = 20 * time.Millisecond
	pictureFrame  = 200 * time.Millisecond // of testdata/media's screen
)

var (
	start = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	voice = media.Track{UID: 11, Participant: "ada", Name: "Ada", Source: media.Microphone, Codec: media.Opus, Channels: 1}
	shown = media.Track{UID: 12, Participant: "bob", Name: "Bob", Source: media.Screen, Codec: media.VP8, Width: 640, Height: 360}
)

func main() {
	var err error
	switch {
	case len(os.Args) == 2:
		err = makeAll(context.Background(), os.Args[1])
	case len(os.Args) == 4 && os.Args[1] == "die":
		err = recordAndDie(os.Args[2], os.Args[3])
	default:
		err = errors.New("usage: make FOLDER")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "make:", err)
		os.Exit(1)
	}
}

// makeAll makes both recordings in folder.
func makeAll(ctx context.Context, folder string) (err error) {
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	skey, vkey, err := note.GenerateKey(rand.Reader, "sealtape-test-recorder")
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		return err
	}
	ada, err := age.GenerateHybridIdentity()
	if err != nil {
		return err
	}
	bob, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	cleo, err := age.GenerateHybridIdentity()
	if err != nil {
		return err
	}
	spool, err := os.MkdirTemp("", "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(spool)) }()

	sums := new(bytes.Buffer)
	closed, err := recordClosed(spool, signer, ada.Recipient(), bob.Recipient(), cleo.Recipient(), sums)
	if err != nil {
		return err
	}
	cut, err := recordCut(ctx, spool, skey, signer, ada.Recipient().String(), sums)
	if err != nil {
		return err
	}
	src, err := dir.Open(spool)
	if err != nil {
		return err
	}
	dst, err := dir.Create(filepath.Join(folder, "store"))
	if err != nil {
		return errors.Join(err, src.Close())
	}
	for _, id := range []string{closed, cut} {
		if err := archive.Copy(ctx, dst, src, id); err != nil {
			return errors.Join(err, dst.Close(), src.Close())
		}
	}
	if err := errors.Join(dst.Close(), src.Close()); err != nil {
		return err
	}
	const comment = "# made for tests, protects nothing\n"
	for name, text := range map[string]string{
		"ada.txt": comment + ada.String() + "\n", "bob.txt": comment + bob.String() + "\n", "cleo.txt": comment + cleo.String() + "\n",
		"recorder.vkey": vkey + "\n", "plaintext.sha256": sums.String(),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// recordClosed records ten seconds in three epochs: readers with post-quantum
// keys, both kinds, and one without. A late reader comes in the second.
func recordClosed(spool string, signer note.Signer, ada, bob, late age.Recipient, sums io.Writer) (id string, err error) {
	w, err := archive.Create(spool, archive.Config{Signer: signer, KeepSecret: true})
	if err != nil {
		return "", err
	}
	m := &meeting{id: w.ID(), sums: sums}
	n := 0
	for _, e := range []struct {
		readers  []age.Recipient
		segments int
	}{{[]age.Recipient{ada}, 2}, {[]age.Recipient{ada, bob}, 2}, {[]age.Recipient{bob}, 1}} {
		if _, err := w.StartEpoch(e.readers); err != nil {
			return "", err
		}
		index := &media.Index{Recording: w.ID(), Start: start, Tracks: []media.Track{voice, shown}}
		for range e.segments {
			if err := m.segment(w, n, n == 4, index); err != nil {
				return "", err
			}
			if n == 2 {
				if err := w.Admit([]age.Recipient{late}); err != nil {
					return "", err
				}
			}
			n++
		}
		if err := m.index(w, index); err != nil {
			return "", err
		}
	}
	return w.ID(), w.Close()
}

// recordCut has another process record and die, and finishes what it left.
func recordCut(ctx context.Context, spool, skey string, signer note.Signer, reader string, sums io.Writer) (id string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, self, "die", spool, reader)
	cmd.Stdin, cmd.Stderr = strings.NewReader(skey), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", err
	}
	done, err := archive.Recover(ctx, spool, archive.Config{Signer: signer})
	if err != nil {
		return "", err
	}
	if len(done) != 1 || len(done[0].Torn) != 1 {
		return "", fmt.Errorf("recovered %+v, want one recording with one torn segment", done)
	}
	// The last line is the torn segment as it was meant to be: what there is of
	// it was sealed in chunks of 64 KiB, of which the last one is missing.
	_, err = sums.Write(out)
	return done[0].ID, err
}

// recordAndDie records two seconds, and ends the process with a longer segment
// half written.
func recordAndDie(spool, reader string) error {
	skey, err := io.ReadAll(io.LimitReader(os.Stdin, 1<<10))
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(string(skey))
	if err != nil {
		return err
	}
	to, err := age.ParseHybridRecipient(reader)
	if err != nil {
		return err
	}
	w, err := archive.Create(spool, archive.Config{Signer: signer})
	if err != nil {
		return err
	}
	if _, err := w.StartEpoch([]age.Recipient{to}); err != nil {
		return err
	}
	m := &meeting{id: w.ID(), sums: os.Stdout}
	if err := m.segment(w, 0, false, new(media.Index)); err != nil {
		return err
	}
	o, err := w.Create(archive.Segment)
	if err != nil {
		return err
	}
	var plain bytes.Buffer
	mkv, err := matroska.NewWriter(io.MultiWriter(o, &plain), m.header(1, o.Epoch()))
	if err != nil {
		return err
	}
	// All the fixtures' ten seconds: more than a chunk.
	if _, err := frames(mkv, segmentLength, segmentLength+10*time.Second); err != nil {
		return err
	}
	const chunk = 64 << 10
	whole := (plain.Len() - 1) / chunk * chunk // of the last one nothing was written
	m.sum(o.Number(), plain.Bytes()[:whole])
	if whole == 0 || m.err != nil {
		return errors.Join(m.err, errors.New("no whole chunk was written"))
	}
	os.Exit(0)
	return nil
}

// A meeting writes segments and notes their hashes.
type meeting struct {
	id   string
	sums io.Writer
	err  error
}

func (m *meeting) sum(number int, plain []byte) {
	_, err := fmt.Fprintf(m.sums, "%x  %s/segments/%06d.mkv\n", sha256.Sum256(plain), m.id, number)
	m.err = errors.Join(m.err, err)
}

func (m *meeting) header(number, epoch int) matroska.Header {
	return matroska.Header{Recording: m.id, Segment: number, Epoch: epoch, Start: start, Tracks: []media.Track{voice, shown}}
}

// segment writes segment n, of two seconds.
func (m *meeting) segment(w *archive.Writer, n int, last bool, index *media.Index) error {
	o, err := w.Create(archive.Segment)
	if err != nil {
		return err
	}
	var plain bytes.Buffer
	mkv, err := matroska.NewWriter(io.MultiWriter(o, &plain), m.header(n, o.Epoch()))
	if err != nil {
		return err
	}
	from := time.Duration(n) * segmentLength
	var events []media.Event
	if n == 0 {
		events = []media.Event{
			{Type: media.EventStart, Text: "Standup"},
			{Type: media.EventJoin, Participant: "ada", Name: "Ada"},
			{Type: media.EventJoin, Participant: "bob", Name: "Bob"},
		}
	}
	if last {
		events = append(events, media.Event{Time: from + segmentLength, Type: media.EventStop, Reason: "stopped"})
	}
	for _, e := range events {
		if err := mkv.WriteEvent(e); err != nil {
			return err
		}
	}
	index.Events = append(index.Events, events...)
	keys, err := frames(mkv, from, from+segmentLength)
	if err != nil {
		return err
	}
	if err := errors.Join(mkv.Close(), o.Commit()); err != nil {
		return err
	}
	m.sum(n, plain.Bytes())
	index.Segments = append(index.Segments, media.IndexSegment{
		Number: n, Epoch: o.Epoch(), Size: mkv.Size(), Start: from, Duration: segmentLength,
		Tracks: []media.IndexTrack{{UID: voice.UID}, {UID: shown.UID, Keys: keys}},
	})
	return m.err
}

func (m *meeting) index(w *archive.Writer, x *media.Index) error {
	o, err := w.Create(archive.Index)
	if err != nil {
		return err
	}
	if err := media.WriteIndex(o, x); err != nil {
		return err
	}
	return o.Commit()
}

// frames writes what of the fixtures, played over and over, is between two
// times, and returns the times of the key frames.
func frames(w *matroska.Writer, from, to time.Duration) (keys []time.Duration, err error) {
	sound, err := opusPackets()
	if err != nil {
		return nil, err
	}
	pictures, err := vp8Frames()
	if err != nil {
		return nil, err
	}
	for t := from; t < to; t += opusFrame {
		err := w.WriteFrame(media.Frame{Track: voice.UID, Time: t, Duration: opusFrame, Key: true, Data: sound[int(t/opusFrame)%len(sound)]})
		if err != nil {
			return nil, err
		}
		if t%pictureFrame != 0 {
			continue
		}
		f := media.Frame{Track: shown.UID, Time: t, Data: pictures[int(t/pictureFrame)%len(pictures)]}
		if f.Key = f.Data[0]&1 == 0; f.Key { // RFC 6386, 9.1
			keys = append(keys, t)
		}
		if err := w.WriteFrame(f); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func opusPackets() (all [][]byte, err error) {
	r, _, err := oggreader.NewWith(bytes.NewReader(fixtures.Speech(0)))
	if err != nil {
		return nil, err
	}
	for {
		page, head, err := r.ParseNextPage()
		if err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		if _, header := head.HeaderType(page); !header && len(page) > 0 {
			all = append(all, page)
		}
	}
}

func vp8Frames() (all [][]byte, err error) {
	r, _, err := ivfreader.NewWith(bytes.NewReader(fixtures.Screen()))
	if err != nil {
		return nil, err
	}
	for {
		frame, _, err := r.ParseNextFrame()
		if err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, frame)
	}
}
