package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/internal/words"
)

// wholeColumns are never shortened: what they hold is compared, or typed again.
var wholeColumns = []string{"ID", "FOLLOWS", "WORDS", "FINGERPRINT"}

// leastCells is how far a column is shortened.
const leastCells = 10

// Table writes rows to standard output, in columns. The first row is the head. Where
// standard output is a terminal that is too narrow, the widest columns are shortened.
func (e *Env) Table(rows [][]string) error {
	return e.write(layout(rows, terminal.Columns(e.Stdout)))
}

// Facts writes rows of a name and a value to standard output, in two columns.
func (e *Env) Facts(rows [][]string) error { return e.write(layout(rows, 0)) }

// Section writes a table with an empty line before it, or nothing if it has
// only its head.
func (e *Env) Section(rows [][]string) error {
	if len(rows) < 2 {
		return nil
	}
	e.Printf("\n")
	return e.Table(rows)
}

func (e *Env) write(text string) error {
	_, err := io.WriteString(e.Stdout, text)
	return err
}

// layout returns rows in columns, two spaces apart, in lines of at most width cells, if
// it can be done without shortening what must be whole. 0 is any width.
func layout(rows [][]string, width int) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], words.Width(cell))
		}
	}
	if width > 0 {
		fit(widths, rows, width)
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			cell = words.Shorten(cell, widths[i])
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-words.Width(cell)))
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// fit makes the widest columns narrower until all of them take width cells.
func fit(widths []int, rows [][]string, width int) {
	least := make([]int, len(widths))
	for i, w := range widths {
		least[i] = min(w, leastCells)
		for n, row := range rows {
			if i < len(row) && (n == 0 && slices.Contains(wholeColumns, row[i]) || archive.ValidID(row[i]) == nil) {
				least[i] = w
			}
		}
		if len(rows) > 0 && i < len(rows[0]) {
			least[i] = max(least[i], words.Width(rows[0][i]))
		}
	}
	total := 2 * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for ; total > width; total-- {
		widest := -1
		for i, w := range widths {
			if w > least[i] && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return // a terminal this narrow breaks the lines
		}
		widths[widest]--
	}
}

// JSON writes v to standard output, indented. What a terminal would obey is escaped.
func (e *Env) JSON(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	return e.write(escaped(b.String()))
}

// escaped returns JSON that means the same, without characters that are not printable:
// they can only be in strings.
func escaped(text string) string {
	if !strings.ContainsFunc(text, invisible) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !invisible(r):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func invisible(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
