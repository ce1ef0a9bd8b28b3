package sidecar

import (
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// Place puts what was said on the clock of a recording that began at a time and lasts so
// long. Lines from before it go to its beginning, later ones to its end; outside is how
// many of them there are.
//
// Whether the times without a date count from the beginning or are times of day, the forms
// do not tell: Zoom's chat.txt counts, and meeting_saved_chat.txt does not. They are times
// of day if most of them then fall into the recording, and else count.
func (p *Script) Place(start time.Time, length time.Duration) (placed []Said, outside int) {
	begun := since1970(start)
	if !p.Dated {
		midnight := time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, time.UTC)
		begun -= time.Duration(midnight.Unix()) * time.Second
		if p.Relative || !p.mostly(begun, length) && p.mostly(0, length) {
			begun = 0
		} else if !p.mostly(begun, length) && p.mostly(begun-24*time.Hour, length) {
			begun -= 24 * time.Hour // it began after midnight, as the chat did not
		}
	}
	for _, s := range p.Lines {
		at := s.At - begun
		if at < 0 || at > length {
			outside++
		}
		s.At = min(max(at, 0), length)
		placed = append(placed, s)
	}
	return placed, outside
}

// mostly reports whether most lines are within the recording, if it began at begun.
func (p *Script) mostly(begun, length time.Duration) bool {
	n := 0
	for _, s := range p.Lines {
		if at := s.At - begun; at >= -slack && at <= length+slack {
			n++
		}
	}
	return 2*n > len(p.Lines)
}

// since1970 returns the time that clocks on the wall show, as if they were those of UTC.
func since1970(t time.Time) time.Duration {
	_, offset := t.Zone()
	return time.Duration(t.Unix()+int64(offset))*time.Second + time.Duration(t.Nanosecond())
}

const (
	// A caption whose end is not known is there until the next, and at most so long.
	captionLongest  = 6 * time.Second
	captionShortest = time.Second
)

// Chat returns messages as events of a timeline. Identities are those of people, by name.
func Chat(lines []Said, identity func(name string) string) (events []media.Event) {
	for _, s := range lines {
		text := s.Text
		if s.To != "" {
			text = "(to " + s.To + " only) " + text
		}
		events = append(events, media.Event{Type: media.EventChat, Time: s.At, Participant: media.Clamp(identity(s.Who), media.MaxIdentity), Name: s.Who,
			Text: media.Clamp(text, media.MaxText), Reason: media.TextImported})
	}
	return events
}

// Captions returns captions as events of a timeline. by is the file that has them.
func Captions(lines []Said, by string, length time.Duration, identity func(name string) string) (events []media.Event) {
	for i, s := range lines {
		until := s.Until
		if until <= s.At {
			until = s.At + captionLongest
			if i+1 < len(lines) && lines[i+1].At > s.At {
				until = min(until, lines[i+1].At)
			}
			until = max(until, s.At+captionShortest)
		}
		e := media.Event{Type: media.EventTranscription, Time: s.At, From: s.At, To: min(until, max(length, s.At)), By: media.Clamp(by, media.MaxIdentity),
			Text: media.Clamp(s.Text, media.MaxSaid), Reason: media.TextImported}
		if s.Who != "" {
			e.Participant, e.Name = media.Clamp(identity(s.Who), media.MaxIdentity), s.Who
		}
		if len(e.Text) < len(s.Text) {
			e.Size = int64(len(s.Text))
		}
		events = append(events, e)
	}
	return events
}
