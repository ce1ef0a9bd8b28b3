package tape

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
)

// Options are the trust and keys of a reader. Without Identities and an Opener a
// recording can be described as far as anyone can see it, but not read.
type Options struct {
	archive.Options

	// Signer returns the holder of a key, by the key's name in
	// archive.Recording.Signers. Nil means that no holder is known. It may be
	// called from several goroutines at once.
	Signer func(key string) Signer

	// Approved, if not nil, completes the holder of a key that counts by an approval:
	// what Signer says of the key itself and of who approved it is in s already.
	Approved func(a archive.Approval, s Signer) Signer

	// Each, if not nil, changes what is brought along for the recording with the ID, which
	// it may open otherwise than others: a share and a head that the reader was told of are
	// those of one recording.
	Each func(id string, o *Options)

	// Evidence reads what members signed about being recorded. Nil means that nobody
	// checks that.
	Evidence *Evidence

	// Unlisted: the store gives objects by name only, so it is not known what it lacks
	// and what was added.
	Unlisted bool

	// OnRead, if not nil, is called after each segment that was read, or could
	// not be read. It may be called from several goroutines at once.
	OnRead func(segment int)

	// OnStoreError, if not nil, is called when a segment could not be read for a
	// momentary reason. An export then ends, by its context: what a store
	// withholds must not look as if it had not been recorded. Nil means that the
	// segment is missing and the others are played. It may be called from several
	// goroutines at once.
	OnStoreError func(error)
}

// A Signer is the holder of a key that signed a recording.
type Signer struct {
	Key string // name of the key, as in the signature
	// Who is the reader's name for the holder. It is Key if the holder is not
	// known.
	Who string
	// Holder is the name on the holder's card, the same for all keys of one holder that
	// count, such as those of a fleet. "" means that no card is pinned, nor an approver's.
	Holder string
	// Revoked: the key was revoked, or counted only by the approval of a revoked
	// key. A signature has no time, so none of the key's can be told from a
	// thief's.
	Revoked bool
	// Claimed are the words of the key, if only an invitation says that it is the
	// recorder's: its card is not pinned. "" otherwise.
	Claimed string
	// Approver is the reader's name for who approved the key, if it counts by that: its
	// own card is not pinned. "" otherwise. Approved is when, by the word of who did.
	Approver string
	Approved time.Time
}

// known reports whether the reader has a name for the holder.
func (s Signer) known() bool { return s.Who != s.Key && s.Claimed == "" }

// Signers returns the holders of the keys that signed a recording, each once: by what
// counts, and rather by its own card than by an approval.
func (o Options) Signers(all []archive.Signer) []Signer {
	var found []Signer
	for _, s := range all {
		next := o.signed(s)
		i := slices.IndexFunc(found, func(f Signer) bool { return f.Key == next.Key })
		switch {
		case i < 0:
			found = append(found, next)
		case found[i].Revoked && !next.Revoked, found[i].Revoked == next.Revoked && !found[i].known() && next.known():
			found[i] = next
		}
	}
	return found
}

// signed returns the holder of a key that signed a recording.
func (o Options) signed(s archive.Signer) Signer {
	key := o.signer(s.Name)
	if s.Approval == nil {
		return key
	}
	by := o.signer(s.Approval.By)
	approved := Signer{Key: s.Name, Who: by.Who, Holder: by.Holder, Revoked: key.Revoked || by.Revoked, Approver: by.Who, Approved: s.Approval.Time}
	if o.Approved != nil {
		approved = o.Approved(*s.Approval, approved)
	}
	return approved
}

// ErrNoHead: the store has objects of the recording, and no head. The recording
// is being uploaded, or its head was removed.
var ErrNoHead = errors.New("it has no head")

// A Tape is a recording whose head and log were found genuine when it was opened.
// It is a playback.Indexer and a playback.Ledger. Its methods are safe for
// concurrent use. It need not be closed.
type Tape struct {
	rec   *archive.Recording
	store archive.Store
	o     Options
	log   map[int]archive.SegmentInfo

	mu      sync.Mutex
	torn    map[int]error // of segments that were read
	session *playback.Session
}

// Open opens the recording id in s, as archive.Open does. The error is that of
// archive.Open. It also wraps ErrNoHead if there is no head.
func Open(ctx context.Context, s archive.Store, id string, o Options) (*Tape, error) {
	if o.Each != nil {
		o.Each(id, &o)
	}
	rec, err := archive.Open(ctx, s, id, o.Options)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &noHeadError{id, err}
	} else if err != nil {
		return nil, err
	}
	return newTape(rec, s, o), nil
}

func newTape(rec *archive.Recording, s archive.Store, o Options) *Tape {
	t := &Tape{rec: rec, store: s, o: o, log: make(map[int]archive.SegmentInfo), torn: make(map[int]error)}
	for _, seg := range rec.Segments() {
		t.log[seg.Number] = seg
	}
	return t
}

type noHeadError struct {
	id  string
	err error
}

func (e *noHeadError) Error() string   { return fmt.Sprintf("recording %s has no head: %v", e.id, e.err) }
func (e *noHeadError) Unwrap() []error { return []error{ErrNoHead, e.err} }

// ID returns the recording's ID.
func (t *Tape) ID() string { return t.rec.Head().ID }

// Recording returns the sealed recording.
func (t *Tape) Recording() *archive.Recording { return t.rec }

// Session returns the recording as tracks and frames on one clock. It is opened
// once and shared by all callers.
func (t *Tape) Session(ctx context.Context) (*playback.Session, error) {
	t.mu.Lock()
	s := t.session
	t.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := playback.Open(ctx, t, playback.Options{Recording: t.ID()})
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.session == nil {
		t.session = s
	}
	return t.session, nil
}

// opened returns the session. Nil means that Session was not called yet.
func (t *Tape) opened() *playback.Session {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.session
}

// Follow returns the recording as the store has it now. If nothing is new, it
// returns t. The result opens its own session; playback.Session.Follow continues
// that of t.
func (t *Tape) Follow(ctx context.Context) (*Tape, error) {
	rec, err := t.rec.Follow(ctx)
	if err != nil {
		return nil, err
	}
	if rec == t.rec {
		return t, nil
	}
	return newTape(rec, t.store, t.o), nil
}

// Access is how much of a recording the reader's keys open.
type Access string

const (
	AccessAll  Access = "all"
	AccessPart Access = "part"
	AccessNone Access = "none"
)

// atOnce is how many epochs are tried at once: each takes a request or two, and a
// bucket may be far away.
const atOnce = 8

// OpensAny reports whether a key opens an epoch. It also returns true if an epoch
// is damaged, so that nobody knows: whoever reads the epoch then gets the error.
// A recording without epochs has no content, so nothing of it is locked.
func (t *Tape) OpensAny(ctx context.Context) (bool, error) {
	epochs := t.rec.Epochs()
	if len(epochs) == 0 {
		return true, nil
	}
	// Usually the first one opens.
	if _, err := t.rec.EpochSecret(ctx, epochs[0].Number); !errors.Is(err, archive.ErrNoKey) {
		return true, ctx.Err()
	}
	for _, err := range t.tryEpochs(ctx) {
		if !errors.Is(err, archive.ErrNoKey) {
			return true, ctx.Err()
		}
	}
	return false, ctx.Err()
}

// tryEpochs returns the errors of opening each epoch, in their order.
func (t *Tape) tryEpochs(ctx context.Context) []error {
	return eachEpoch(t, func(n int) error {
		_, err := t.rec.EpochSecret(ctx, n)
		return err
	})
}

// ReadersAtMost returns to how many keys each epoch is sealed at most. 0 means
// that the epoch's files are damaged: verifying reports how.
func (t *Tape) ReadersAtMost(ctx context.Context) []int {
	return eachEpoch(t, func(n int) int {
		readers, _ := t.rec.ReadersAtMost(ctx, n)
		return readers
	})
}

func eachEpoch[T any](t *Tape, f func(epoch int) T) []T {
	epochs := t.rec.Epochs()
	all := make([]T, len(epochs))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, ep := range epochs {
		g.Go(func() error {
			all[i] = f(ep.Number)
			return nil
		})
	}
	_ = g.Wait() // its functions return none
	return all
}
