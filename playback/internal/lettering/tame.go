package lettering

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sealtape/sealtape/internal/pattern"
)

// maxRunes is the longest text that is drawn. It is more than fits into a picture.
const maxRunes = 256

var (
	// manyMarks are accents piled up to cover what is above.
	manyMarks = pattern.Of(`(\p{M}{6})\p{M}+`)
	// controls are the control characters, and the marks that turn the direction of
	// what follows.
	controls = pattern.Of("[\x00-\x08\x0b-\x1f\x7f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]")
)

// Tame returns a text as one line without anything that could move, turn or cover
// what is around it. It is what "line" of the page is, of at most 256 runes.
func Tame(s string) string {
	if n := 16 * maxRunes; len(s) > n {
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	s = strings.ToValidUTF8(s, "\ufffd")
	s = controls().ReplaceAllString(manyMarks().ReplaceAllString(s, "$1"), "")
	runes := []rune(strings.Join(strings.FieldsFunc(s, unicode.IsSpace), " "))
	if len(runes) > maxRunes {
		runes = append(runes[:maxRunes-1], '…')
	}
	return string(runes)
}
