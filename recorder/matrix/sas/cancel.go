package sas

import "errors"

// Why a verification ended without a result, for errors.Is.
var (
	// ErrNotSame says that the operator or the other side saw other emoji: somebody
	// may be between them.
	ErrNotSame = errors.New("the emoji are not the same on both sides")
	// ErrForged says that a key or a code is not what was promised: somebody may be
	// between the two sides, or one of them has an old idea of the other's keys.
	ErrForged = errors.New("what came is not what the other side's device makes")
	// ErrExpired says that it took longer than ten minutes.
	ErrExpired = errors.New("the verification took longer than ten minutes")
	// ErrDeclined says that the other side does not want it, or not now.
	ErrDeclined = errors.New("the other side ended the verification")
	// ErrElsewhere says that another device took it over.
	ErrElsewhere = errors.New("another device answered")
	// ErrUnvouched says that their device does not vouch for their master key: it was
	// not verified by its own user yet. There is nothing that could be signed.
	ErrUnvouched = errors.New("the other side's device does not vouch for its user's master key")
	// ErrUnclear says that one side did not follow what the other did.
	ErrUnclear = errors.New("the two sides did not understand one another")
)

// A CancelCode says in m.key.verification.cancel why a verification ended.
type CancelCode string

const (
	CancelUser       CancelCode = "m.user"
	cancelTimeout    CancelCode = "m.timeout"
	cancelUnknown    CancelCode = "m.unknown_transaction"
	CancelMethod     CancelCode = "m.unknown_method"
	cancelUnexpected CancelCode = "m.unexpected_message"
	CancelKeys       CancelCode = "m.key_mismatch"
	CancelInvalid    CancelCode = "m.invalid_message"
	CancelAccepted   CancelCode = "m.accepted"
	cancelCommitment CancelCode = "m.mismatched_commitment"
	cancelSAS        CancelCode = "m.mismatched_sas"
)

// cancels tells of each code what to make of it, and what the other side's client
// may show.
var cancels = map[CancelCode]struct {
	err    error
	reason string
}{
	CancelUser:       {ErrDeclined, "The operator ended it."},
	cancelTimeout:    {ErrExpired, "It took too long."},
	cancelUnknown:    {ErrUnclear, "There is no such verification."},
	CancelMethod:     {ErrUnclear, "Only emoji can be compared."},
	cancelUnexpected: {ErrUnclear, "That was not expected now."},
	CancelKeys:       {ErrForged, "The keys are not those that are known."},
	CancelInvalid:    {ErrUnclear, "The message cannot be read."},
	CancelAccepted:   {ErrElsewhere, "Another device answered."},
	cancelCommitment: {ErrForged, "The key is not the one that was promised."},
	cancelSAS:        {ErrNotSame, "The emoji are not the same."},
}

// A Cancelled is the error of a verification that one side ended. It wraps one of
// the errors above.
type Cancelled struct {
	Theirs bool   // the other side ended it
	Code   string // that of the Matrix specification; "" if theirs is none
	err    error
}

func (c *Cancelled) Error() string { return c.err.Error() }

// Unwrap returns which of the errors above it is.
func (c *Cancelled) Unwrap() error { return c.err }

// Expired returns the error of a verification that took too long before it began.
func Expired() *Cancelled { return cancelled(cancelTimeout, false) }

// cancelled makes an error of a code. Of one that is not known, nothing is quoted:
// the other side chose it.
func cancelled(code CancelCode, theirs bool) *Cancelled {
	c, ok := cancels[code]
	if !ok {
		return &Cancelled{Theirs: theirs, err: ErrDeclined}
	}
	return &Cancelled{Theirs: theirs, Code: string(code), err: c.err}
}
