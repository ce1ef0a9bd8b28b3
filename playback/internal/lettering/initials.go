package lettering

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"github.com/sealtape/sealtape/internal/pattern"
)

var (
	between = pattern.Of(`[\s\p{Z}._\-@]+`)
	digits  = pattern.Of(`^[0-9]+$`)
)

// Initials returns up to two letters, or a letter and a number, for somebody who has
// no picture; "?" if the name has no letters. The page has the same rule.
func Initials(name string) string {
	var words []string
	for _, w := range between().Split(Tame(name), -1) {
		if strings.ContainsFunc(w, isLetter) {
			words = append(words, w)
		}
	}
	if len(words) == 0 {
		return "?"
	}
	out := first(words[0])
	if last := words[len(words)-1]; len(words) > 1 {
		if digits().MatchString(last) {
			out += last[:min(2, len(last))]
		} else {
			out += first(last)
		}
	}
	return cases.Upper(language.Und).String(out)
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// first returns the first letter of a word that has one.
func first(word string) string {
	for _, r := range word {
		if isLetter(r) {
			return string(r)
		}
	}
	return ""
}
