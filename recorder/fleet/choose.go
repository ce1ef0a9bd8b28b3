package fleet

import (
	"errors"
	"fmt"
	"strings"
)

// ErrAmbiguous: two policies are for a room, and neither more than the other. To take the
// wrong one would seal the room to the wrong readers, which nobody can take back.
var ErrAmbiguous = errors.New("two policies are for the same rooms")

// For returns the policy that is meant for a room where nobody names one: that of the
// pattern that says most about the room, which is the name itself, or else the pattern with
// the most characters that stand for themselves. With asked, policies that record only when
// somebody asks count, too. It returns nil if no policy is for the room.
func (p *Policies) For(room string, asked bool) (*Policy, error) {
	var best, other *Policy
	most := -1
	for _, one := range p.All() {
		if one.Asked && !asked {
			continue
		}
		says := -1
		for _, r := range one.Rooms {
			if r.Matches(room) {
				says = max(says, r.says())
			}
		}
		switch {
		case says < 0:
		case says > most:
			best, other, most = one, nil, says
		case says == most:
			other = one
		}
	}
	if other != nil {
		return nil, fmt.Errorf("%w: %s and %s", ErrAmbiguous, best.Name, other.Name)
	}
	return best, nil
}

// says returns how much a pattern says of the rooms that it matches.
func (p Pattern) says() int {
	literal := len(p) - strings.Count(string(p), "*") - strings.Count(string(p), "?")
	if literal == len(p) {
		literal += maxPattern // nothing says more than the name
	}
	return literal
}
