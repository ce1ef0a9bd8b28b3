package show

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
)

// Info shows it to people, with the timeline if it is short or asked for.
func Info(e *ui.Env, i *InfoJSON, timeline bool) error {
	quantum := "post-quantum"
	if !i.PostQuantum {
		quantum = "NOT post-quantum: it was sealed to classic keys too"
	}
	rows := [][]string{
		{"recording:", i.ID},
		{i.signed(), strings.Join(i.Recorder, ", ")},
	}
	if len(i.Approvers) > 0 {
		rows = append(rows, []string{"approved by:", strings.Join(i.Approvers, ", ")})
	}
	if i.RecorderCard != "" {
		rows = append(rows, []string{"recorder:", i.RecorderCard})
	}
	rows = append(rows, [][]string{
		{"state:", stateText(archive.State(i.State))},
		{"encryption:", quantum},
		{"objects:", objectsText(i)},
	}...)
	if i.Opens {
		room := ui.Clean(i.Room)
		if room == "" {
			room = "not known: its beginning is not yours to open"
		}
		started := "not known"
		if i.Start != nil {
			started = i.Start.Local().Format("2006-01-02 15:04:05 MST")
		}
		if i.Title != "" {
			rows = append(rows, []string{"title:", ui.Clean(i.Title)})
		}
		if i.Segments == 0 {
			rows = append(rows, []string{"holds:", NothingText(archive.State(i.State))})
		} else {
			rows = append(rows, []string{"room:", room}, []string{"started:", started})
		}
		if i.Duration != nil {
			rows = append(rows, []string{"length:", seconds(*i.Duration)})
		}
	}
	if !i.HolesKnown {
		why := holesUnknown
		if i.Opens {
			why = "not known: none of it can be read"
		}
		rows = append(rows, []string{"holes:", why})
	}
	if i.ResealedFrom != "" {
		rows = append(rows, []string{"resealed from:", ui.Clean(citation(i.ResealedFrom))})
	}
	if i.Imported != nil {
		rows = append(rows, i.Imported.facts()...)
	}
	if i.Follows != "" {
		by := ""
		if i.FollowsBy != "" {
			by = ", as the room's server told its recorder"
		}
		rows = append(rows, []string{"goes on with:", i.Follows + by})
	}
	if i.FollowsToo != "" {
		rows = append(rows, []string{"and with:", i.FollowsToo + ", as the room's server told its recorder"})
	}
	if i.Meeting != nil {
		rows = append(rows, i.Meeting.facts(i.ID)...)
	}
	if err := e.Facts(rows); err != nil {
		return err
	}

	rows = [][]string{{"EPOCH", "SEGMENTS", "KEYS", "OPENS FOR YOU", "READERS"}}
	for _, ep := range i.Epochs {
		kind := "post-quantum"
		switch {
		case ep.Classic && ep.Hybrid:
			kind = "post-quantum and classic"
		case ep.Classic:
			kind = "classic"
		}
		opens := "no"
		if ep.Opens {
			opens = "yes"
		}
		readers := "not known"
		if ep.Readers > 0 {
			readers = fmt.Sprintf("at most %d", ep.Readers)
		}
		rows = append(rows, []string{strconv.Itoa(ep.Number), strconv.Itoa(ep.Segments), kind, opens, readers})
	}
	if err := e.Section(rows); err != nil {
		return err
	}
	if err := Grants(e, i.Grants); err != nil {
		return err
	}
	if err := Attachments(e, i.Attachments); err != nil {
		return err
	}
	if i.Imported != nil {
		if err := e.Section(i.Imported.sources()); err != nil {
			return err
		}
	}
	if i.Opens {
		if err := Meeting(e, i); err != nil {
			return err
		}
		if err := Timeline(e, i, timeline); err != nil {
			return err
		}
	}
	rows = [][]string{{"NOT READABLE"}}
	for _, m := range i.Missing {
		rows = append(rows, []string{ui.Clean(m) + ": is not in the store"})
	}
	for _, u := range i.Unreadable {
		if u.Why != string(tape.WhyMissing) { // it is among those
			rows = append(rows, []string{ui.Clean(u.Text)})
		}
	}
	for _, l := range i.Locked {
		rows = append(rows, []string{fmt.Sprintf("epoch %d%s: it is not yours to open", l.Epoch, spanOf(l.From, l.To))})
	}
	for _, p := range i.Problems {
		rows = append(rows, []string{ui.Clean(p)})
	}
	if err := e.Section(rows); err != nil {
		return err
	}
	switch {
	case i.State == string(archive.StateOpen):
		e.Printf("\nThis recording is not complete: it goes on, or its recorder died before the end.\nThe store cannot tell which. Shown is what is there so far.\n")
	case i.Incomplete:
		e.Printf("\nThis recording is not complete.\n")
	}
	return nil
}

// Meeting shows the people, the tracks and the holes.
func Meeting(e *ui.Env, i *InfoJSON) error {
	rows := [][]string{{"PARTICIPANT", "IDENTITY", "FROM", "TO", "SPOKE", "IDENTIFIED"}}
	for _, p := range i.Participants {
		identified := p.Identified
		if p.VerifiedAs != "" {
			identified = fmt.Sprintf("%s, %s", ui.Clean(p.VerifiedAs), identified)
		}
		rows = append(rows, []string{ui.Clean(p.Name), ui.Clean(p.Identity), seconds(p.From), seconds(p.To), seconds(p.Speaking), identified})
	}
	if err := e.Section(rows); err != nil {
		return err
	}
	names := i.names()
	if i.MemberKeys {
		if err := e.Section(i.agreedRows(names)); err != nil {
			return err
		}
	}
	if len(i.Servers) > 0 {
		rows = [][]string{{"SERVER", "LATER THAN OTHERS"}}
		for _, s := range i.Servers {
			rows = append(rows, []string{ui.Clean(s.Name), fmt.Sprintf("by at most %d ms", int(math.Ceil(s.Late*1000)))})
		}
		if err := e.Section(rows); err != nil {
			return err
		}
	}
	rows = [][]string{{"TRACK", "CODEC", "FORMAT"}}
	for _, t := range i.Tracks {
		format := sizeText(t)
		codec := t.Codec
		switch {
		case t.Channels > 0:
			format = ui.Count(t.Channels, "channel")
		case codec == "":
			codec, format = "-", "nothing was kept"
		}
		if t.Plaintext {
			format += ", not encrypted in the room"
		}
		if codec == "-" && slices.ContainsFunc(i.Silent, t.isSilent) {
			continue // see below
		}
		rows = append(rows, []string{ui.Clean(names.Title(t.track())), ui.Clean(codec), format})
	}
	for _, t := range i.Silent {
		rows = append(rows, []string{ui.Clean(t.Label), "-", "nothing was sent"})
	}
	if err := e.Section(foldRows(rows, "track")); err != nil {
		return err
	}
	rows = [][]string{{"HOLE", "FROM", "TO", "REASON"}}
	for _, h := range i.Holes {
		rows = append(rows, []string{h.Label, seconds(h.From), seconds(h.To), holeText(h)})
	}
	return e.Section(foldRows(rows, "hole"))
}

// agreedRows say who agreed to be recorded, since when, by whose key, and who could open
// what was recorded, as they were told.
func (i *InfoJSON) agreedRows(names *media.Names) [][]string {
	rows := [][]string{{"AGREED", "FROM", "TO", "SIGNED BY", "TO BE OPENED BY"}}
	for _, p := range i.Participants {
		name := ui.Clean(names.Of(p.Identity, p.Name))
		if len(p.Agreed) == 0 {
			rows = append(rows, []string{name, "-", "-", "-", "nothing of theirs was opened"})
		}
		for _, a := range p.Agreed {
			readers := "not known"
			if n := len(a.Readers); n > 0 {
				readers = a.Readers[0]
				if n > 1 {
					readers += fmt.Sprintf(" and %d more", n-1)
				}
			}
			rows = append(rows, []string{name, seconds(a.From), seconds(a.To), a.By, readers})
		}
		for _, f := range p.Faults {
			rows = append(rows, []string{name, "-", "-", "-", "does not count: " + ui.Clean(f)})
		}
	}
	return foldRows(rows, "one")
}

// names returns what people are called, such that they can be told apart.
func (i *InfoJSON) names() *media.Names {
	var tracks []media.Track
	for _, t := range i.Tracks {
		tracks = append(tracks, t.track())
	}
	return media.NewNames(tracks, i.Timeline)
}

func (t trackJSON) track() media.Track {
	return media.Track{UID: t.UID, Participant: t.Participant, Name: t.Name, Source: media.Source(t.Source)}
}

// isSilent reports whether s is about the track.
func (t trackJSON) isSilent(s silentJSON) bool {
	return s.Participant == t.Participant && strings.HasSuffix(s.Label, " ("+t.Source+")")
}

// wantedTexts says of holes that people wanted what they are.
var wantedTexts = map[string]string{
	media.HolePaused:     "the recording was paused",
	media.HoleConsent:    "they had not agreed to be recorded",
	media.HoleUnverified: "it was not known yet who they are",
}

// holeText says why a hole is there. One that people wanted is nothing that is missing.
func holeText(h holeJSON) string {
	if text := wantedTexts[h.Reason]; h.Wanted && text != "" {
		return h.Reason + ": " + text
	}
	return ui.Clean(h.Reason)
}

// citation returns a cited head for people.
func citation(text string) string {
	h, ok := tape.Cited(text)
	if !ok {
		return text
	}
	return fmt.Sprintf("%s (%s, %s)", h.ID, h.State, ui.Count(int(h.Size), "object"))
}

// objectsText says how many objects there are, and how large all is.
func objectsText(i *InfoJSON) string {
	if i.Unlisted {
		return fmt.Sprintf("%d; the store does not list what it has", i.Objects)
	}
	return fmt.Sprintf("%d, %s", i.Objects, ui.Size(i.Bytes))
}
