package playback

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/sealtape/sealtape/recorder/media"
)

// maxStem bounds a participant's part of a file name in bytes.
const maxStem = 80

// A namer makes a file name for each track, each name once. Names differ in more
// than case, for file systems that ignore case.
type namer map[string]bool

// name returns NAME-SOURCE.ext, numbered from the second of that name on.
func (n namer) name(who string, source media.Source, ext string) string {
	stem := cleanName(who) + "-" + cleanName(string(source))
	name := stem + ext
	for i := 2; n[strings.ToLower(name)]; i++ {
		name = fmt.Sprintf("%s-%d%s", stem, i, ext)
	}
	n[strings.ToLower(name)] = true
	return name
}

// cleanName makes a participant's name safe as part of a file name on every
// system, and harmless in a terminal. It has no separators, dots, quotes or signs
// that shells and Windows interpret, no control or bidirectional characters, no
// spaces or dashes at its ends, and 80 bytes at most.
func cleanName(s string) string {
	var b strings.Builder
	for _, r := range media.Clamp(s, 4*maxStem) {
		switch {
		case r == unicode.ReplacementChar || !unicode.IsGraphic(r):
			// Control, format (bidirectional and invisible), private, unassigned.
			r = '_'
		case unicode.IsSpace(r):
			r = ' '
		case strings.ContainsRune("./\\:*?\"'`<>|$&;#%!~{}[]^=", r):
			r = '_'
		}
		if r != '_' && r != ' ' || b.Len() > 0 && !strings.HasSuffix(b.String(), string(r)) {
			b.WriteRune(r)
		}
	}
	name := strings.Trim(media.Clamp(b.String(), maxStem), " -_")
	if name == "" {
		return "unnamed"
	}
	return name
}
