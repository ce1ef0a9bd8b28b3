package show

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/media"
)

// shortTimeline is how many events info shows unasked: those of a short meeting.
const shortTimeline = 20

// Timeline shows what happened, event by event; where it is much, and was not
// asked for, how much it is.
func Timeline(e *ui.Env, i *InfoJSON, all bool) error {
	if len(i.Timeline) == 0 {
		return nil
	}
	if !all && len(i.Timeline) > shortTimeline {
		e.Printf("\nThe timeline has %d events: sealtape info %s --timeline shows them.\n", len(i.Timeline), i.ID)
		return nil
	}
	labels, names := make(map[uint64]string), i.names()
	for _, t := range i.Tracks {
		labels[t.UID] = names.Title(t.track())
	}
	rows := [][]string{{"TIME", "EVENT", "WHO", "WHAT"}}
	for _, ev := range i.Timeline {
		who := labels[ev.Track]
		if who == "" && ev.Participant != "" {
			who = names.In(ev)
		}
		rows = append(rows, []string{seconds(ev.Time.Seconds()), ui.Clean(string(ev.Type)), cmp.Or(ui.Clean(who), "-"), cmp.Or(ui.Clean(what(ev)), "-")})
	}
	return e.Section(foldRows(rows, "event"))
}

// what tells of an event what its type and participant do not.
func what(ev media.Event) string {
	switch ev.Type {
	case media.EventStream:
		return streamText(ev)
	case media.EventCard:
		return "their card: " + ev.Name
	case media.EventRecorder:
		return "the recorder's card: " + ev.Name
	case media.EventState:
		return "members were told who can open what follows, and what of it"
	case media.EventNote:
		return noteText(ev)
	case media.EventDropped:
		return fmt.Sprintf("%s of the type %s, too many came at once", ui.Count(ev.Count, "event"), ev.Reason)
	}
	var parts []string
	add := func(s string) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if ev.To > ev.From {
		add("for " + ui.Length((ev.To - ev.From).Round(100*time.Millisecond)))
	}
	if ev.Type == media.EventVerified {
		add("as " + cmp.Or(ev.Name, "nobody any more"))
	}
	if ev.By != "" {
		add("by " + ev.By)
	}
	if ev.Size > 0 {
		add(ui.Size(ev.Size))
	}
	add(ev.Reason)
	switch ev.Type {
	case media.EventTrack: // its label is there already
	case media.EventKeys:
		add("index " + ev.Text)
	default:
		add(beginning(ev.Text))
	}
	return strings.Join(parts, ", ")
}

// noteText tells what a member signed, without checking it: see agreedRows.
func noteText(ev media.Event) string {
	says := func(line string) bool { return strings.Contains(ev.Text, "\n"+line+"\n") }
	switch {
	case ev.Reason == media.NoteConsent && says("answer: yes"):
		return "signed: they agree to be recorded"
	case ev.Reason == media.NoteConsent:
		return "signed: they do not agree to be recorded"
	case says("why: -"):
		return "signed: their key, for this recording"
	case says("why: paused"):
		return "signed: no key, because of a pause"
	case says("why: unverified"):
		return "signed: no key, because they have not verified the recorder"
	}
	return "signed: no key, because they have not agreed"
}

// streamText tells of what a member sent that is not kept.
func streamText(ev media.Event) string {
	parts := []string{"a text of " + ui.Size(ev.Size)}
	if ev.Text != "" {
		parts = []string{"the file " + beginning(ev.Text), ui.Size(ev.Size)}
	}
	if ev.Reason != "" {
		parts = append(parts, "topic "+ev.Reason)
	}
	return strings.Join(append(parts, "not kept"), ", ")
}

// maxShown is how many characters of what somebody wrote the table shows.
const maxShown = 500

// beginning is a text for the table: of a long one the beginning.
func beginning(s string) string {
	if r := []rune(s[:min(len(s), 4*maxShown+4)]); len(r) > maxShown {
		return fmt.Sprintf("%s… (%s; info --json has all)", string(r[:maxShown]), ui.Size(int64(len(s))))
	}
	return s
}
