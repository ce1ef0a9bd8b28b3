package access

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

// An Access is what commands that read recordings work with.
type Access struct {
	*keys.Trust // whose signatures count, by the cards in Home

	Env   *ui.Env
	Home  *keys.Home
	Store archive.Store
	Heads archive.HeadMemory
	Share string  // the random part of a share's name, as it was given with the ID
	link  *linked // what is opened by a link; nil otherwise

	// What Keys returned, once it was asked.
	asked      bool
	Identities []age.Identity
	keysErr    error
}

// Open opens the home and the store of this name.
func Open(ctx context.Context, e *ui.Env, store string, retry archive.RetryConfig) (*Access, error) {
	s, err := OpenStore(ctx, e, store, false)
	if err != nil {
		return nil, err
	}
	return OpenTo(e, archive.Retry(s, retry))
}

// OpenTo opens the home of a command that has opened the store.
func OpenTo(e *ui.Env, store archive.Store) (*Access, error) {
	h, err := OpenHome()
	if err != nil {
		return nil, err
	}
	trust, err := h.Trust()
	if err != nil {
		return nil, err
	}
	return &Access{Trust: trust, Env: e, Home: h, Store: store, Heads: archive.HeadDir(h.HeadsDir())}, nil
}

// Who tells people whose a key is, by the verifier key or its name. False means that
// nobody here knows it.
func (a *Access) Who(key string) (who string, known bool) {
	h, known := a.Holder(key)
	switch {
	case !known:
		return "", false
	case h.Revoked != nil:
		return fmt.Sprintf("%s (%s, REVOKED on %s)", ui.Clean(h.Name), h.Fingerprint, ui.Day(h.Revoked.Time)), true
	case h.Doubted:
		return fmt.Sprintf("%s (%s, NOT TRUSTED: the key that approved it was revoked or unpinned)", ui.Clean(h.Name), h.Fingerprint), true
	}
	return fmt.Sprintf("%s (%s)", ui.Clean(h.Name), h.Fingerprint), true
}

// HolderOf turns the name of a key into the name on its pinned card.
func (a *Access) HolderOf(keyName string) string { return a.signer(keyName).Who }

// Signers tells people who signed a recording.
func (a *Access) Signers(signers []archive.Signer) []string {
	names := []string{}
	for _, s := range a.signersOf(signers) {
		names = append(names, s.Who)
	}
	return names
}

// Approvers tells people by whose approval those count who signed a recording.
func (a *Access) Approvers(signers []archive.Signer) []string {
	var names []string
	for _, s := range a.signersOf(signers) {
		if s.Approver != "" {
			names = append(names, s.Approver)
		}
	}
	return names
}

// Use takes an identity that was loaded already, so that Keys need not ask.
func (a *Access) Use(id *keys.Identity) { a.asked, a.Identities = true, id.AgeIdentities() }

// Keys returns what opens recordings, and asks for the passphrase the first
// time it is called.
func (a *Access) Keys(ctx context.Context) ([]age.Identity, error) {
	if !a.asked {
		a.asked = true
		id, err := LoadIdentity(ctx, a.Env, a.Home)
		if err != nil {
			a.keysErr = err
		} else {
			a.Identities = id.AgeIdentities()
		}
	}
	return a.Identities, a.keysErr
}

// MemberSigned says by which members a recording is signed that no recorder has
// signed, "" if that is nobody whose card is pinned.
func (a *Access) MemberSigned(ctx context.Context, id string) string {
	rec, err := archive.Open(ctx, a.Store, id, archive.Options{Verifiers: a.All})
	if err != nil {
		return ""
	}
	return "that is " + strings.Join(a.Signers(rec.Signers()), ", ") + ", whose card is pinned as a member's"
}

// Resolve turns what was typed for an ID into one: the ID, an unambiguous
// prefix, or "last". Behind a slash may be what sealtape share printed: a grant, which
// must be there then, and whole.
//
// The last recording is the one with the latest start: see last. A store with one
// recording needs no key.
func (a *Access) Resolve(ctx context.Context, arg string) (string, error) {
	if arg == "" {
		return "", ui.Hinted(ui.Misuse("the ID of the recording is empty"), "if it was to come from a variable, that is not set")
	}
	if a.link != nil {
		var err error
		if a.Share != "" {
			err = badGrant(archive.CheckShare(ctx, a.Store, a.link.Recording, a.Share))
		}
		return a.link.Recording, a.link.explain(err)
	}
	if link, ok := strings.CutPrefix(arg, "sealtape:"); ok {
		id, _, _ := strings.Cut(link, "#")
		return "", ui.Hinted(ui.Misuse("a link is only for sealtape play"), "give the ID in it: "+ui.Clean(id))
	}
	if arg != "last" {
		arg, share, named := strings.Cut(arg, "/")
		if a.Share = strings.ToUpper(share); named && archive.ValidID(a.Share) != nil {
			return "", fmt.Errorf("%w: behind the slash of an ID comes what sealtape share printed there", archive.ErrNotFound)
		}
		id, err := archive.FindID(ctx, a.Store, arg)
		if errors.Is(err, archive.ErrNotFound) {
			return "", fmt.Errorf("%w: %q", archive.ErrNotFound, arg)
		}
		if err == nil && named {
			err = badGrant(archive.CheckShare(ctx, a.Store, id, a.Share))
		}
		return id, err
	}
	var ids []string
	for id, err := range archive.IDs(ctx, a.Store) {
		if err != nil {
			return "", err
		}
		ids = append(ids, id)
	}
	switch len(ids) {
	case 0:
		return "", ui.Hinted(fmt.Errorf("%w: the store is empty", archive.ErrNotFound), "check --store; sealtape record makes recordings")
	case 1:
		return ids[0], nil
	}
	last, unknown, err := a.last(ctx, ids)
	if err != nil {
		return "", err
	}
	if last == "" {
		return "", ui.ExitWith(ui.ExitNoKey, ui.Hinted(errors.New("which recording is last is not known: no key of yours opens any"),
			"give the ID", "sealtape list"))
	}
	if unknown > 0 {
		a.Env.Notef("sealtape: last is %s; of %s the start is not known", last, ui.Count(unknown, "recording"))
	}
	return last, nil
}
