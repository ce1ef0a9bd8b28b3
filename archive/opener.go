package archive

import (
	"context"
	"errors"
	"slices"
	"sync"

	"filippo.io/age"
)

// An Opener opens what is sealed to a reader whose keys are elsewhere: in another
// process, or behind a question to the reader. So a program reads a recording without
// having any key that opens another one. Its methods may be called from several
// goroutines at once, and may take long.
type Opener interface {
	// OpenEpoch returns the secret of an epoch of the recording id. files are those
	// of the epoch, as the log has them, and no others: each is an age file with at
	// most 512 stanzas, all of one kind. The error wraps ErrNoKey if none of the
	// reader's keys opens any. Whatever else it returns is believed: with a wrong
	// secret, objects of the epoch look damaged.
	OpenEpoch(ctx context.Context, id string, epoch int, files [][]byte) (*age.HybridIdentity, error)

	// OpenShare returns what is sealed in a share of the recording id: a signed
	// grant, which is not trusted. Anyone who can write to the store can add shares.
	// The error wraps ErrNoKey if none of the reader's keys opens it.
	OpenShare(ctx context.Context, id string, sealed []byte) ([]byte, error)
}

// keyless reports whether the reader has no keys at all.
func (r *Recording) keyless() bool { return len(r.ids) == 0 && r.options.Opener == nil }

// openElsewhere asks the Opener for the secret of epoch n. The errors are those of
// openFiles.
func (r *Recording) openElsewhere(ctx context.Context, n int, files []Entry) (*age.HybridIdentity, error) {
	var errs []error
	for some := range slices.Chunk(files, openAtOnce) {
		read, failed := make([][]byte, len(some)), make([]error, len(some))
		var wg sync.WaitGroup
		for i, file := range some {
			wg.Go(func() { read[i], failed[i] = r.soundFile(ctx, file) })
		}
		wg.Wait()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		sound := slices.DeleteFunc(read, func(b []byte) bool { return b == nil })
		errs = append(errs, slices.DeleteFunc(failed, func(err error) bool { return err == nil })...)
		if len(sound) == 0 {
			continue
		}
		secret, err := r.options.Opener.OpenEpoch(ctx, r.head.ID, n, sound)
		if !errors.Is(err, ErrNoKey) {
			return secret, err
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return nil, ErrNoKey
}

// soundFile returns a file of an epoch that keys may be tried on: its header makes
// sense, and does not mix kinds.
func (r *Recording) soundFile(ctx context.Context, file Entry) ([]byte, error) {
	sealed, err := readEntry(ctx, r.store, r.head.ID, file, maxEpoch)
	if err != nil {
		return nil, err
	}
	if _, err := openEpoch(file.Name, sealed, nil); !errors.Is(err, ErrNoKey) {
		return nil, err
	}
	return sealed, nil
}
