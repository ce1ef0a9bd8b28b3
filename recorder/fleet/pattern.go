package fleet

import (
	"errors"
	"unicode/utf8"
)

// maxPattern bounds a pattern, in bytes.
const maxPattern = 256

// A Pattern is that of names of rooms: * stands for any characters or none, ? for one, and
// everything else for itself. The whole name must match.
type Pattern string

// ParsePattern returns an error for what is no pattern.
func ParsePattern(s string) (Pattern, error) {
	switch {
	case s == "":
		return "", errors.New("an empty pattern matches no room")
	case len(s) > maxPattern:
		return "", errors.New("a pattern has at most 256 bytes")
	case !utf8.ValidString(s):
		return "", errors.New("a pattern is UTF-8")
	}
	return Pattern(s), nil
}

// Matches reports whether the name of a room is one of those that p stands for. It takes
// time in proportion to the length of both multiplied, at most.
func (p Pattern) Matches(room string) bool {
	pattern, name := []rune(p), []rune(room)
	i, j := 0, 0
	star, from := -1, 0 // the last star, and where what follows it was tried
	for j < len(name) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, from = i, j
			i++
		case i < len(pattern) && (pattern[i] == '?' || pattern[i] == name[j]):
			i, j = i+1, j+1
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(pattern) && pattern[i] == '*' {
		i++
	}
	return i == len(pattern)
}
