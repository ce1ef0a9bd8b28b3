package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// A RetainedError reports that the store does not delete objects, whoever asks: a
// retention period or a legal hold is on them.
type RetainedError struct {
	Object  string    // one of them
	Objects int       // how many there are, counting versions
	Until   time.Time // the latest end of a retention that was found; zero if none
}

func (e *RetainedError) Error() string {
	until := ""
	if !e.Until.IsZero() {
		until = " until " + e.Until.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("%d objects are retained by the store%s, %s for one", e.Objects, until, e.Object)
}

// ErrNotOver reports that a recording may still go on, and so must not be
// removed.
var ErrNotOver = errors.New("the recording is not closed")

// A Surveyed is what Survey found out about one recording.
type Surveyed struct {
	ID      string
	Head    Head
	Signers []Signer // who signed it, as Recording.Signers
	// Stored is when the head was put: at the end of the recording, or when it
	// was copied to this store.
	Stored time.Time
	// Err is why the recording must not be removed. It wraps ErrNotOver,
	// fs.ErrNotExist if there is no head, ErrDenied if the store withholds the
	// head, ErrForeignSigner, or it is a *RollbackError, a *ForkError or a
	// *CorruptError. Nil means that the recording may be removed.
	Err error
}

// Survey reads the heads of all recordings in s and nothing else, and so needs no
// key. It returns first those that have ended, oldest first, then those that must
// not be removed, by ID. The error wraps errors.ErrUnsupported if s has no times.
func Survey(ctx context.Context, s Store, o Options) ([]Surveyed, error) {
	all, err := survey(ctx, s, o)
	if err != nil {
		return nil, fmt.Errorf("looking at the recordings: %w", err)
	}
	return all, nil
}

func survey(ctx context.Context, s Store, o Options) ([]Surveyed, error) {
	var all []Surveyed
	for id, err := range IDs(ctx, s) {
		if err != nil {
			return nil, err
		}
		all = append(all, Surveyed{ID: id})
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range all {
		g.Go(func() (err error) {
			r := &all[i]
			var signed signedHead
			signed, r.Err, err = over(gctx, s, r.ID, o)
			r.Head, r.Signers = signed.Head, signed.signers
			if r.Err != nil || err != nil {
				return err
			}
			info, err := s.Stat(gctx, r.ID+"/"+headName)
			if r.Stored = info.Modified; err == nil && r.Stored.IsZero() {
				return errors.New("the store does not tell times") // and so everything would be old
			}
			if errors.Is(err, fs.ErrNotExist) { // removed since
				r.Err, err = err, nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b Surveyed) int {
		switch {
		case a.Err == nil && b.Err == nil:
			return a.Stored.Compare(b.Stored)
		case a.Err == nil:
			return -1
		case b.Err == nil:
			return 1
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return all, nil
}

// ReadHead returns the head of the recording id, and who of o.Verifiers, and of those
// whom they approved, signed it. It reads nothing else. The errors are those of Open.
// With an error that wraps ErrForeignSigner it returns the head too, but that head
// proves nothing.
func ReadHead(ctx context.Context, s Store, id string, o Options) (h Head, signers []Signer, err error) {
	signed, err := readSigned(ctx, s, id, o)
	if err != nil {
		err = fmt.Errorf("recording %s: %w", id, err)
	}
	return signed.Head, signed.signers, err
}

// A signedHead is a head with who signed it.
type signedHead struct {
	Head
	signers []Signer
}

func readSigned(ctx context.Context, s Store, id string, o Options) (signedHead, error) {
	if err := ValidID(id); err != nil {
		return signedHead{}, err
	}
	return newest(o.Heads, id, func() (signedHead, error) {
		h, signers, err := fetchSigned(ctx, s, id, o)
		if err == nil {
			_, err = checkSeen(o.Heads, h)
		}
		return signedHead{h, signers}, err
	})
}

// over returns the head of a recording. why is the reason not to remove it. err
// reports that this could not be found out.
func over(ctx context.Context, s Store, id string, o Options) (h signedHead, why, err error) {
	h, err = readSigned(ctx, s, id, o)
	var corrupt *CorruptError
	var back *RollbackError
	var fork *ForkError
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, ErrForeignSigner), errors.Is(err, ErrDenied),
		errors.As(err, &corrupt), errors.As(err, &back), errors.As(err, &fork):
		return h, err, nil
	case err != nil:
		return h, nil, err
	case !h.State.Final():
		return h, ErrNotOver, nil
	}
	return h, nil, nil
}

// Remove removes the recording id from s, if it has ended and a recorder of
// o.Verifiers has signed that. It leaves any other alone, with the error that
// Survey gives it. It removes first what opens the recording, grants and epochs, and attachments,
// so that from then on nobody can read it; then segments and indexes; then the
// log. The head goes last: while it is there the recording is found, and Remove
// can continue after an interruption.
//
// If the store does not delete some objects, the error wraps a *RetainedError,
// and Remove stops after the kind of objects that these belong to.
func Remove(ctx context.Context, s Store, id string, o Options) error {
	_, why, err := over(ctx, s, id, o)
	err = cmp.Or(why, err)
	for _, prefix := range []string{sharesFolder, attachmentsFolder, folders[Epoch], folders[Segment], folders[Index], logFolder, ""} {
		if err != nil {
			return fmt.Errorf("removing recording %s: %w", id, err)
		}
		err = s.Purge(ctx, id+"/"+prefix)
	}
	if err != nil {
		return fmt.Errorf("removing recording %s: %w", id, err)
	}
	return nil
}
