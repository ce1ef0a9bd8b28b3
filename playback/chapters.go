package playback

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// A player's menu of chapters is useful if it is short.
const (
	// maxChapters is the most chapters. A short meeting has fewer: one for each
	// chapterShare, but up to fewChapters.
	maxChapters  = 40
	fewChapters  = 10
	chapterShare = 3 * time.Minute
	// chapterApart is the least distance of two chapters. Of what happens closer
	// together, the most important names the chapter.
	chapterApart = 5 * time.Second
	// gathering is how long people come at the beginning and leave at the end
	// without a chapter. It is also the distance within which comings and goings
	// share one.
	gathering = time.Minute
	together  = 30 * time.Second
	// longTurn is how long a turn to speak must last for a chapter. turnPause is
	// the longest pause within a turn.
	longTurn  = 2 * time.Minute
	turnPause = 8 * time.Second
	// longBreak is the shortest pause, absence or missing segment that gets a
	// chapter.
	longBreak = 2 * time.Second
)

// A moment is a candidate for a chapter.
type moment struct {
	at    time.Duration // on the recording's clock
	rank  int           // lower is more important
	title string
}

const (
	rankBreak  = iota // nothing to see: paused, recorder away, unreadable
	rankScreen        // a shared screen begins or ends
	rankPeople        // somebody joins or leaves
	rankTurn          // somebody speaks for long
)

// chapters returns the excerpt's chapters, on its clock: its beginning, shared
// screens, breaks, comings and goings within the meeting, and long turns to
// speak.
func (x *excerpt) chapters() []matroska.Chapter {
	moments := slices.Concat(x.breaks(), x.screens(), x.people(), x.turns())
	slices.SortStableFunc(moments, func(a, b moment) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.at, b.at))
	})
	most := min(max(int(x.length()/chapterShare), fewChapters), maxChapters)
	chosen := []moment{{at: x.from, title: "Start"}}
	for _, m := range moments {
		near := func(c moment) bool { return max(c.at-m.at, m.at-c.at) < chapterApart }
		if m.at > x.from && m.at < x.to && len(chosen) < most && !slices.ContainsFunc(chosen, near) {
			chosen = append(chosen, m)
		}
	}
	slices.SortFunc(chosen, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	var chapters []matroska.Chapter
	for _, m := range chosen {
		chapters = append(chapters, matroska.Chapter{Start: m.at - x.from, Title: m.title})
	}
	return chapters
}

// breaks returns the times of which nothing is recorded, for anyone.
func (x *excerpt) breaks() []moment {
	var moments []moment
	span := func(from, to time.Duration, title, after string) {
		if to-from >= longBreak {
			moments = append(moments, moment{from, rankBreak, title}, moment{to, rankBreak, after})
		}
	}
	var paused time.Duration = -1
	for _, e := range x.events {
		switch e.Type {
		case media.EventPause:
			paused = e.Time
		case media.EventResume:
			if paused >= 0 {
				span(paused, e.Time, "Recording paused", "Recording goes on")
			}
			paused = -1
		case media.EventReconnect:
			span(e.From, e.To, "Recorder away", "Recorder back")
		}
	}
	for _, seg := range mergeMissing(x.missing) {
		to := seg.To
		if to == 0 {
			to = x.to
		}
		title := "Cannot be read"
		if stateOf(seg.Err) == Locked {
			title = "No key for this part"
		}
		span(seg.From, to, title, "Can be read again")
	}
	return moments
}

// mergeMissing merges spans that touch into one, with the error of the first.
func mergeMissing(missing []SegmentError) []SegmentError {
	missing = slices.Clone(missing)
	slices.SortStableFunc(missing, func(a, b SegmentError) int { return cmp.Compare(a.From, b.From) })
	var merged []SegmentError
	for _, m := range missing {
		if n := len(merged); n > 0 {
			last := &merged[n-1]
			if last.To == 0 {
				continue
			}
			if m.From <= last.To && stateOf(m.Err) == stateOf(last.Err) {
				if m.To == 0 || m.To > last.To {
					last.To = m.To
				}
				continue
			}
		}
		merged = append(merged, m)
	}
	return merged
}

// screens returns the times when somebody begins or ends to share a screen.
func (x *excerpt) screens() []moment {
	var moments []moment
	showing := make(map[uint64]bool)
	for _, e := range x.events {
		if !x.of(e.Participant) {
			continue
		}
		switch {
		case e.Type == media.EventScreen && !showing[e.Track]:
			showing[e.Track] = true
			moments = append(moments, moment{e.Time, rankScreen, x.title(e) + " shows a screen"})
		case e.Type == media.EventScreenEnd && showing[e.Track]:
			delete(showing, e.Track)
			moments = append(moments, moment{e.Time, rankScreen, "Screen of " + x.title(e) + " ends"})
		}
	}
	return moments
}

// title returns the name of the person an event is about, for a title.
func (x *excerpt) title(e media.Event) string {
	return cmp.Or(x.names.In(e), "Someone")
}

// people returns the comings and goings within the meeting. An absence of less
// than a minute does not count.
func (x *excerpt) people() []moment {
	type change struct {
		at     time.Duration
		join   bool
		undone bool // they came back soon
		name   string
	}
	var changes []change
	latest := make(map[string]int) // by participant, the index of their last change
	var last time.Duration
	for _, e := range x.events {
		last = max(last, e.Time)
		join := e.Type == media.EventJoin
		if !join && e.Type != media.EventLeave || !x.of(e.Participant) {
			continue
		}
		if i, ok := latest[e.Participant]; ok && join && !changes[i].join && e.Time-changes[i].at < gathering {
			changes[i].undone = true
			delete(latest, e.Participant)
			continue
		}
		latest[e.Participant] = len(changes)
		changes = append(changes, change{at: e.Time, join: join, name: x.title(e)})
	}
	changes = slices.DeleteFunc(changes, func(c change) bool { return c.undone })
	var moments []moment
	for i := 0; i < len(changes); {
		first := changes[i]
		names := []string{first.name}
		for i++; i < len(changes) && changes[i].join == first.join && changes[i].at-first.at < together; i++ {
			names = append(names, changes[i].name)
		}
		if first.join && first.at < gathering || !first.join && first.at > last-gathering {
			continue
		}
		verb := "joins"
		if !first.join {
			verb = "leaves"
		}
		moments = append(moments, moment{first.at, rankPeople, everyone(names, verb)})
	}
	return moments
}

// everyone joins names and verb: "Ada joins", "Ada and 2 others join".
func everyone(names []string, verb string) string {
	plural := verb[:len(verb)-1]
	switch len(names) {
	case 1:
		return names[0] + " " + verb
	case 2:
		return names[0] + " and " + names[1] + " " + plural
	}
	return fmt.Sprintf("%s and %d others %s", names[0], len(names)-1, plural)
}

// turns returns when long turns to speak begin.
func (x *excerpt) turns() []moment {
	type turn struct {
		from, to time.Duration
		event    media.Event
	}
	var turns []turn
	open := make(map[string]int) // by participant, the index of their last turn
	for _, e := range x.events {
		if e.Type != media.EventSpeaking || e.To <= e.From || !x.of(e.Participant) {
			continue
		}
		if i, ok := open[e.Participant]; ok && e.From-turns[i].to <= turnPause {
			turns[i].to = max(turns[i].to, e.To)
			continue
		}
		open[e.Participant] = len(turns)
		turns = append(turns, turn{e.From, e.To, e})
	}
	var moments []moment
	for _, t := range turns {
		if t.to-t.from >= longTurn {
			moments = append(moments, moment{t.from, rankTurn, x.title(t.event) + " speaks"})
		}
	}
	return moments
}
