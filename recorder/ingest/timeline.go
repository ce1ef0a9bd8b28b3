package ingest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// timeline returns the events that are known before anything is read, in order of time.
func (m *Meeting) timeline(tracks []media.Track) []media.Event {
	events := []media.Event{{Type: media.EventStart, Text: m.Name, Reason: media.StartImported}}
	if m.Title != "" {
		events = append(events, media.Event{Type: media.EventTitle, Text: m.Title})
	}
	events = append(events, media.Event{Type: media.EventImported, Name: media.Clamp(m.By, media.MaxName), Text: m.At.UTC().Format(time.RFC3339)})
	for _, p := range m.Parts {
		events = append(events, media.Event{Type: media.EventSource, Time: p.Offset, Participant: p.Participant, Name: p.Name,
			Text: p.told(), Reason: p.SHA256, Size: p.File.Size})
	}
	for _, p := range m.Sidecars {
		events = append(events, media.Event{Type: media.EventSource, Text: cleanName(p.Name) + "\n" + p.Note, Reason: p.SHA256, Size: p.Size})
	}
	joined := make(map[string]bool)
	n := 0
	for _, p := range m.Parts {
		for i := range p.File.Streams {
			t := tracks[n]
			n++
			if !joined[t.Participant] {
				joined[t.Participant] = true
				events = append(events, media.Event{Type: media.EventJoin, Time: p.Offset, Participant: t.Participant, Name: t.Name})
			}
			if t.Codec == "" || t.Check() != nil {
				continue
			}
			e := media.Event{Type: media.EventTrack, Time: p.Offset, Participant: t.Participant, Name: t.Name, Track: t.UID, Text: t.Label()}
			if !p.File.Streams[i].Copied() {
				e.Reason = media.TrackEncoded
			}
			events = append(events, e)
		}
	}
	events = append(events, m.Events...)
	slices.SortStableFunc(events, func(a, b media.Event) int { return cmp.Compare(a.Time, b.Time) })
	return events
}

// told returns what is told of a file: its name in the first line, and below it what was
// done with it.
func (p *Part) told() string {
	lines := []string{cleanName(p.File.Name)}
	if p.Note != "" {
		lines = append(lines, p.Note)
	}
	for _, s := range p.File.Streams {
		if !s.Copied() {
			lines = append(lines, "sound encoded from "+media.Plain(s.Name, 20)+" to opus")
		}
	}
	for _, out := range p.File.LeftOut {
		lines = append(lines, "left out: "+out)
	}
	return strings.Join(lines, "\n")
}

// cleanName is a file's name in one line.
func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, name)
	return media.Clamp(name, 1024)
}

// ends returns the events with which tracks and people end.
func (m *Meeting) ends(tracks []media.Track, last map[int]time.Duration, end time.Duration) (events []media.Event) {
	left := make(map[string]time.Duration)
	for i, t := range tracks {
		at, ok := last[i]
		left[t.Participant] = max(left[t.Participant], at)
		if ok {
			events = append(events, media.Event{Type: media.EventTrackEnd, Time: at, Participant: t.Participant, Track: t.UID, Text: t.Label()})
		}
	}
	for _, t := range tracks {
		if at, ok := left[t.Participant]; ok {
			delete(left, t.Participant)
			events = append(events, media.Event{Type: media.EventLeave, Time: at, Participant: t.Participant, Name: t.Name})
		}
	}
	return append(events, media.Event{Type: media.EventStop, Time: end, Reason: "end of the files"})
}
