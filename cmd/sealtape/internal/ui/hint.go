package ui

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sealtape/sealtape/keys"
)

// A Hint says what to do: in a sentence, and by commands that are ready to copy.
type Hint struct {
	Why string // "" is no hint
	Run []string
}

// String returns the hint in one line.
func (h Hint) String() string {
	if len(h.Run) == 0 {
		return h.Why
	}
	return h.Why + ": " + strings.Join(h.Run, "; ")
}

// Lines returns the hint for people, each command alone on a line.
func (h Hint) Lines() []string {
	lines := []string{"hint: " + Clean(h.Why)}
	for _, command := range h.Run {
		lines = append(lines, "    "+Clean(command))
	}
	return lines
}

// Texts returns each hint in one line.
func Texts(hints []Hint) []string {
	var all []string
	for _, h := range hints {
		all = append(all, h.String())
	}
	return all
}

// A HintError is an error with what to do about it.
type HintError struct {
	err   error
	hints []Hint
}

func (e *HintError) Error() string { return e.err.Error() }

func (e *HintError) Unwrap() error { return e.err }

// Hinted returns err with what to do about it, in place of what the table of answers knows.
func Hinted(err error, why string, run ...string) error {
	return WithHints(err, Hint{why, run})
}

// WithHints returns err with several things to do about it.
func WithHints(err error, hints ...Hint) error {
	if err == nil {
		return nil
	}
	return &HintError{err, hints}
}

var (
	// PinHint is for what no recorder signed whose card is pinned.
	PinHint = Hint{"if you know who recorded, pin their card, or that of who approved it", []string{"sealtape keys add --recorder FILE"}}
	// MemberHint is for what a member has signed as if they recorded.
	MemberHint = Hint{Why: "only a recorder's key signs recordings: ask them about it, and look for a copy that the recorder signed"}
	// revokedHint is for what only a key signed that was revoked.
	revokedHint = Hint{Why: "whoever has the key could have made this recording: ask who recorded, and look for a copy from before"}
	// rollbackHint is for a store that shows another past than it did.
	rollbackHint = Hint{Why: "the store shows another state than it did before: look for a copy, and ask who can write to it"}
	// grantHint is for a grant that does not count.
	grantHint = Hint{Why: "ask another who can open it, or its owner by the key that they use now, to share it with you again"}
	// readersHint is for what one's keys do not open.
	readersHint = Hint{"only its readers can open it; see who you are here", []string{"sealtape keys show"}}
)

// VerifyHint is for what is not as it was recorded.
func VerifyHint(id string) Hint { return Hint{"see what is wrong", []string{"sealtape verify " + id}} }

// PermissionHint is for a file that others may read or change.
func PermissionHint(p *keys.PermissionError) Hint {
	return Hint{"let nobody else read or change it", []string{fmt.Sprintf("chmod %04o %s", p.Want, ShellWord(p.Path))}}
}

// OwnHint is for one's own card that does not count, for what err says.
func OwnHint(err error) Hint {
	switch {
	case errors.Is(err, keys.ErrRevoked):
		return Hint{"make new keys: what was sealed to these still opens, and the others compare the words of the new card", []string{"sealtape keys rotate"}}
	case errors.Is(err, keys.ErrExpired):
		return Hint{"make another card of the same keys, or new keys", []string{"sealtape keys renew --expires 2y", "sealtape keys rotate --expires 2y"}}
	}
	return Hint{"take over the keys that you use now: export them there, import them in a SEALTAPE_HOME of its own", []string{"sealtape keys export -o FILE", "sealtape keys import FILE"}}
}

// ShellWord quotes s, so that a shell takes it as one word whatever is in it.
func ShellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+@:,", r)
	}
	if s != "" && !strings.HasPrefix(s, "-") && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
