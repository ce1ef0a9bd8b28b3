//go:build unix

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// makeRecording is a program for scripts: it writes a recording into a folder
// store, or into the spool, as a recorder would, signed by the identity of
// SEALTAPE_HOME, and prints its ID.
//
// A segment lasts 2 s and has Alice's microphone and Bob's camera in it.
func makeRecording() {
	if err := makeRecordingMain(); err != nil {
		fmt.Fprintln(os.Stderr, "make-recording:", err)
		os.Exit(1)
	}
}

type recordingMaker struct {
	room     string
	title    string
	follows  string
	too      string
	partOf   string
	card     keys.Card
	start    time.Time
	segments int
	hole     time.Duration // in Bob's camera, in the first segment
	lie      bool          // Alice's sound there is declared to be missing
	stray    bool          // a frame of hers there is of another day
	chat     string        // Alice writes it after a second
	onward   bool          // Bob's camera has a key frame in the first segment only
	w        *archive.Writer
	index    media.Index
}

const segmentLength = 2 * time.Second

var (
	aliceTrack = media.Track{UID: 11, Participant: "alice", Name: "Alice", Source: media.Microphone, Codec: media.Opus, Channels: 2}
	bobTrack   = media.Track{UID: 12, Participant: "bob", Name: "Bob \x1b[31m", Source: media.Camera, Codec: media.VP8, Width: 320, Height: 180}
)

func makeRecordingMain() error {
	var m recordingMaker
	start := flag.String("start", "2026-03-01T09:30:00Z", "when it started")
	reader := flag.String("reader", "", "file with the card of the reader, for one's own")
	late := flag.String("late", "", "file with the card of who reads the last segment too, in an epoch of its own")
	classic := flag.Bool("classic", false, "add a reader with a classic key")
	crash := flag.Bool("crash", false, "die in the middle of a further segment")
	open := flag.Bool("open", false, "do not close it")
	flag.StringVar(&m.room, "room", "Standup", "the room's name")
	flag.StringVar(&m.title, "title", "", "what it is called")
	flag.StringVar(&m.follows, "follows", "", "the ID of the recording whose meeting it continues")
	flag.StringVar(&m.too, "follows-too", "", "the ID of another, by the word of the room's server")
	flag.StringVar(&m.partOf, "part-of", "", "the ID of the recording of the main room")
	flag.IntVar(&m.segments, "segments", 2, "how many")
	flag.DurationVar(&m.hole, "hole", 0, "a hole in Bob's camera")
	flag.BoolVar(&m.lie, "lie", false, "declare a hole of 100 ms where there is none")
	flag.BoolVar(&m.stray, "stray", false, "have a frame of another day in the first segment")
	flag.BoolVar(&m.onward, "onward", false, "let Bob's camera have a key frame in the first segment only")
	flag.StringVar(&m.chat, "chat", "", "what Alice writes after a second")
	twins := flag.Bool("twins", false, "call Bob Alice, too, and let his sound be recorded, not his picture")
	forStore := flag.String("for", "store", "the stores that a recording in the spool is for, with commas between")
	flag.Parse()
	dir := flag.Arg(0)
	if *twins {
		bobTrack.Name, bobTrack.Source, bobTrack.Codec = aliceTrack.Name, media.Microphone, media.Opus
		bobTrack.Channels, bobTrack.Width, bobTrack.Height = 2, 0, 0
	}

	var err error
	if m.start, err = time.Parse(time.RFC3339, *start); err != nil {
		return err
	}
	h, err := keys.OpenHome(os.Getenv("SEALTAPE_HOME"))
	if err != nil {
		return err
	}
	identity, err := h.Load(func() ([]byte, error) { return []byte(os.Getenv("SEALTAPE_PASSPHRASE")), nil })
	if err != nil {
		return err
	}
	if m.card, err = identity.Card(); err != nil {
		return err
	}
	var belongs string
	if dir == "" {
		dir = h.SpoolDir()
		stores := strings.Split(*forStore, ",")
		for _, s := range stores {
			if err := os.MkdirAll(s, 0o700); err != nil {
				return err
			}
		}
		if belongs, err = access.StoresID(stores); err != nil {
			return err
		}
	}
	readers := identity.Recipients()
	if *reader != "" {
		if readers, err = cardRecipients(*reader); err != nil {
			return err
		}
	}
	if *classic {
		x, err := age.GenerateX25519Identity()
		if err != nil {
			return err
		}
		readers = append(readers, x.Recipient())
	}
	if m.w, err = archive.Create(dir, archive.Config{Signer: identity.Signer(), Store: belongs}); err != nil {
		return err
	}
	fmt.Println(m.w.ID())
	if _, err := m.w.StartEpoch(readers); err != nil {
		return err
	}
	for n := range m.segments {
		if *late != "" && n == m.segments-1 {
			if err := m.writeIndex(); err != nil {
				return err
			}
			more, err := cardRecipients(*late)
			if err != nil {
				return err
			}
			if _, err := m.w.StartEpoch(append(readers, more...)); err != nil {
				return err
			}
		}
		if err := m.segment(n, n == m.segments-1 && !*open && !*crash); err != nil {
			return err
		}
	}
	if *crash {
		return m.crash(dir)
	}
	if err := m.writeIndex(); err != nil {
		return err
	}
	if *open {
		return nil
	}
	return m.w.Close()
}

func cardRecipients(file string) ([]age.Recipient, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c, err := keys.ParseCard(b)
	if err != nil {
		return nil, err
	}
	return c.AgeRecipients(), nil
}

// segment writes segment n.
func (m *recordingMaker) segment(n int, last bool) error {
	o, err := m.w.Create(archive.Segment)
	if err != nil {
		return err
	}
	w, err := matroska.NewWriter(o, matroska.Header{
		Recording: m.w.ID(), Segment: n, Epoch: o.Epoch(), Start: m.start, Tracks: []media.Track{aliceTrack, bobTrack},
	})
	if err != nil {
		return err
	}
	from := time.Duration(n) * segmentLength
	var events []media.Event
	if n == 0 {
		events = append(events,
			media.Event{Type: media.EventStart, Text: m.room},
			media.Event{Type: media.EventJoin, Participant: "alice", Name: "Alice"},
			media.Event{Type: media.EventJoin, Participant: "bob", Name: bobTrack.Name},
			media.Event{Type: media.EventTrack, Participant: "alice", Track: aliceTrack.UID, Text: aliceTrack.Label()},
			media.Event{Type: media.EventTrack, Participant: "bob", Track: bobTrack.UID, Text: bobTrack.Label()})
		for by, id := range map[media.EventType]string{media.EventFollows: m.follows, media.EventPartOf: m.partOf} {
			if id != "" {
				events = append(events, media.Event{Type: by, Text: id})
			}
		}
		if m.too != "" {
			events = append(events, media.Event{Type: media.EventFollows, Text: m.too, Reason: media.FollowsServer})
		}
		if len(m.card.Approvers()) > 0 {
			b, err := m.card.Marshal()
			if err != nil {
				return err
			}
			events = append(events, media.Event{Type: media.EventRecorder, Text: string(b), Name: m.card.Name})
		}
		if m.title != "" {
			events = append(events, media.Event{Type: media.EventTitle, Text: m.title})
		}
		if m.chat != "" {
			events = append(events, media.Event{Time: time.Second, Type: media.EventChat, Participant: "alice", Name: "Alice", Text: m.chat})
		}
		if m.lie {
			events = append(events, media.Event{
				Type: media.EventHole, Participant: "alice", Track: aliceTrack.UID, To: 100 * time.Millisecond, Reason: media.HoleLoss,
			})
		}
		if m.hole > 0 {
			events = append(events, media.Event{
				Type: media.EventHole, Participant: "bob", Track: bobTrack.UID, To: m.hole, Reason: media.HoleLoss,
			})
		}
	}
	if last {
		events = append(events, media.Event{Time: from + segmentLength, Type: media.EventStop, Reason: "stopped"})
	}
	for _, e := range events {
		if err := w.WriteEvent(e); err != nil {
			return err
		}
	}
	keyFrames, err := m.frames(w, n, from)
	if err != nil {
		return err
	}
	lasts := segmentLength
	if m.stray && n == 0 {
		lasts = 24*time.Hour + 20*time.Millisecond
		if err := w.WriteFrame(media.Frame{Track: aliceTrack.UID, Time: 24 * time.Hour, Key: true, Data: []byte{0xfc, 0xff, 0xfe}}); err != nil {
			return err
		}
	}
	if err := errors.Join(w.Close(), o.Commit()); err != nil {
		return err
	}
	m.index.Events = append(m.index.Events, events...)
	m.index.Segments = append(m.index.Segments, media.IndexSegment{
		Number: n, Epoch: o.Epoch(), Size: w.Size(), Start: from, Duration: lasts,
		Tracks: []media.IndexTrack{{UID: aliceTrack.UID}, {UID: bobTrack.UID, Keys: keyFrames, Continues: len(keyFrames) == 0, Begin: m.hole}},
	})
	return nil
}

// frames writes sound every 20 ms and pictures every 100 ms.
func (m *recordingMaker) frames(w *matroska.Writer, n int, from time.Duration) (keyFrames []time.Duration, err error) {
	silence := []byte{0xfc, 0xff, 0xfe} // Opus, 20 ms, stereo
	key := []byte{0x10, 0x02, 0, 0x9d, 0x01, 0x2a, 320 & 0xff, 320 >> 8, 180, 0, 0, 0}
	delta := []byte{0x11, 0x02, 0, 0, 0, 0}
	waiting := n == 0 || !m.onward
	for t := from; t < from+segmentLength; t += 20 * time.Millisecond {
		if err := w.WriteFrame(media.Frame{Track: aliceTrack.UID, Time: t, Duration: 20 * time.Millisecond, Key: true, Data: silence}); err != nil {
			return nil, err
		}
		if t%(100*time.Millisecond) != 0 || t < m.hole {
			continue
		}
		f := media.Frame{Track: bobTrack.UID, Time: t, Key: waiting, Data: delta}
		if bobTrack.Codec.Audio() {
			f.Key, f.Data, waiting = true, silence, false
		}
		if waiting {
			f.Data = key
			keyFrames = append(keyFrames, t)
		}
		waiting = false
		if err := w.WriteFrame(f); err != nil {
			return nil, err
		}
	}
	return keyFrames, nil
}

// writeIndex writes the index of the segments since the last one.
func (m *recordingMaker) writeIndex() error {
	if len(m.index.Segments) == 0 {
		return nil
	}
	o, err := m.w.Create(archive.Index)
	if err != nil {
		return err
	}
	m.index.Recording, m.index.Start = m.w.ID(), m.start
	m.index.Tracks = []media.Track{aliceTrack, bobTrack}
	err = media.WriteIndex(o, &m.index)
	m.index = media.Index{}
	return errors.Join(err, o.Commit())
}

// crash begins one more segment and ends the process with it half written to the
// spool.
func (m *recordingMaker) crash(spool string) error {
	o, err := m.w.Create(archive.Segment)
	if err != nil {
		return err
	}
	w, err := matroska.NewWriter(o, matroska.Header{
		Recording: m.w.ID(), Segment: m.segments, Epoch: o.Epoch(), Start: m.start, Tracks: []media.Track{aliceTrack},
	})
	if err != nil {
		return err
	}
	big := make([]byte, 1<<10)
	big[0] = 0xfc
	for i := range 200 {
		t := time.Duration(m.segments)*segmentLength + time.Duration(i)*20*time.Millisecond
		if err := w.WriteFrame(media.Frame{Track: aliceTrack.UID, Time: t, Duration: 20 * time.Millisecond, Key: true, Data: big}); err != nil {
			return err
		}
	}
	// The Writer may be behind with the disk.
	part := filepath.Join(spool, m.w.ID(), filepath.FromSlash(o.Name())+".part")
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		if fi, err := os.Stat(part); err != nil {
			return err
		} else if fi.Size() == o.Size() {
			os.Exit(0)
		}
		<-look.C // for as long as whoever runs this has it run
	}
}
