package words

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

const (
	zwnj = '\u200c' // keeps two letters apart that would join
	zwj  = '\u200d' // joins two letters, or two emoji
	flag = '\U0001f3f4'
	// Tags follow a flag, and say whose it is.
	firstTag, lastTag, endTag = '\U000e0030', '\U000e007a', '\U000e007f'
	maxTags                   = 6
)

// Clean makes s safe to show on a terminal: a stranger may have written it. It
// writes an escape for what is not printable, and a space for a newline. Joiners
// stay where a script or an emoji needs them, and are escaped elsewhere, where
// nobody sees them.
func Clean(s string) string {
	var b strings.Builder
	t := foreign{runes: []rune(s)}
	for i, r := range t.runes {
		switch {
		case unicode.IsPrint(r), t.joins(i), t.tags(i):
			b.WriteRune(r)
		case r == '\n':
			b.WriteByte(' ')
		default:
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
	}
	return b.String()
}

// Quote returns s between quotation marks, as Clean makes it.
func Quote(s string) string { return `"` + strings.ReplaceAll(Clean(s), `"`, `\"`) + `"` }

// A foreign text is one that a stranger may have written.
type foreign struct {
	runes  []rune
	joined []bool // with the next one, into one character; made when it is needed
}

// joins reports whether rune i is a joiner that does something there.
func (t *foreign) joins(i int) bool {
	r := t.runes[i]
	if r != zwj && r != zwnj || i == 0 || i == len(t.runes)-1 {
		return false
	}
	before, after := t.runes[i-1], t.runes[i+1]
	for _, script := range joining {
		if unicode.Is(script, before) && unicode.Is(script, after) {
			return true
		}
	}
	// Of what stands behind a joiner, only marks and emoji are in one character with it.
	return r == zwj && !unicode.IsMark(after) && unicode.IsPrint(after) && t.oneCharacter(i)
}

// tags reports whether rune i is one of the tags of a flag, which are all there.
func (t *foreign) tags(i int) bool {
	if r := t.runes[i]; (r < firstTag || r > lastTag) && r != endTag {
		return false
	}
	from := i
	for from > 0 && t.runes[from] != flag && i-from <= maxTags {
		from--
	}
	n := 0
	for _, r := range t.runes[from+1:] {
		if r < firstTag || r > lastTag {
			return t.runes[from] == flag && r == endTag && n > 0 && n <= maxTags && from+1+n >= i
		}
		n++
	}
	return false
}

// oneCharacter reports whether runes i and i+1 are of one character to a reader.
func (t *foreign) oneCharacter(i int) bool {
	if t.joined == nil {
		t.joined = make([]bool, 0, len(t.runes))
		rest, state := string(t.runes), -1
		for rest != "" {
			var cluster string
			cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
			n := len([]rune(cluster))
			for j := range n {
				t.joined = append(t.joined, j < n-1)
			}
		}
	}
	return t.joined[i]
}

// joining are the scripts in which a joiner between two letters is a part of
// spelling.
var joining = []*unicode.RangeTable{
	unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Nko, unicode.Mandaic, unicode.Adlam,
	unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil,
	unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Khmer, unicode.Myanmar,
	unicode.Tibetan, unicode.Balinese, unicode.Javanese,
}
