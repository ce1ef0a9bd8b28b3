package ui

import (
	"errors"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/keys"
)

// Unlike adds to err, which refuses word, what of known was probably meant.
func Unlike(err error, word string, known []string) error {
	meant := Nearest(word, known)
	if meant == "" {
		return err
	}
	hints := []Hint{{Why: "did you mean " + Clean(meant) + "?"}}
	var given *HintError
	if errors.As(err, &given) {
		hints = append(hints, given.hints...)
	}
	return WithHints(err, hints...)
}

// UnlikeCard adds to err, if it says that no card is pinned under name, whose card was
// probably meant.
func UnlikeCard(err error, name string, home *keys.Home) error {
	if !errors.Is(err, keys.ErrNoMember) {
		return err
	}
	pins, perr := home.Pins()
	if perr != nil {
		return err // without a guess
	}
	var names []string
	for _, p := range pins {
		if !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	if _, hints := Explain(err); len(hints) > 0 {
		err = WithHints(err, hints...)
	}
	return Unlike(err, name, names)
}

// Nearest returns the one of known that is most like word, "" if none is: one with so few
// letters to change that they are slips, or the only one that begins so, or that it begins
// with.
func Nearest(word string, known []string) string {
	best, least := "", 1+min(2, (len(word)+1)/3)
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	if best != "" || len(word) < 2 || len(word) > maxWord {
		return best
	}
	for _, k := range known {
		l := strings.ToLower(k)
		if w := strings.ToLower(word); !strings.HasPrefix(l, w) && (len(k) < 3 || !strings.HasPrefix(w, l)) {
			continue
		}
		if best != "" {
			return ""
		}
		best = k
	}
	return best
}

// maxWord is how long a word may be of which anything was meant.
const maxWord = 64

// distance returns how many letters to change, put in, leave out or swap with the next
// one make b of a.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if max(len(x), len(y)) > maxWord {
		return maxWord
	}
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(x)][len(y)]
}
