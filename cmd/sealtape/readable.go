package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback/tape"
)

// options are what one brings along to open a recording.
func (a *access) options(identities []age.Identity) tape.Options {
	return tape.Options{Options: archive.Options{
		Verifiers: a.verifiers, Granters: a.granters, Revoked: a.former, Identities: identities, Heads: a.heads, Self: a.self, Share: a.share,
	}, Signer: a.signer}
}

// signer tells whose a key is.
func (a *access) signer(key string) tape.Signer {
	s := tape.Signer{Key: key, Who: key, Revoked: a.revoked[key]}
	if who, ok := a.people[key]; ok {
		s.Who = who
	}
	return s
}

// openTape opens a recording; with the given identities it can be read too. set may
// change what is brought along, nil does not.
func (a *access) openTape(ctx context.Context, id string, identities []age.Identity, set func(*tape.Options)) (*tape.Tape, error) {
	o := a.options(identities)
	if set != nil {
		set(&o)
	}
	t, err := tape.Open(ctx, a.store, id, o)
	if err != nil {
		return nil, a.unopened(ctx, id, err)
	}
	return t, badGrant(t.Recording().CheckNamed(ctx))
}

// badGrant returns the error of a grant that was named with what to do about it.
func badGrant(err error) error {
	var corrupt *archive.CorruptError
	switch {
	case errors.Is(err, archive.ErrNoShare):
		return ui.WithHints(err, ui.Hint{Why: "ask who shared it which store it is in; without what stands behind the slash, the recording is looked at as it is here"})
	case errors.Is(err, archive.ErrNoKey):
		return ui.ExitWith(ui.ExitNoKey, ui.WithHints(fmt.Errorf("the grant that was named is sealed to others, or its part for you is damaged: %w", err),
			ui.Hint{Why: "ask who shared it with you for the name again"}))
	case errors.As(err, &corrupt):
		return ui.WithHints(fmt.Errorf("the grant that was named cannot be used: %w", err),
			ui.Hint{Why: "look for a copy of it, or ask who shared it to share it again"})
	}
	return err
}

// unopened returns the error of opening a recording with what else there is to say of
// it.
func (a *access) unopened(ctx context.Context, id string, err error) error {
	if errors.Is(err, archive.ErrForeignSigner) {
		if by := a.memberSigned(ctx, id); by != "" {
			return ui.WithHints(&saidError{err, by}, ui.MemberHint)
		}
	}
	return err
}

// A saidError is an error with more to say.
type saidError struct {
	err  error
	said string
}

func (e *saidError) Error() string { return e.err.Error() + ": " + e.said }
func (e *saidError) Unwrap() error { return e.err }

// openReadable opens a recording that at least one epoch of can be read with
// one's keys; if none can, the exit code says so. set is as for openTape.
func (a *access) openReadable(ctx context.Context, arg string, set func(*tape.Options)) (*tape.Tape, error) {
	id, err := a.resolve(ctx, arg)
	if err != nil {
		return nil, err
	}
	identities, keysErr := a.keys(ctx)
	if keysErr != nil && !errors.Is(keysErr, keys.ErrNoIdentity) {
		return nil, keysErr
	}
	t, err := a.openTape(ctx, id, identities, set)
	if err != nil {
		return nil, err
	}
	if keysErr != nil {
		return nil, a.locked(ctx, t, keysErr)
	}
	switch opens, err := t.OpensAny(ctx); {
	case err != nil:
		return nil, err
	case opens:
		return t, nil
	}
	if err := a.untrusted(ctx, t); err != nil {
		return nil, err
	}
	return nil, a.locked(ctx, t, nil)
}

// untrusted returns an error if a signature does not count that the recording, or what
// one could open of it, depends on.
func (a *access) untrusted(ctx context.Context, t *tape.Tape) error {
	d, err := t.Log(ctx)
	if err != nil {
		return err
	}
	return ui.Outcome{ID: t.ID(), Verdict: d.Trust()}.Err()
}

// keysAtHand returns one's keys if they open without a question, none if they do not:
// for what takes no key, and says more with one.
func (a *access) keysAtHand() []age.Identity {
	id, err := a.home.Load(func() ([]byte, error) {
		if p := os.Getenv(ui.PassphraseVar); p != "" {
			return []byte(p), nil
		}
		return nil, terminal.ErrNone
	})
	if err != nil {
		return nil
	}
	return id.AgeIdentities()
}

// start returns when a recording started; ok is false if that cannot be read.
func (a *access) start(ctx context.Context, id string, identities []age.Identity) (start time.Time, ok bool) {
	t, err := a.openTape(ctx, id, identities, nil)
	if err != nil {
		return time.Time{}, false
	}
	start, err = t.StartTime(ctx)
	return start, err == nil
}
