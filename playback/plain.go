package playback

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sealtape/sealtape/recorder/media"
)

// plain makes a name or a text of a stranger one line of at most n characters
// that says what it said and does nothing else, in a menu or a subtitle: no line
// breaks, no control or bidirectional characters, no invisible ones but those
// that scripts and emoji are joined by. What is cut ends with an ellipsis.
func plain(s string, n int) string {
	var b strings.Builder
	length, space := 0, false
	for _, r := range media.Clamp(s, 8*n+64) {
		switch {
		case unicode.IsSpace(r):
			space = true
			continue
		case r == '\u200c' || r == '\u200d': // joiners
		case !unicode.IsGraphic(r):
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
			length++
		}
		space = false
		b.WriteRune(r)
		length++
		if length > n {
			break
		}
	}
	s = b.String()
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := []rune(s)
	return strings.TrimRight(string(runes[:n-1]), " ") + "…"
}

// unmarked takes from a line what players of SubRip take for formatting, which
// they do not let anyone escape: angle brackets, braces and backslashes become
// characters that look like them.
var unmarked = strings.NewReplacer("<", "‹", ">", "›", "{", "❴", "}", "❵", `\`, "∖").Replace
