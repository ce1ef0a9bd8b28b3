package words

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Width returns how many cells of a terminal s takes, which is clean.
func Width(s string) int { return uniseg.StringWidth(s) }

// Shorten returns s in at most width cells of a terminal. What was cut ends with an
// ellipsis, and no character is cut apart.
func Shorten(s string, width int) string {
	if Width(s) <= width {
		return s
	}
	end, used, state, rest := 0, 0, -1, s
	for rest != "" {
		cluster, after, cells, next := uniseg.FirstGraphemeClusterInString(rest, state)
		if used+cells > width-1 {
			break
		}
		end, used, state, rest = end+len(cluster), used+cells, next, after
	}
	return strings.TrimRight(s[:end], " ") + "…"
}
