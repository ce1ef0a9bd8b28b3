package playback

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/playback/transcript"
	"github.com/sealtape/sealtape/recorder/media"
)

// A TextFormat is the format of a file with the chat and the timeline.
type TextFormat string

const (
	TextWebVTT TextFormat = "vtt" // subtitles, for players and browsers
	TextPlain  TextFormat = "txt" // for people to read
	TextSRT    TextFormat = "srt" // subtitles with what was said, and nothing else
)

// ExportText writes the chat and the timeline of the exported part as a new file:
// who came, left, spoke, wrote and shared a screen, and what is missing. Times
// count from the beginning of the part. Names and texts of strangers are one line
// each, or in TextPlain indented lines, and do nothing except to be read. The
// report has no tracks, since no media is exported.
//
// The file appears whole or not at all, durable once ExportText returns. If path
// exists, it is left alone and the error wraps fs.ErrExist.
func ExportText(ctx context.Context, s *Session, path string, format TextFormat, o ExportOptions) (r Report, err error) {
	return inNewFile(path, func(f *os.File) (Report, error) { return StreamText(ctx, s, f, format, o) })
}

// inNewFile writes a file that appears whole or not at all.
func inNewFile(path string, write func(*os.File) (Report, error)) (r Report, err error) {
	f, err := createBeside(path, false)
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, f.discard()) }()
	if r, err = write(f.File); err != nil {
		return r, err
	}
	return r, f.commit()
}

// StreamText writes what ExportText does to w, which may be a pipe.
func StreamText(ctx context.Context, s *Session, w io.Writer, format TextFormat, o ExportOptions) (Report, error) {
	x, err := s.span(o)
	r := x.report()
	if err != nil {
		return r, err
	}
	b := bufio.NewWriterSize(w, 64<<10)
	switch format {
	case TextWebVTT:
		err = x.webVTT(b, o)
	case TextPlain:
		err = x.plainText(b, o)
	case TextSRT:
		if x.words == nil {
			return r, ErrNoWords
		}
		err = x.said().Write(b, transcript.SRT)
	default:
		err = fmt.Errorf("no format of text is called %.20q", string(format))
	}
	if err = errors.Join(err, b.Flush(), ctx.Err()); err == nil && o.Progress != nil {
		o.Progress(x.length(), x.length())
	}
	return r, err
}

// A line is something that happened, on the excerpt's clock.
type line struct {
	at, to time.Duration // to is at if it did not last
	kind   lineKind
	who    string // as they are shown; "" for nobody
	text   string // with the name, but for what they wrote
}

type lineKind string

const (
	lineChat   lineKind = "chat"
	lineSpeech lineKind = "speech"
	lineSaid   lineKind = "said"
	lineEvent  lineKind = "event"
	lineHole   lineKind = "missing"
)

// speechPause is the longest pause within what counts as one turn to speak.
const speechPause = 3 * time.Second

// lines returns what happened in the excerpt, in order of time.
func (x *excerpt) lines(r Report) []line {
	lines := slices.Concat(x.spokenLines(), x.saidLines(), x.eventLines(), x.holeLines(r))
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.at, b.at) })
	return lines
}

// spokenLines returns turns to speak, where the words are not known. A turn from before the
// excerpt, or until after it, is cut.
func (x *excerpt) spokenLines() []line {
	var lines []line
	if x.words != nil {
		return nil
	}
	open := make(map[string]int) // by participant, the index of their last turn
	for _, e := range x.events {
		from, to := max(e.From, x.from), min(e.To, x.to)
		if e.Type != media.EventSpeaking || to <= from || !x.of(e.Participant) {
			continue
		}
		from, to = from-x.from, to-x.from
		if i, ok := open[e.Participant]; ok && from-lines[i].to <= speechPause {
			lines[i].to = max(lines[i].to, to)
			continue
		}
		open[e.Participant] = len(lines)
		who := x.names.In(e)
		lines = append(lines, line{from, to, lineSpeech, who, who + " speaks"})
	}
	return lines
}

// eventLines returns what people did and wrote, and what became of the recording.
func (x *excerpt) eventLines() []line {
	var lines []line
	for _, e := range x.events {
		if e.Time < x.from || e.Time > x.to || e.Participant != "" && !x.of(e.Participant) {
			continue
		}
		l := line{at: e.Time - x.from, to: e.Time - x.from, kind: lineEvent, who: x.names.In(e)}
		if e.Type == media.EventChat {
			l.kind = lineChat
			if media.Plain(e.Text, maxChatText) != "" {
				l.text = e.Text
			}
			if e.Reason == media.TextCut {
				l.text += " …"
			}
		} else {
			l.text = happened(e, cmp.Or(l.who, "Someone"))
		}
		if l.text != "" {
			lines = append(lines, l)
		}
	}
	return lines
}

// happened says in words what an event is, or "" if the transcript does without.
func happened(e media.Event, who string) string {
	text := media.Plain(e.Text, maxChatText)
	switch e.Type {
	case media.EventStart:
		return "The recording begins"
	case media.EventImported:
		return "Imported by " + cmp.Or(media.Plain(e.Name, media.MaxTitle), "somebody") + ", not recorded in a room"
	case media.EventSource:
		name, _, _ := strings.Cut(e.Text, "\n")
		return "The file " + media.Plain(name, media.MaxTitle) + " begins"
	case media.EventStop:
		return "The recording ends"
	case media.EventPause:
		return "The recording is paused"
	case media.EventResume:
		return "The recording goes on"
	case media.EventLost:
		return "The recorder lost the room"
	case media.EventServer:
		return "What " + media.Plain(e.Name, media.MaxTitle) + " sends may be late by " + media.Plain(e.Text, media.MaxTitle)
	case media.EventReconnect:
		return "The recorder is back after " + words.Length(e.To-e.From)
	case media.EventJoin:
		return who + " joins"
	case media.EventLeave:
		return who + " leaves"
	case media.EventName:
		if text == "" {
			return ""
		}
		return text + " is now called " + who
	case media.EventVerified:
		if e.Name == "" {
			return who + " is not verified any more"
		}
		return who + " is verified as " + media.Plain(e.Name, media.MaxTitle)
	case media.EventClaimed:
		if e.Reason == media.ClaimedByMatrix {
			return who + " is " + media.Plain(e.Name, media.MaxTitle) + " in Matrix, which is not verified"
		}
		return who + " says to be " + media.Plain(e.Name, media.MaxTitle) + ", which is not verified"
	case media.EventScreen:
		return who + " shows a screen"
	case media.EventScreenEnd:
		return "The screen of " + who + " ends"
	case media.EventReaction:
		return who + " reacts: " + text
	case media.EventHand:
		if e.Reason == media.HandLowered {
			return who + " lowers the hand"
		}
		return who + " raises a hand"
	case media.EventConsent:
		switch e.Reason {
		case media.ConsentGiven:
			return who + " agrees to be recorded"
		case media.ConsentRefused:
			return who + " does not agree to be recorded"
		}
		return who + " does not agree to be recorded any more"
	case media.EventStream:
		if text != "" {
			return fmt.Sprintf("%s sends the file %s, %s, which is not kept", who, text, words.Size(e.Size))
		}
		return fmt.Sprintf("%s sends a text of %s, which is not kept", who, words.Size(e.Size))
	case media.EventDropped:
		return fmt.Sprintf("%s of the type %s came too fast and are not here, of %s", words.Count(e.Count, "event"), media.Plain(e.Reason, media.MaxTitle), who)
	}
	return ""
}

// holeLines returns what is missing, from when to when.
func (x *excerpt) holeLines(r Report) []line {
	titles, owner := make(map[uint64]string), make(map[uint64]string)
	for _, t := range x.s.Tracks() {
		titles[t.UID], owner[t.UID] = x.names.Title(t), x.names.Of(t.Participant, t.Name)
	}
	var lines []line
	add := func(from, to time.Duration, who, what, why string) {
		from = max(0, from-x.from)
		if to == 0 {
			to = x.to
		}
		to = min(max(from, to-x.from), x.length())
		lines = append(lines, line{from, to, lineHole, who, fmt.Sprintf("%s: %s", what, why)})
	}
	for _, h := range r.Holes {
		who := cmp.Or(owner[h.Track], x.names.In(h))
		add(h.From, h.To, who, cmp.Or(titles[h.Track], who, "all"), reason(h.Reason))
	}
	for _, m := range mergeMissing(r.Missing) {
		why := "cannot be read"
		if stateOf(m.Err) == Locked {
			why = "no key for this part"
		}
		add(m.From, m.To, "", "all", why)
	}
	return lines
}

// heading returns the title, when and how long it was, and what a mark in it means.
func (x *excerpt) heading(o ExportOptions) []string {
	span := "lasts " + words.Length(x.length())
	if !x.whole() {
		span = fmt.Sprintf("from %s to %s of %s; times count from there", words.Length(x.from), words.Length(x.to), words.Length(x.duration))
	}
	lines := []string{cmp.Or(x.s.title(o), "Recording"), span}
	if x.words != nil && slices.ContainsFunc(x.words.Cues, func(c transcript.Cue) bool { return strings.HasPrefix(c.Text, unencrypted) }) {
		lines = append(lines, unencrypted+"words came without end-to-end encryption: the server can have written them")
	}
	return lines
}

// plainText writes the transcript for people. Each line begins with its time, and
// no stranger can begin one: lines of a message are indented.
func (x *excerpt) plainText(w io.Writer, o ExportOptions) error {
	for _, h := range x.heading(o) {
		if _, err := fmt.Fprintln(w, h); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	const indent = "          "
	writes := "" // where the words are there, too, chat is told from them
	if x.words != nil {
		writes = " writes"
	}
	for _, l := range x.lines(x.report()) {
		text := l.text
		switch l.kind {
		case lineSaid:
			text = cmp.Or(l.who, "Someone") + ": " + strings.Join(plainLines(l.text), "\n"+indent+"  ")
		case lineChat:
			text = cmp.Or(l.who, "Someone") + writes + ": " + strings.Join(plainLines(l.text), "\n"+indent+"  ")
		case lineSpeech, lineHole:
			text = l.text
			if l.to > l.at {
				text += " (" + words.Length(l.to-l.at) + ")"
			}
		}
		if _, err := fmt.Fprintf(w, "%8s  %s\n", clockTime(l.at), text); err != nil {
			return err
		}
	}
	return nil
}

// plainLines returns the lines of a text, cleaned, without empty ones at its ends.
func plainLines(s string) []string {
	var lines []string
	for l := range strings.Lines(s) {
		lines = append(lines, media.Plain(l, media.MaxText))
	}
	for len(lines) > 1 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// clockTime formats a time as hours, minutes and seconds.
func clockTime(d time.Duration) string {
	s := int64(d / time.Second)
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
