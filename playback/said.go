package playback

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sealtape/sealtape/playback/transcript"
	"github.com/sealtape/sealtape/recorder/media"
)

// ErrNoWords: nobody wrote down what was said.
var ErrNoWords = errors.New("nobody wrote down what was said")

const (
	// wordsTrack is the name of the track with what was said.
	wordsTrack = "Words"
	// wordsShortest is the least time that words are shown.
	wordsShortest = 1200 * time.Millisecond
	// unencrypted begins words that came without encryption into a room with it, which says
	// more of them than who is named as their speaker; headings say what it means.
	unencrypted = "[unencrypted] "
)

// Said returns what was said, as agents in the room wrote it down. Words that are no final
// version end with an ellipsis. Those that came unencrypted into an encrypted room, so that
// the server can have written them, begin with "[unencrypted]". Nil means that there are none.
func (s *Session) Said() *transcript.Transcript { return Said(s.Events(), s.Names()) }

// Said returns what the events say that was said, under names that tell people apart, as
// Session.Said does.
func Said(events []media.Event, names *media.Names) *transcript.Transcript {
	var t transcript.Transcript
	for _, e := range events {
		if e.Type != media.EventTranscription || len(t.Cues) == transcript.MaxCues {
			continue
		}
		text := e.Text
		if strings.Contains(e.Reason, media.TranscriptionInterim) || e.Size > 0 {
			text += " …"
		}
		if slices.Contains(strings.Fields(e.Reason), media.TranscriptionPlaintext) {
			text = unencrypted + text
		}
		if media.Plain(e.Text, maxCueText) != "" {
			t.Cues = append(t.Cues, transcript.Cue{From: e.From, To: e.To, Who: names.In(e), Text: text})
		}
	}
	if len(t.Cues) == 0 {
		return nil
	}
	slices.SortStableFunc(t.Cues, func(a, b transcript.Cue) int { return cmp.Compare(a.From, b.From) })
	return &t
}

// said returns what was said in the excerpt, on its clock, by the exported participants.
// Of an attached transcript only the names are known.
func (x *excerpt) said() transcript.Transcript {
	t := x.words.Between(x.from, x.to)
	if x.chosen == nil {
		return t
	}
	ours := make(map[string]bool)
	for identity := range x.chosen {
		ours[x.names.Of(identity, "")] = true
	}
	for _, track := range x.s.Tracks() {
		if x.chosen[track.Participant] {
			ours[x.names.Of(track.Participant, track.Name)] = true
		}
	}
	t.Cues = slices.DeleteFunc(t.Cues, func(c transcript.Cue) bool { return !ours[c.Who] })
	return t
}

func (x *excerpt) saidLines() (lines []line) {
	if x.words == nil {
		return nil
	}
	for _, c := range x.said().Cues {
		lines = append(lines, line{c.From, c.To, lineSaid, c.Who, c.Text})
	}
	return lines
}

// A textTrack is a track of subtitles.
type textTrack struct {
	name  string
	lines []subtitle
}

// texts returns the tracks of subtitles that have lines.
func (x *excerpt) texts() (tracks []textTrack) {
	if chat := x.chat(); len(chat) > 0 {
		tracks = append(tracks, textTrack{chatTrack, chat})
	}
	if words := x.wordsSubtitles(); len(words) > 0 {
		tracks = append(tracks, textTrack{wordsTrack, words})
	}
	return tracks
}

// wordsSubtitles returns what was said as subtitles, each with the speaker's name. At most
// two are shown at once.
func (x *excerpt) wordsSubtitles() (lines []subtitle) {
	if x.words == nil {
		return nil
	}
	for _, c := range x.said().Cues {
		text := media.Plain(c.Text, maxCueText)
		if text == "" || c.From >= x.length() {
			continue
		}
		if c.Who != "" {
			text = c.Who + ": " + text
		}
		text = unmarked(text)
		// Time to read it, whatever its end.
		lasts := max(c.To-c.From, wordsShortest, min(time.Duration(utf8.RuneCountInString(text))*chatEach, chatLongest))
		lines = append(lines, subtitle{at: c.From, lasts: lasts, text: text})
	}
	for i := range lines {
		l := &lines[i]
		if next := i + 2; next < len(lines) {
			l.lasts = min(l.lasts, lines[next].at-l.at)
		}
		l.lasts = max(l.lasts, time.Millisecond)
	}
	return lines
}

// A subtitleAt is one of a track.
type subtitleAt struct {
	subtitle
	track int
}

// merge returns the subtitles of all tracks in order of time.
func merge(tracks []textTrack) (all []subtitleAt) {
	for i, t := range tracks {
		for _, l := range t.lines {
			all = append(all, subtitleAt{l, i})
		}
	}
	slices.SortStableFunc(all, func(a, b subtitleAt) int { return cmp.Compare(a.at, b.at) })
	return all
}
