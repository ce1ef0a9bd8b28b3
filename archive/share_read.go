package archive

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"
)

// A shared is a share that one of the identities opened.
type shared struct {
	Grant
	epochs []grantedEpoch
}

// shares caches the result of reading the shares.
type shares struct {
	mu    sync.Mutex
	named *shared // the share that Options.Share names
	read  bool
	all   []shared
	more  bool // there are more shares than were read

	unlisted bool // the store does not say which there are
}

// Grants returns the grants that the identities open, sorted by time and name:
// those to the reader, those to others that were sealed to the reader too, and
// those that do not count. Shares that were added after the first look at them
// are missing.
//
// Anyone who can write to the store can add and remove shares. A grant with a nil
// Err is from the signer that it names. At most 1,024 shares, of 256 MiB, are
// read, besides that of Options.Share.
func (r *Recording) Grants(ctx context.Context) ([]Grant, error) {
	named, err := r.namedShare(ctx)
	var shares *shares
	if err == nil {
		shares, err = r.readShares(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("recording %s: %w", r.head.ID, err)
	}
	all := shares.all
	if named != nil && !slices.ContainsFunc(all, func(s shared) bool { return s.Name == named.Name }) {
		all = append([]shared{*named}, all...)
	}
	var grants []Grant
	for _, s := range all {
		s.Grant.Epochs = slices.Clone(s.Grant.Epochs)
		grants = append(grants, s.Grant)
	}
	return grants, nil
}

// CheckShare checks the share of Options.Share as far as that takes no key. The
// error wraps ErrNoShare if the store has none of that name, and is a
// *CorruptError if no key can open it.
func CheckShare(ctx context.Context, s Store, id, share string) error {
	name := sharesFolder + share + ageSuffix
	if ValidID(id) != nil || !validShare(name) {
		return fmt.Errorf("%w: %.64q", ErrNoShare, share)
	}
	sealed, err := fetchShare(ctx, s, id, name)
	if err == nil {
		if _, herr := age.ExtractHeader(bytes.NewReader(sealed)); herr != nil {
			err = &CorruptError{name, herr}
		} else if len(sealed) < minShare {
			err = &CorruptError{name, io.ErrUnexpectedEOF}
		}
	}
	if err != nil {
		return fmt.Errorf("recording %s: %w", id, err)
	}
	return nil
}

// CheckNamed checks the share of Options.Share with the identities. Without a
// share or without identities it does nothing. The errors are those of
// CheckShare. The error wraps ErrNoKey if no identity opens the share: it was
// granted to others, or the part for this reader is damaged. Grants reports
// whether the grant counts.
func (r *Recording) CheckNamed(ctx context.Context) error {
	if r.options.Share == "" || r.keyless() {
		return nil
	}
	name := sharesFolder + r.options.Share + ageSuffix
	if !validShare(name) {
		return fmt.Errorf("%w: %.64q", ErrNoShare, r.options.Share)
	}
	s, err := r.readShare(ctx, name)
	if err == nil && s.Err != nil && !errors.Is(s.Err, ErrForeignSigner) && !errors.Is(s.Err, ErrRevokedGrant) {
		err = &CorruptError{name, s.Err}
	}
	if err != nil {
		return fmt.Errorf("recording %s: %w", r.head.ID, err)
	}
	return nil
}

// ClaimedShare returns the grant in the share of Options.Share if it counts because of
// Options.Invited alone, nil if not. The error is the store's.
func (r *Recording) ClaimedShare(ctx context.Context) (*Grant, error) {
	s, err := r.namedShare(ctx)
	if err != nil {
		return nil, fmt.Errorf("recording %s: %w", r.head.ID, err)
	}
	if s == nil || !s.Claimed {
		return nil, nil
	}
	g := s.Grant
	g.Epochs = slices.Clone(g.Epochs)
	return &g, nil
}

// granted returns the secret of epoch n from a grant. The error wraps ErrNoKey if
// there is none. It wraps ErrMoreShares too if one may be among those not read,
// ErrNotListed if the store does not say which there are, and ErrRevokedGrant if
// there is one whose signer's key no longer counts.
func (r *Recording) granted(ctx context.Context, n int) (*age.HybridIdentity, error) {
	if named, err := r.namedShare(ctx); err != nil {
		return nil, err
	} else if named != nil {
		if secret, err := r.secretIn(ctx, *named, n); secret != nil || err != nil {
			return secret, err
		}
	}
	shares, err := r.readShares(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range shares.all {
		if secret, err := r.secretIn(ctx, s, n); secret != nil || err != nil {
			return secret, err
		}
	}
	all := shares.all
	if r.shares.named != nil {
		all = append([]shared{*r.shares.named}, all...)
	}
	for _, s := range all {
		if !errors.Is(s.Err, ErrRevokedGrant) {
			continue
		}
		by := s.By
		s.Err = nil
		if secret, err := r.secretIn(ctx, s, n); err != nil {
			return nil, err
		} else if secret != nil {
			return nil, fmt.Errorf("%w but one %w: %s", ErrNoKey, ErrRevokedGrant, by)
		}
	}
	if shares.more {
		return nil, fmt.Errorf("%w, and %w", ErrNoKey, ErrMoreShares)
	}
	if shares.unlisted {
		return nil, fmt.Errorf("%w, and grants are found by name only: %w", ErrNoKey, ErrNotListed)
	}
	return nil, ErrNoKey
}

// secretIn returns the secret of epoch n that a share has for the reader, or nil.
func (r *Recording) secretIn(ctx context.Context, s shared, n int) (*age.HybridIdentity, error) {
	if s.Err != nil || len(r.options.Self) > 0 && !slices.Contains(r.options.Self, s.To) {
		return nil, nil
	}
	for _, e := range s.epochs {
		if e.number == n {
			if ok, err := r.fits(ctx, e); ok || err != nil {
				return e.secret, err
			}
		}
	}
	return nil, nil
}

// namedShare returns the share that the reader named, or nil.
func (r *Recording) namedShare(ctx context.Context) (*shared, error) {
	r.shares.mu.Lock()
	defer r.shares.mu.Unlock()
	name := sharesFolder + r.options.Share + ageSuffix
	if r.shares.named != nil || r.keyless() || !validShare(name) {
		return r.shares.named, nil
	}
	var err error
	r.shares.named, err = r.usableShare(ctx, name)
	return r.shares.named, err
}

// usableShare reads one share. It returns nil if the identities do not open it:
// anyone can add shares that nobody can open, so there is nothing to report.
func (r *Recording) usableShare(ctx context.Context, name string) (*shared, error) {
	s, err := r.readShare(ctx, name)
	var corrupt *CorruptError
	if errors.Is(err, ErrNoShare) || errors.Is(err, ErrNoKey) || errors.As(err, &corrupt) {
		return nil, nil
	}
	return s, err
}

// readShare reads one share. The error wraps ErrNoShare or ErrNoKey, is a
// *CorruptError if no key can open the share, or is the store's.
func (r *Recording) readShare(ctx context.Context, name string) (*shared, error) {
	sealed, err := fetchShare(ctx, r.store, r.head.ID, name)
	if err != nil {
		return nil, err
	}
	return r.openShare(ctx, name, sealed)
}

// fetchShare returns the bytes of a share. The errors are those of CheckShare.
func fetchShare(ctx context.Context, s Store, id, name string) ([]byte, error) {
	sealed, err := readBeside(ctx, s, id, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoShare, name)
	}
	return sealed, err
}

// fits reports whether a granted secret is the secret of its epoch. The signer of
// a grant may be wrong or lie, and that must not make genuine objects look
// damaged. One object with the right hash decides. Without one, the epoch cannot
// be read anyway.
func (r *Recording) fits(ctx context.Context, e grantedEpoch) (bool, error) {
	for _, of := range [][]SegmentInfo{r.indexes, r.segments} { // an index is small
		for _, info := range of {
			if info.Epoch != e.number {
				continue
			}
			sealed, err := readEntry(ctx, r.store, r.head.ID, info.Entry, MaxObject)
			var corrupt *CorruptError
			if errors.As(err, &corrupt) {
				continue
			} else if err != nil {
				return false, err
			}
			_, err = age.Decrypt(bytes.NewReader(sealed), e.secret)
			var noMatch *age.NoIdentityMatchError
			return !errors.As(err, &noMatch), nil
		}
	}
	return true, nil
}

// readShares reads the shares once. The result does not change.
func (r *Recording) readShares(ctx context.Context) (*shares, error) {
	r.shares.mu.Lock()
	defer r.shares.mu.Unlock()
	if r.shares.read || r.keyless() {
		return &r.shares, nil
	}
	var names []string
	var size int64
	more := false
	for info, err := range List(ctx, r.store, r.head.ID+"/"+sharesFolder) {
		if errors.Is(err, ErrNotListed) {
			r.shares.unlisted = true
			break
		} else if err != nil {
			return nil, fmt.Errorf("could not look for shares: %w", err)
		}
		name := strings.TrimPrefix(info.Name, r.head.ID+"/")
		if !validShare(name) || info.Size > maxShare || info.Size < minShare {
			continue
		}
		if size += info.Size; size > maxShareBytes || len(names) == maxShares {
			more = true
			break
		}
		names = append(names, name)
	}
	opened := make([]*shared, len(names))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, name := range names {
		g.Go(func() (err error) {
			opened[i], err = r.usableShare(gctx, name)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, s := range opened {
		if s != nil {
			r.shares.all = append(r.shares.all, *s)
		}
	}
	slices.SortStableFunc(r.shares.all, func(a, b shared) int { return a.Time.Compare(b.Time) })
	r.shares.read, r.shares.more = true, more
	return &r.shares, nil
}

// openShare opens one share. The errors are those of readShare.
func (r *Recording) openShare(ctx context.Context, name string, sealed []byte) (*shared, error) {
	msg, damage, err := unsealShare(name, sealed, r.ids)
	if errors.Is(err, ErrNoKey) && r.options.Opener != nil {
		msg, err = r.options.Opener.OpenShare(ctx, r.head.ID, sealed)
	}
	if err != nil {
		return nil, err
	}
	if damage != nil {
		return &shared{Grant: Grant{Name: name, Err: fmt.Errorf("what it says is damaged: %w", damage)}}, nil
	}
	n, by, err := byReader(r, msg, openGrant, ErrRevokedGrant)
	s := &shared{Grant: n.grant(name), epochs: n.epochs}
	s.By, s.Err = by, err
	if r.options.Invited && name == sharesFolder+r.options.Share+ageSuffix && errors.Is(err, ErrForeignSigner) {
		s.Claimed, s.Err = true, nil
	}
	return s, nil
}

// byReader opens what a reader signed. Where only the key of a revoked card signed it,
// the error is revoked instead.
func byReader[T, By any](r *Recording, msg []byte, open func(msg []byte, id string, known note.Verifiers) (T, By, error), revoked error) (T, By, error) {
	known := r.options.Granters
	if known == nil {
		known = r.options.Verifiers
	}
	n, by, err := open(msg, r.head.ID, known)
	if errors.Is(err, ErrForeignSigner) && r.options.Revoked != nil {
		if _, _, rerr := open(msg, r.head.ID, r.options.Revoked); rerr == nil {
			err = revoked
		}
	}
	return n, by, err
}

// unsealShare returns what is sealed in a share, or in damage why a share that an
// identity opens cannot be read to its end. The error wraps ErrNoKey, or is a
// *CorruptError if no key can open the share.
func unsealShare(name string, sealed []byte, ids []age.Identity) (msg []byte, damage, err error) {
	g := &guarded{ids: ids}
	plain, err := age.Decrypt(bytes.NewReader(sealed), g)
	var noMatch *age.NoIdentityMatchError
	switch {
	case g.mixed != nil:
		return nil, nil, &CorruptError{name, g.mixed}
	case errors.As(err, &noMatch):
		return nil, nil, fmt.Errorf("%s: %w", name, ErrNoKey)
	case err != nil:
		return nil, nil, &CorruptError{name, err}
	}
	msg, damage = io.ReadAll(io.LimitReader(plain, maxShare))
	return msg, damage, nil
}

// openGrant checks a signed grant of the recording id, and returns it with its
// signer. With ErrForeignSigner it returns the grant too, but that grant proves
// nothing.
func openGrant(msg []byte, id string, known note.Verifiers) (grantNote, string, error) {
	signed, err := note.Open(msg, known)
	var unverified *note.UnverifiedNoteError
	var bad *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified):
		signed, err = unverified.Note, ErrForeignSigner
	case errors.As(err, &bad):
		return grantNote{}, "", errors.New("its signature is wrong")
	case err != nil:
		return grantNote{}, "", errors.New("malformed grant: not a signed note")
	}
	sigs := slices.Concat(signed.Sigs, signed.UnverifiedSigs)
	if len(sigs) != 1 {
		return grantNote{}, "", fmt.Errorf("malformed grant: %d signatures", len(sigs))
	}
	if _, err := base64.StdEncoding.Strict().DecodeString(sigs[0].Base64); err != nil {
		return grantNote{}, "", errors.New("malformed grant: signature not in canonical form")
	}
	n, parseErr := parseGrant(signed.Text, id)
	if parseErr != nil {
		return grantNote{}, "", parseErr
	}
	return n, sigs[0].Name, err
}
