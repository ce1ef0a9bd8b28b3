package keys

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxNameRunes bounds a name, and maxDeviceRunes that of a device, in characters
// (Unicode code points).
const (
	maxNameRunes   = 64
	maxDeviceRunes = 32
	maxMarks       = 8 // combining, in a row
)

// checkName reports why name cannot stand on a card, as an error wrapping
// ErrBadName. A card comes from strangers and its name is shown to people who
// decide by it, so nothing that a terminal or a text layout would act on is
// let through: no control, format (bidirectional or zero-width), private-use
// or unassigned characters, and no space but single ones between words. One
// spelling has one encoding (NFC).
//
// Look-alike letters of different scripts are not caught here. That is what
// the fingerprint is for.
func checkName(name string) error {
	if err := checkLine(name, maxNameRunes); err != nil {
		return err
	}
	// These would be read as a flag or as a key where a name may stand too.
	for _, p := range []string{"-", "age1", "ssh-"} {
		if strings.HasPrefix(foldName(name), p) {
			return fmt.Errorf("%w: it begins with %q", ErrBadName, p)
		}
	}
	return nil
}

// checkDevice does the same for the name of a device.
func checkDevice(device string) error {
	if err := checkLine(device, maxDeviceRunes); err != nil {
		return fmt.Errorf("device: %w", err)
	}
	return nil
}

// checkLine reports why s cannot be shown to people as a line of their own.
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
	// After the marks: of many in a row implementations make different things.
	if !norm.NFC.IsNormalString(name) {
		return bad("it is not in Unicode normal form C")
	}
	return nil
}
