package show

import (
	"fmt"
	"strings"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// foldRows makes one row of equal ones, where the first of them is, which says how
// many there are of what: a table says as much as before, whatever one member floods.
// The head is as it was.
func foldRows(rows [][]string, noun string) [][]string {
	key := func(row []string) string { return strings.Join(row, "\x00") }
	counts := make(map[string]int)
	for _, row := range rows[1:] {
		counts[key(row)]++
	}
	folded := rows[:1:1]
	for _, row := range rows[1:] {
		n := counts[key(row)]
		delete(counts, key(row))
		if n > 1 {
			row = append([]string(nil), row...)
			row[len(row)-1] += fmt.Sprintf(" (%s like this)", ui.Count(n, noun))
		}
		if n > 0 {
			folded = append(folded, row)
		}
	}
	return folded
}
