package matrixroom

import (
	"fmt"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// translate makes an event of a LiveKit room one of the call, and reports whether it is one:
// who is there, and what they are called, the homeserver says.
func (s *server) translate(e *recorder.RoomEvent) bool {
	switch e.Type {
	case media.EventJoin, media.EventLeave, media.EventName, media.EventMetadata:
		return false
	case media.EventLost, media.EventReconnect:
		e.Server = s.name
		s.mu.Lock()
		s.lost = time.Time{}
		if e.Type == media.EventLost {
			s.lost = e.At // unless it finds the way back, serve does
		}
		s.mu.Unlock()
		return true
	case media.EventSpeaking:
		e.Speakers = s.speak(e.Speakers)
		return true
	}
	if e.Participant == "" {
		return true // what was missed of several
	}
	identity, name, ok := s.publisher(e.Participant)
	if !ok {
		return false
	}
	e.Participant = identity
	if e.Name != "" {
		e.Name = name
	}
	if e.By != "" {
		if e.By, _, ok = s.publisher(e.By); !ok {
			return false
		}
	}
	if e.TrackID != "" {
		e.TrackID = s.trackID(e.TrackID)
	}
	if e.Track != nil {
		e.Track = s.newTrack(e.Track, identity, name)
	}
	return true
}

// trackID returns the ID that a track has in the call: servers do not know of one another's.
func (s *server) trackID(id string) string { return fmt.Sprintf("%d/%s", s.number, id) }

// speak notes who speaks at this server, and returns who does at all.
func (s *server) speak(aliases []string) (speakers []string) {
	var here []string
	for _, alias := range aliases {
		if identity, _, ok := s.publisher(alias); ok {
			here = append(here, identity)
		}
	}
	s.mu.Lock()
	s.speakers = here
	s.mu.Unlock()
	_, connected := s.r.open()
	for _, other := range connected {
		other.mu.Lock()
		speakers = append(speakers, other.speakers...)
		other.mu.Unlock()
	}
	slices.Sort(speakers)
	return slices.Compact(speakers)
}

// place makes what a LiveKit room says of a track what the call says. It reports false if
// it is nobody's.
func (s *server) place(info *recorder.TrackInfo) bool {
	identity, name, ok := s.publisher(info.Participant)
	if !ok {
		return false
	}
	info.ID, info.Participant, info.Name, info.Server = s.trackID(info.ID), identity, name, s.name
	return true
}

// A track is one of a LiveKit room, as the call has it.
type track struct {
	recorder.Track
	info recorder.TrackInfo
}

// A livekitTrack is what the tracks of LiveKit's rooms can do besides.
type livekitTrack interface {
	recorder.Ender
	recorder.Postponer
	recorder.Sized
}

// A fullTrack is a track that can do that, too.
type fullTrack struct {
	livekitTrack
	info recorder.TrackInfo
}

// newTrack returns a track that knows whose it is.
func (s *server) newTrack(t recorder.Track, identity, name string) recorder.Track {
	info := t.Info()
	info.ID, info.Participant, info.Name, info.Server = s.trackID(info.ID), identity, name, s.name
	if full, ok := t.(livekitTrack); ok {
		return fullTrack{full, info}
	}
	return track{t, info}
}

// Info implements recorder.Track.
func (t track) Info() recorder.TrackInfo { return t.info }

// Info implements recorder.Track.
func (t fullTrack) Info() recorder.TrackInfo { return t.info }
