package transcript

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sealtape/sealtape/internal/pattern"
	"github.com/sealtape/sealtape/recorder/media"
)

// parseSRT reads SubRip, and leaves out its markup.
func parseSRT(text string) (t Transcript, err error) {
	found := false
	for block := range blocks(text) {
		for len(block) > 0 && !strings.Contains(block[0], "-->") {
			block = block[1:] // the number
		}
		if len(block) == 0 {
			continue
		}
		from, to, ok := parseTiming(block[0])
		if !ok {
			continue
		}
		found = true
		if err := t.add(Cue{From: from, To: to, Text: subripMarks().ReplaceAllString(strings.Join(block[1:], "\n"), "")}); err != nil {
			return t, err
		}
	}
	if !found && strings.TrimSpace(text) != "" {
		return t, errors.New("it has no times")
	}
	return t, nil
}

// subripMarks are tags as in HTML, and overrides as in {\an8}.
var subripMarks = pattern.Of(`</?[A-Za-z][^<>\n]{0,80}>|\{\\[^{}\n]{0,80}\}`)

func (t Transcript) writeSRT(w io.Writer) error {
	b := bufio.NewWriter(w)
	for i, c := range t.Cues {
		fmt.Fprintf(b, "%d\n%s --> %s\n%s\n\n", i+1, clock(c.From, ","), clock(c.To, ","), unmarked(said(c)))
	}
	return b.Flush()
}

// said returns the text of a cue with the name before it.
func said(c Cue) string {
	text := plain(c.Text)
	if who := media.Plain(c.Who, media.MaxTitle); who != "" {
		text = who + ": " + text
	}
	return text
}
