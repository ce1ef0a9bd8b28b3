package ui

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/sealtape/sealtape/internal/words"
)

func TestLayout(t *testing.T) {
	const id = "F2JE7ZY04P971PR0YHVBFNECP0"
	rows := [][]string{
		{"ID", "STATE", "ROOM"},
		{id, "closed, incomplete", "陈👩\u200d👩\u200d👧 a room with a long name"},
		{id, "open", "-"},
	}
	for _, tt := range []struct {
		width int
		want  string
	}{
		{0, `ID                          STATE               ROOM
F2JE7ZY04P971PR0YHVBFNECP0  closed, incomplete  陈👩‍👩‍👧 a room with a long name
F2JE7ZY04P971PR0YHVBFNECP0  open                -
`},
		{66, `ID                          STATE               ROOM
F2JE7ZY04P971PR0YHVBFNECP0  closed, incomplete  陈👩‍👩‍👧 a room with…
F2JE7ZY04P971PR0YHVBFNECP0  open                -
`},
		{50, `ID                          STATE
    ROOM
F2JE7ZY04P971PR0YHVBFNECP0  closed, incomplete
    陈👩‍👩‍👧 a room with a long name
F2JE7ZY04P971PR0YHVBFNECP0  open
    -
`},
		{28, `ID
    STATE
    ROOM
F2JE7ZY04P971PR0YHVBFNECP0
    closed, incomplete
    陈👩‍👩‍👧 a room with a long…
F2JE7ZY04P971PR0YHVBFNECP0
    open
    -
`},
	} {
		got := layout(rows, tt.width)
		if got != tt.want {
			t.Errorf("in %d cells:\n%swant\n%s", tt.width, got, tt.want)
		}
		for line := range strings.Lines(got) {
			if w := words.Width(strings.TrimSuffix(line, "\n")); tt.width > 0 && w > tt.width {
				t.Errorf("%d cells in %d: %s", w, tt.width, line)
			}
		}
	}
	// What is compared, or typed again, stays whole, however narrow it is.
	if got := layout([][]string{{"NAME", "WORDS"}, {"Ada Lovelace", "one-two-three-four-five-six"}, {"by " + id, id}}, 20); strings.Count(got, id) != 1 ||
		!strings.Contains(got, "one-two-three-four-five-six") || !strings.Contains(got, "by F2JE7ZY04P971PR0…\n") {
		t.Errorf("in 20 cells:\n%s", got)
	}
	if got := layout(nil, 80) + layout([][]string{{"a", ""}, {"b"}}, 80); got != "a\nb\n" {
		t.Errorf("%q", got)
	}
}

// JSON does nothing to the terminal that shows it, and means the same.
func TestJSONEscapes(t *testing.T) {
	const hostile = "a\u202eb\u009b2J\x1b\u200d\U000e0041\x7f\n<陈>"
	var out bytes.Buffer
	e := &Env{Stdout: &out}
	if err := e.JSON([]string{hostile, "plain"}); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(out.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("%q", out.String()[i:])
	}
	var got []string
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || len(got) != 2 || got[0] != hostile || !strings.Contains(out.String(), "<陈>") {
		t.Errorf("%q, %v of %s", got, err, out.String())
	}
}
