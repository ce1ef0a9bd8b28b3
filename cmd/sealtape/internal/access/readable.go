package access

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

// Options are what one brings along to open a recording.
func (a *Access) Options(identities []age.Identity) tape.Options {
	return tape.Options{Options: archive.Options{
		Verifiers: a.recorders(), Approvers: a.approvers(), Granters: a.granters(), Revoked: a.Former, Identities: identities, Heads: a.Heads, Told: a.told(), Self: a.Own, Share: a.Share,
		Invited: a.link != nil,
	}, Signer: a.signer, Approved: a.approved, Evidence: evidence(), Unlisted: a.link != nil && a.link.Credentials == nil}
}

// VerifyOptions are what one brings along to verify a recording.
func (a *Access) VerifyOptions() archive.Options {
	return archive.Options{Verifiers: a.recorders(), Approvers: a.approvers(), Heads: a.Heads, Told: a.told()}
}

// told returns the head that a link tells of, nil without one.
func (a *Access) told() *archive.Head {
	if a.link == nil {
		return nil
	}
	h := a.link.Head()
	return &h
}

// signer tells whose a key is.
func (a *Access) signer(key string) tape.Signer {
	s := tape.Signer{Key: key, Who: key, Revoked: a.Distrusted(key)}
	if who, known := a.Who(key); known {
		h, _ := a.Holder(key)
		s.Who, s.Holder = who, h.Name
	} else if a.claimed(key) {
		s.Claimed = a.link.words()
		s.Who = "claimed by the link (" + a.link.words() + ")"
	}
	return s
}

// signersOf tells who signed a recording, each once.
func (a *Access) signersOf(signers []archive.Signer) []tape.Signer {
	return tape.Options{Signer: a.signer, Approved: a.approved}.Signers(signers)
}

// approved tells whose a key is that counts by an approval: its holder's name is that of
// who approved it, since one approves cards of one's own name only.
func (a *Access) approved(of archive.Approval, s tape.Signer) tape.Signer {
	by, _ := a.Holder(of.By)
	words := keys.Card{Key: of.Key}.Fingerprint()
	own, pinned := a.Holder(s.Key)
	switch s.Revoked = true; {
	case a.Revokes(s.Key, of.By), pinned && own.Doubted:
		s.Who, _ = a.Who(s.Key)
	case !a.ApprovalCounts(of.By, of.Time):
		s.Who = fmt.Sprintf("%s (%s, NOT TRUSTED: the approval by %s does not count)", ui.Clean(by.Name), words, s.Approver)
	default:
		s.Revoked, s.Who = false, fmt.Sprintf("%s (%s)", ui.Clean(by.Name), words)
	}
	return s
}

// RecorderCard returns what the card in a recording calls its recorder: the name and the
// device. "" means that it has none, or that it is not the card of a key that signed the
// recording, or not the one that was approved.
func (a *Access) RecorderCard(signers []archive.Signer, card string) string {
	c, err := keys.ParseCard([]byte(card))
	if err != nil {
		return ""
	}
	for _, s := range signers {
		if s.Name == c.Verifier().Name() && (s.Approval == nil || s.Approval.Card == c.Sum()) {
			return ui.Clean(c.Label())
		}
	}
	return ""
}

// OpenTape opens a recording; with the given identities it can be read too. set may
// change what is brought along, nil does not.
func (a *Access) OpenTape(ctx context.Context, id string, identities []age.Identity, set func(*tape.Options)) (*tape.Tape, error) {
	o := a.Options(identities)
	if set != nil {
		set(&o)
	}
	t, err := tape.Open(ctx, a.Store, id, o)
	if err != nil {
		return nil, a.unopened(ctx, id, err)
	}
	a.tellClaimed(t.Recording().Signers())
	err = t.Recording().CheckNamed(ctx)
	if a.link != nil && errors.Is(err, archive.ErrNoKey) {
		err = nil // a link is also for who needs no grant
	}
	if err != nil {
		return t, badGrant(err)
	}
	return t, a.tellGiver(ctx, t)
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
func (a *Access) unopened(ctx context.Context, id string, err error) error {
	if a.link == nil && errors.Is(err, archive.ErrForeignSigner) {
		if by := a.MemberSigned(ctx, id); by != "" {
			return ui.WithHints(&saidError{err, by}, ui.MemberHint)
		}
	}
	return a.link.explain(err)
}

// A saidError is an error with more to say.
type saidError struct {
	err  error
	said string
}

func (e *saidError) Error() string { return e.err.Error() + ": " + e.said }
func (e *saidError) Unwrap() error { return e.err }

// OpenReadable opens a recording that at least one epoch of can be read with
// one's keys; if none can, the exit code says so. set is as for openTape.
func (a *Access) OpenReadable(ctx context.Context, arg string, set func(*tape.Options)) (*tape.Tape, error) {
	id, err := a.Resolve(ctx, arg)
	if err != nil {
		return nil, err
	}
	identities, keysErr := a.Keys(ctx)
	if keysErr != nil && !errors.Is(keysErr, keys.ErrNoIdentity) {
		return nil, keysErr
	}
	t, err := a.OpenTape(ctx, id, identities, set)
	if err != nil {
		return nil, err
	}
	if keysErr != nil {
		return nil, a.Locked(ctx, t, keysErr)
	}
	switch opens, err := t.OpensAny(ctx); {
	case err != nil:
		return nil, err
	case opens:
		return t, nil
	}
	if _, err := t.Recording().EpochSecret(ctx, t.Recording().Epochs()[0].Number); a.link != nil && errors.Is(err, archive.ErrNotListed) {
		return nil, a.link.explain(err)
	}
	if err := a.Untrusted(ctx, t); err != nil {
		return nil, err
	}
	return nil, a.Locked(ctx, t, nil)
}

// Untrusted returns an error if a signature does not count that the recording, or what
// one could open of it, depends on.
func (a *Access) Untrusted(ctx context.Context, t *tape.Tape) error {
	d, err := t.Log(ctx)
	if err != nil {
		return err
	}
	return ui.Outcome{ID: t.ID(), Verdict: d.Trust()}.Err()
}

// KeysAtHand returns one's keys if they open without a question, none if they do not:
// for what takes no key, and says more with one.
func (a *Access) KeysAtHand() []age.Identity {
	id, err := a.Home.Load(func() ([]byte, error) {
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
func (a *Access) start(ctx context.Context, id string, identities []age.Identity) (start time.Time, ok bool) {
	t, err := a.OpenTape(ctx, id, identities, nil)
	if err != nil {
		return time.Time{}, false
	}
	start, err = t.StartTime(ctx)
	return start, err == nil
}

// Distrust returns an error if a recording is signed by these, and all were revoked.
func (a *Access) Distrust(id string, signers []archive.Signer) error {
	d := tape.Description{Signers: a.signersOf(signers)}
	return ui.Outcome{ID: id, Verdict: d.Trust()}.Err()
}

// Locked tells how many readers a recording has that one's keys do not open, and
// returns noKey's error.
func (a *Access) Locked(ctx context.Context, t *tape.Tape, why error) error {
	for _, line := range readersText(t.Recording().Epochs(), t.ReadersAtMost(ctx)) {
		a.Env.Notef("%s", line)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return ui.NoKey(t.ID(), why)
}

// readersText says how many readers epochs have, those alike in one line.
func readersText(epochs []archive.EpochInfo, readers []int) []string {
	var lines []string
	for i := 0; i < len(epochs); {
		j := i + 1
		for j < len(epochs) && readers[j] == readers[i] {
			j++
		}
		var numbers []int
		for _, ep := range epochs[i:j] {
			numbers = append(numbers, ep.Number)
		}
		line := ui.EpochsText(numbers)
		if readers[i] == 0 {
			line += ": how many readers it is sealed to cannot be told"
		} else {
			line += fmt.Sprintf(": sealed to at most %s", ui.Count(readers[i], "reader"))
		}
		if j > i+1 {
			line += " each"
		}
		lines = append(lines, line)
		i = j
	}
	return lines
}

// RevokedSigners returns a problem for each key that was revoked, if no other has
// signed: a signature has no time, so none can be told from a thief's.
func (a *Access) RevokedSigners(signers []archive.Signer) (problems []archive.Problem) {
	for _, s := range a.signersOf(signers) {
		if !s.Revoked {
			return nil
		}
		problems = append(problems, archive.Problem{Kind: ui.ProblemRevoked, Object: "head", Text: "signed by " + s.Who})
	}
	return problems
}

// ClaimedSigners returns a problem if only a link says who recorded.
func (a *Access) ClaimedSigners(signers []archive.Signer) (problems []archive.Problem) {
	a.tellClaimed(signers)
	for _, s := range a.signersOf(signers) {
		if s.Claimed != "" {
			problems = append(problems, archive.Problem{Kind: ui.ProblemClaimed, Object: "head", Text: "signed by whom the link names: their card is not pinned (" + a.link.words() + ")"})
		}
	}
	return problems
}

// KeysIfAny returns the keys of one's identity, or none where there are none or
// nobody is there to open them.
func (a *Access) KeysIfAny(ctx context.Context) ([]age.Identity, error) {
	identities, err := a.Keys(ctx)
	switch {
	case errors.Is(err, keys.ErrNoIdentity):
		return nil, nil
	case errors.Is(err, terminal.ErrNone):
		a.Env.Notef("sealtape: without your passphrase, the list shows what anyone can see; set %s", ui.PassphraseVar)
		return nil, nil
	}
	return identities, err
}
