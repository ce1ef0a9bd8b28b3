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
	// Sidecars are files of which something is in Events, or which have nothing that is
	// not in a part.
	Sidecars []Sidecar
	// Events are what else is known of the meeting, such as its chat.
	Events []media.Event
}

// A Sidecar is a file that has no track of its own in the recording.
type Sidecar struct {
	Name   string
	Size   int64
	SHA256 string
	// Note says what was done with it.
	Note string
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
	// Source is what they show or carry. "" is a camera and a microphone.
	Source media.Source
	// Note is what else is to be told of the file.
	Note string

	uids []uint64
}

// named returns the tracks of the part's streams with names and UIDs. The second
// picture and the second sound of a file are those of a participant of their own: what
// belongs together in a file, nothing says. So is the first of several that have names.
func (p *Part) named(tracks []media.Track) []media.Track {
	out := make([]media.Track, len(tracks))
	pictures, sounds := 0, 0
	for i, t := range tracks {
		s := p.File.Streams[i]
		t.UID, t.Codec, t.Turned = p.uids[i], s.Codec, s.Turned
		count := &pictures
		if t.Source = media.Camera; s.Codec.Audio() {
			t.Source, count = media.Microphone, &sounds
		}
		if screen := p.Source == media.Screen || p.Source == media.ScreenAudio; screen && s.Codec.Audio() {
			t.Source = media.ScreenAudio
		} else if screen {
			t.Source = media.Screen
		}
		*count++
		t.Participant, t.Name = p.Participant, p.Name
		several := s.Title != "" && p.File.several(s.Codec.Audio())
		if *count > 1 || several {
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

// several reports whether a file has more than one sound, or more than one picture.
func (f *File) several(audio bool) bool {
	n := 0
	for _, s := range f.Streams {
		if s.Codec.Audio() == audio {
			n++
		}
	}
	return n > 1
}
