package playback

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sealtape/sealtape/recorder/media"
)

// A subtitle is a line of text that is shown for a while.
type subtitle struct {
	at, lasts time.Duration
	text      string
}

const (
	// chatTrack is the name of the track with the chat.
	chatTrack = "Chat"
	// A message is shown for chatShortest and some time for each character, up to
	// chatLongest. At most chatAtOnce messages are shown at once.
	chatShortest = 3 * time.Second
	chatLongest  = 10 * time.Second
	chatEach     = 60 * time.Millisecond
	chatAtOnce   = 3
	// Longer messages are cut, in characters.
	maxChatText = 280
	// maxChat is the most messages. Later ones are left out.
	maxChat = 20_000
)

// chat returns the chat of the exported participants as subtitles, on the
// excerpt's clock, in order of time. A message is one line that begins with its
// author's name.
func (x *excerpt) chat() []subtitle {
	var lines []subtitle
	for _, e := range x.events {
		if e.Type != media.EventChat || !x.of(e.Participant) || e.Time < x.from || e.Time > x.to || len(lines) == maxChat {
			continue
		}
		text := media.Plain(e.Text, maxChatText)
		if text == "" {
			continue
		}
		if name := x.names.In(e); name != "" {
			text = name + ": " + text
		}
		text = unmarked(text)
		lasts := min(chatShortest+time.Duration(utf8.RuneCountInString(text))*chatEach, chatLongest)
		lines = append(lines, subtitle{at: e.Time - x.from, lasts: lasts, text: text})
	}
	for i := range lines {
		l := &lines[i]
		if next := i + chatAtOnce; next < len(lines) {
			l.lasts = min(l.lasts, lines[next].at-l.at)
		}
		l.lasts = max(l.lasts, time.Millisecond)
	}
	return lines
}

// unmarked replaces characters that SubRip players take for formatting, since
// SubRip has no way to escape them: angle brackets, braces and backslashes become
// characters that look like them.
var unmarked = strings.NewReplacer("<", "‹", ">", "›", "{", "❴", "}", "❵", `\`, "∖").Replace
