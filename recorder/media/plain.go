package media

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxTitle bounds a name in a title, in characters.
const MaxTitle = 80

// Title returns the Label for places where a name must do nothing except to be
// read, such as a player's menu: see Plain.
func (t Track) Title() string {
	name := cmp.Or(Plain(t.Name, MaxTitle), Plain(t.Participant, MaxTitle))
	return strings.TrimSpace(name + " (" + Plain(string(t.Source), MaxTitle) + ")")
}

// Plain makes a stranger's name or text one line of at most n characters that
// does nothing except to be read, in a menu or a subtitle. It has no line breaks,
// no control or bidirectional characters, and no invisible ones except those that
// join scripts and emoji. A text that was cut ends with an ellipsis.
func Plain(s string, n int) string {
	var b strings.Builder
	length, space := 0, false
	for _, r := range Clamp(s, 8*n+64) {
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
