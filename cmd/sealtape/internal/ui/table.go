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

// wholeColumns are never shortened: what they hold is compared, or typed again, or says
// nothing without its end.
var wholeColumns = []string{"ID", "FOLLOWS", "WORDS", "FINGERPRINT", "STATE", "START", "SIZE", "LENGTH", "FROM", "TO"}

// indent is how far a row's further lines are indented.
const indent = 4

// leastCells is how far a column is shortened.
const leastCells = 10

// Table writes rows to standard output, in columns. The first row is the head. Where
// standard output is a terminal that is too narrow, the widest columns are shortened, and
// if that does not do, each row takes several lines.
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
// no column that must be whole is wider. 0 is any width.
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
	lines := []int{0, len(widths)} // where the columns of each line begin
	if width > 0 {
		lines = fit(widths, rows, width)
	}
	var b strings.Builder
	for _, row := range rows {
		for n := range len(lines) - 1 {
			line := strings.TrimRight(lineOf(row, widths, lines[n], lines[n+1]), " ")
			if n > 0 && line == "" {
				continue
			}
			if n > 0 {
				b.WriteString(strings.Repeat(" ", indent))
			}
			b.WriteString(line)
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// lineOf returns the columns of a row from one up to another.
func lineOf(row []string, widths []int, from, to int) string {
	var b strings.Builder
	for i := from; i < min(to, len(row)); i++ {
		if i > from {
			b.WriteString("  ")
		}
		cell := words.Shorten(row[i], widths[i])
		b.WriteString(cell)
		b.WriteString(strings.Repeat(" ", widths[i]-words.Width(cell)))
	}
	return b.String()
}

// fit divides the columns into as few lines of width cells as it can, and returns where
// those begin. In each it makes the widest columns narrower until all of them fit.
func fit(widths []int, rows [][]string, width int) (lines []int) {
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
	lines = []int{0}
	room := width
	used := 0 // with the spaces after each column
	for i, l := range least {
		if used > 0 && used+l > room {
			lines, used, room = append(lines, i), 0, width-indent
		}
		used += l + 2
	}
	lines = append(lines, len(widths))
	for n := range len(lines) - 1 {
		from, to, room := lines[n], lines[n+1], width
		if n > 0 {
			room -= indent
		}
		narrow(widths[from:to], least[from:to], room)
	}
	return lines
}

// narrow makes the widest columns narrower until all of them take width cells, or none
// can be narrower.
func narrow(widths, least []int, width int) {
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
			return // a terminal this narrow breaks the line
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
