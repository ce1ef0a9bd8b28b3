package member

import (
	"errors"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/internal/pattern"
)

const maxAddress = 512

var address = pattern.Of(`^(https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?|http://(localhost|127\.0\.0\.1|\[::1\]))(:[1-9][0-9]{0,4})?(/[A-Za-z0-9._~/-]*)?$`)

// CheckAddress returns an error for what cannot be a State's StoreURL or PageURL: an
// address of https, or of http on the machine itself, without user, query and
// fragment, of at most 512 plain characters.
func CheckAddress(s string) error {
	if len(s) > maxAddress {
		return errors.New("longer than 512 characters")
	}
	dots := func(part string) bool { return part == "." || part == ".." }
	if !address().MatchString(s) || slices.ContainsFunc(strings.Split(s, "/"), dots) {
		return errors.New("not a plain address that begins with https://")
	}
	return nil
}
