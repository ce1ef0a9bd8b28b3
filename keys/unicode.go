package keys

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/unicode/norm"
)

//go:generate go run make_unicode.go

// The tables of names are those of Unicode 15.0.0, whatever Go version builds
// this program: package unicode changes with Go, and browsers change separately.
var (
	printables = sync.OnceValue(func() []span { return parseRanges(printableTable) })
	marks      = sync.OnceValue(func() []span { return parseRanges(markTable) })
	folds      = sync.OnceValue(func() map[rune]string { return parseFolding(foldTable) })
)

// A span is code points from first to last.
type span struct{ first, last rune }

func inSpans(s []span, r rune) bool {
	_, ok := slices.BinarySearchFunc(s, r, func(s span, r rune) int {
		switch {
		case s.last < r:
			return -1
		case s.first > r:
			return 1
		}
		return 0
	})
	return ok
}

// number36 parses a number of the tables, which this package contains.
func number36(s string) rune {
	n, err := strconv.ParseInt(s, 36, 32)
	if err != nil {
		panic("keys: internal error: a table of names: " + err.Error())
	}
	return rune(n)
}

func parseRanges(text string) (spans []span) {
	next := rune(0)
	fields := strings.Fields(text)
	for i := 0; i < len(fields); i += 2 {
		first := next + number36(fields[i])
		next = first + number36(fields[i+1])
		spans = append(spans, span{first, next - 1})
	}
	return spans
}

func parseFolding(text string) map[rune]string {
	m := make(map[rune]string)
	last := rune(0)
	for entry := range strings.FieldsSeq(text) {
		if from, to, ok := strings.Cut(entry, "="); ok {
			last += number36(from)
			for s := range strings.SplitSeq(to, ".") {
				m[last] += string(number36(s))
			}
			continue
		}
		f := strings.Split(entry, ":")
		from, count, step, add := number36(f[0]), number36(f[1]), number36(f[2]), number36(f[3])
		last += from
		for i := range count {
			if i > 0 {
				last += step
			}
			m[last] = string(last + add)
		}
	}
	return m
}

// foldName returns the form in which names are compared, so that two cards cannot
// differ by case alone: Unicode's default case folding of normal form C, in
// normal form C. PROTOCOL.md has the rule, and keys/web/card.js follows it too.
func foldName(name string) string {
	var b strings.Builder
	table := folds()
	for _, r := range norm.NFC.String(name) {
		if to, ok := table[r]; ok {
			b.WriteString(to)
		} else {
			b.WriteRune(r)
		}
	}
	return norm.NFC.String(b.String())
}

// SameName reports whether two names are equal. Case does not matter.
func SameName(a, b string) bool { return foldName(a) == foldName(b) }
