package ingest

import (
	"fmt"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Meeting is what is imported as one recording.
type Meeting struct {
	// Recording is the recording's ID, Start when the meeting began.
	Recording string
	Start     time.Time
	// Name is what stands for the room, Title what the recording is called, "" for
	// nothing.
	Name, Title string
	// By is who imports it, for people, and At when.
	By string
	At time.Time
	// Parts are its files, at most MaxParts.
	Parts []Part
	// Events are what else is known of the meeting, such as its chat.
	Events []media.Event
}

// MaxParts is how many files one recording is made of at most.
const MaxParts = 64

// A Part is one of the files of a meeting, with what it is in it.
type Part struct {
	File *File
	// SHA256 is that of the file's bytes, in 64 lower-case digits.
	SHA256 string
	// Offset is when the file begins on the recording clock. It is not negative.
	Offset time.Duration
	// Participant and Name say whose tracks are in it.
	Participant, Name string
	// Note is what else is to be told of the file.
	Note string

	uids []uint64
}

// named returns the tracks of the part's streams with names and UIDs. The second
// picture and the second sound of a file are those of a participant of their own: what
// belongs together in a file, nothing says.
func (p *Part) named(tracks []media.Track) []media.Track {
	out := make([]media.Track, len(tracks))
	pictures, sounds := 0, 0
	for i, t := range tracks {
		s := p.File.Streams[i]
		t.UID, t.Codec = p.uids[i], s.Codec
		count := &pictures
		if t.Source = media.Camera; s.Codec.Audio() {
			t.Source, count = media.Microphone, &sounds
		}
		*count++
		t.Participant, t.Name = p.Participant, p.Name
		if *count > 1 {
			t.Participant = fmt.Sprintf("%s #%d", p.Participant, *count)
			t.Name = fmt.Sprintf("%s #%d", p.Name, *count)
			if s.Title != "" {
				t.Name = s.Title
			}
		}
		out[i] = t
	}
	return out
}
