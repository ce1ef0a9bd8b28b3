package keys

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxNameRunes bounds the length of a name, and maxDeviceRunes that of a device,
// in characters (Unicode code points).
const (
	maxNameRunes   = 64
	maxDeviceRunes = 32
	maxMarks       = 8 // combining, in a row
)

// checkName returns why name cannot stand on a card, as an error that wraps
// ErrBadName. Strangers write cards, and people decide by the name they see. So a
// name has no character that acts on a terminal or a text layout: no control,
// format (bidirectional or zero-width), private-use or unassigned characters, and
// no spaces except single ones between words. One spelling has one encoding
// (NFC).
//
// Look-alike letters of different scripts are not refused. The fingerprint shows
// them to be others.
func checkName(name string) error {
	if err := checkLine(name, maxNameRunes); err != nil {
		return err
	}
	// A command would read these as a flag or a key, where a name may stand too.
	for _, p := range []string{"-", "age1", "ssh-"} {
		if strings.HasPrefix(foldName(name), p) {
			return fmt.Errorf("%w: it begins with %q", ErrBadName, p)
		}
	}
	return nil
}

// checkDevice checks the name of a device in the same way.
func checkDevice(device string) error {
	if err := checkLine(device, maxDeviceRunes); err != nil {
		return fmt.Errorf("device: %w", err)
	}
	return nil
}

// checkLine returns why s cannot be shown to people as a line of its own.
func checkLine(name string, most int) error {
	bad := func(why string) error { return fmt.Errorf("%w: %s", ErrBadName, why) }
	switch {
	case name == "":
		return bad("it is empty")
	case !utf8.ValidString(name):
		return bad("it is not UTF-8")
	case utf8.RuneCountInString(name) > most:
		return bad(fmt.Sprintf("it is longer than %d characters", most))
	}
	inRow, before := 0, ' '
	for i, r := range name {
		mark := inSpans(marks(), r)
		switch {
		case !inSpans(printables(), r):
			return bad(fmt.Sprintf("it has the unprintable character %U", r))
		case r == ' ' && before == ' ':
			return bad("it has spaces at its ends or two in a row")
		case mark && i == 0:
			return bad("it begins with a combining mark")
		case !mark:
			inRow = 0
		case inRow == maxMarks:
			return bad(fmt.Sprintf("it has more than %d combining marks in a row", maxMarks))
		default:
			inRow++
		}
		before = r
	}
	if before == ' ' {
		return bad("it has spaces at its ends or two in a row")
	}
	// Check this after the marks: implementations normalize many marks in a row
	// differently.
	if !norm.NFC.IsNormalString(name) {
		return bad("it is not in Unicode normal form C")
	}
	return nil
}
