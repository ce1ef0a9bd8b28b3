package transcript

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sealtape/sealtape/recorder/media"
)

// parseVTT reads WebVTT. Notes, styles, regions and settings are left out, and so is all
// markup but voices.
func parseVTT(text string) (t Transcript, err error) {
	first := true
	for block := range blocks(text) {
		if first {
			first = false
			if h := strings.TrimPrefix(block[0], "WEBVTT"); h != "" && h[0] != ' ' && h[0] != '\t' {
				return t, errors.New("WEBVTT is not the first word")
			}
			for _, line := range block[1:] {
				if lang, ok := strings.CutPrefix(line, "Language:"); ok {
					t.Language = language(lang)
				}
			}
			continue
		}
		timing := 0
		if !strings.Contains(block[0], "-->") {
			timing = 1 // after the cue's identifier
		}
		if timing >= len(block) {
			continue
		}
		from, to, ok := parseTiming(block[timing])
		if !ok {
			continue // a note, or what players leave out too
		}
		for _, part := range voices(strings.Join(block[timing+1:], "\n")) {
			if err := t.add(Cue{from, to, part.who, part.text}); err != nil {
				return t, err
			}
		}
	}
	return t, nil
}

// language returns a language tag, or "" for what is none.
func language(s string) string {
	s = strings.TrimSpace(s)
	for _, r := range s {
		if !(r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') {
			return ""
		}
	}
	if len(s) > 35 {
		return ""
	}
	return s
}

// A voice is what one speaker says in a cue.
type voice struct{ who, text string }

// voices splits the text of a cue by its <v> tags, and leaves out all others.
func voices(text string) []voice {
	out := []voice{{}}
	var b strings.Builder
	end := func(who string) {
		out[len(out)-1].text = unescape(b.String())
		b.Reset()
		out = append(out, voice{who: who})
	}
	for len(text) > 0 {
		open := strings.IndexByte(text, '<')
		if open < 0 {
			b.WriteString(text)
			break
		}
		b.WriteString(text[:open])
		tag, rest, closed := strings.Cut(text[open+1:], ">")
		if !closed {
			break
		}
		text = rest
		name, who, _ := strings.Cut(strings.ReplaceAll(tag, "\n", " "), " ")
		switch base, _, _ := strings.Cut(name, "."); base {
		case "v":
			end(unescape(strings.TrimSpace(who)))
		case "/v":
			end("")
		}
	}
	out[len(out)-1].text = unescape(b.String())
	return out
}

var unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&nbsp;", " ", "&lrm;", "", "&rlm;", "", "&amp;", "&").Replace

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace

// unmarked replaces characters that players take for markup by ones that look like them:
// FFmpeg takes an escaped bracket in a voice for the end of its tag, and SubRip has no
// way to escape anything.
var unmarked = strings.NewReplacer("<", "‹", ">", "›", "{", "❴", "}", "❵", `\`, "∖").Replace

func (t Transcript) writeVTT(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, "WEBVTT\n")
	if l := language(t.Language); l != "" {
		fmt.Fprintf(b, "Language: %s\n", l)
	}
	for _, c := range t.Cues {
		text := escape(plain(c.Text))
		if who := media.Plain(c.Who, media.MaxTitle); who != "" {
			text = fmt.Sprintf("<v %s>%s</v>", escape(unmarked(who)), text)
		}
		fmt.Fprintf(b, "\n%s --> %s\n%s\n", clock(c.From, "."), clock(c.To, "."), text)
	}
	return b.Flush()
}
