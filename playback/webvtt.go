package playback

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// eventLasts is how long an event that did not last is shown.
	eventLasts = 4 * time.Second
	// maxCueText is the most characters of a message in a cue.
	maxCueText = 2000
)

// webVTT writes the transcript as WebVTT. Who spoke or wrote is the voice of a
// cue, with angle brackets as in chat: FFmpeg takes escaped ones in a voice for the
// end of its tag. A cue's identifier says what it is: chat-1, speech-2, event-3 or missing-4.
func (x *excerpt) webVTT(w io.Writer, o ExportOptions) error {
	if _, err := fmt.Fprintf(w, "WEBVTT\n\nNOTE\n%s\n", vttText(strings.Join(x.heading(o), "\n"))); err != nil {
		return err
	}
	for i, l := range x.lines(x.report()) {
		to := l.to
		text := vttText(l.text)
		switch l.kind {
		case lineChat:
			plain := media.Plain(l.text, maxCueText)
			to = l.at + min(chatShortest+time.Duration(utf8.RuneCountInString(plain))*chatEach, chatLongest)
			text = vttText(plain)
			if l.who != "" {
				text = vttText(l.who) + ": " + text
			}
		case lineSaid:
			text = vttText(media.Plain(l.text, maxCueText))
		case lineEvent:
			to = l.at + eventLasts
			text = "<i>" + text + "</i>"
		}
		if l.who != "" && l.kind != lineHole {
			text = fmt.Sprintf("<v %s>%s</v>", vttText(unmarked(l.who)), text)
		}
		at := max(0, min(l.at, x.length()-time.Millisecond))
		to = max(min(to, x.length()), at+time.Millisecond)
		if _, err := fmt.Fprintf(w, "\n%s-%d\n%s --> %s\n%s\n", l.kind, i+1, vttTime(at), vttTime(to), text); err != nil {
			return err
		}
	}
	return nil
}

// vttText escapes a text of WebVTT. What is not escaped begins no tag, reference or
// cue: "-->" cannot be in it.
var vttText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace

func vttTime(d time.Duration) string {
	ms := max(0, d.Milliseconds())
	return fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
}
