package player

import (
	"github.com/sealtape/sealtape/playback/tape"
)

// A finding is what is wrong with a recording as a whole. The page has the words
// for it.
type finding struct {
	Code  string `json:"code"`
	Who   string `json:"who,omitempty"`   // whom it is about
	Count int    `json:"count,omitempty"` // how many it is about
}

// Codes of findings.
const (
	findUnseen     = "unseen"      // the store did not answer
	findForeign    = "foreign"     // no signer is pinned
	findRolledBack = "rolled-back" // an earlier or another state was seen before
	findDamaged    = "damaged"     // no genuine head and log
	findSigned     = "signed"      // Who's key, which signed it, was revoked
	findGranted    = "granted"     // Who's key, which granted Count epochs, was revoked
	findMissing    = "missing"     // the store lacks Count objects
	findObjects    = "objects"     // Count objects failed verification
)

// findingOf returns the gravest of what is wrong with a recording. Nil means that
// nothing is.
func findingOf(d *tape.Description) *finding {
	switch {
	case d.State == "":
		return &finding{Code: findUnseen}
	case d.State == tape.StateForeign:
		return &finding{Code: findForeign}
	case d.State == tape.StateRolledBack:
		return &finding{Code: findRolledBack}
	case d.State == tape.StateDamaged || d.Err != nil:
		return &finding{Code: findDamaged}
	}
	if f := distrust(d); f != nil {
		return f
	}
	if n := len(d.Missing); n > 0 {
		return &finding{Code: findMissing, Count: n}
	}
	if n := d.Findings().Damaged; n > 0 {
		return &finding{Code: findObjects, Count: n}
	}
	return nil
}

// distrust returns why the signatures do not count that a recording depends on.
// Nil means that they do.
func distrust(d *tape.Description) *finding {
	switch v := d.Trust(); {
	case v.Lacks(tape.LackTrust):
		return &finding{Code: findSigned, Who: d.Signers[0].Who}
	case v.Lacks(tape.LackGrant):
		return &finding{Code: findGranted, Who: d.WithheldBy.Who, Count: len(d.Withheld)}
	}
	return nil
}
