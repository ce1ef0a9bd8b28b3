package archive

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"
)

// Options are the trust, keys and memory of a reader.
type Options struct {
	// Verifiers are the recorders the reader trusts. A head that none of them has
	// signed, and no recorder that one of them approved, is refused. Required.
	Verifiers note.Verifiers

	// Approvers, if not nil, are those whose approvals of Verifiers are told: then
	// no approval makes another key count. Nil means that approvals by Verifiers do:
	// a key that one of them approved may have signed the head as well. See Signer.
	Approvers note.Verifiers

	// Granters verify the shares that count. Nil means Verifiers.
	Granters note.Verifiers

	// Revoked verify grants that no longer count, and are not among Granters:
	// their grants are shown with ErrRevokedGrant, and not used. The time in a
	// grant does not matter, since only its signer vouches for it. Nil means
	// none.
	Revoked note.Verifiers

	// Identities are the reader's keys, tried in this order. Without any, and
	// without an Opener, a recording can be listed and verified, but not read.
	Identities []age.Identity

	// Opener opens what none of Identities does, with keys that are elsewhere. Nil
	// means that there are no others.
	Opener Opener

	// Self are the verifier keys on the reader's own cards, current and former.
	// Grants made to others are shown, not used. Without any Self, a grant is
	// used if one of Identities opens it and one of Granters signed it.
	Self []string

	// Share names a share to read before the others: the random part of
	// Grant.Name. Other shares are found only among the first 1,024 by name that
	// are large enough to be one, since anyone who can write to the store can add
	// some.
	Share string

	// Invited says that an invitation names Share. That share counts then, unless one
	// of Revoked signed it, also if none of Granters did: Grant.Claimed tells. What a
	// grant opens is what the recorder signed, whoever gave it. It changes nothing for
	// other shares.
	Invited bool

	// Heads remembers the largest head seen of each recording. Nil means that
	// nobody notices if the store shows an older state.
	Heads HeadMemory

	// Told is a head of the recording that somebody told the reader of, as an
	// invitation does. It counts as one that was seen, and is not remembered. Its
	// State is StateOpen where that was not told. Nil means none.
	Told *Head
}

// A TornError comes with the beginning of a segment that was being written when
// the recorder died. All bytes that come with it are authentic.
type TornError struct {
	Name string
	Size int // how many bytes there are
}

func (e *TornError) Error() string {
	return fmt.Sprintf("%s is torn: its recorder died, %d bytes are there", e.Name, e.Size)
}

// openAtOnce is how many files of an epoch are read at once. An epoch with 300
// late readers has one file for each.
const openAtOnce = 16

// A SegmentInfo is what the log says of one segment.
type SegmentInfo struct {
	Number int
	Epoch  int // whose readers can open it: the last epoch logged before it
	// Torn: Recover salvaged it after a crash. It may still be whole, which only
	// reading it shows.
	Torn bool
	Entry
}

// An EpochInfo is what the log says of one epoch.
type EpochInfo struct {
	Number  int
	Hybrid  bool // some readers have post-quantum keys
	Classic bool // some readers have others: a quantum computer could open it
}

// A Recording is a recording whose head and log are genuine. It shows the state
// when it was opened; Follow returns a later one. Its methods are safe for
// concurrent use.
type Recording struct {
	options  Options // as Open got them
	store    Store
	head     Head
	signers  []Signer
	ids      []age.Identity
	entries  []Entry
	state    logState      // of entries
	segments []SegmentInfo // by number
	indexes  []SegmentInfo // by number
	epochs   []*epoch      // by number
	followed atomic.Bool   // a later state uses the room behind these slices
	shares   shares
}

// An epoch caches the result of opening it.
type epoch struct {
	EpochInfo
	files []Entry // in the order of the log

	mu     sync.Mutex
	secret *age.HybridIdentity
	err    error // a final error: trying again will not help
}

// Open opens the recording id in s: it checks the signature of the head against
// o.Verifiers, the head against o.Heads, and the log against the head. It reads
// nothing else; keys are tried when something is read.
//
// The error wraps fs.ErrNotExist if there is no head, ErrForeignSigner if no
// trusted recorder signed it, and is a *RollbackError, a *ForkError or a
// *CorruptError if it is not the recording that the recorder left.
func Open(ctx context.Context, s Store, id string, o Options) (*Recording, error) {
	r, err := newest(o.Heads, id, func() (*Recording, error) { return open(ctx, s, id, o) })
	if err != nil {
		return nil, fmt.Errorf("recording %s: %w", id, err)
	}
	return r, nil
}

func open(ctx context.Context, s Store, id string, o Options) (*Recording, error) {
	if err := ValidID(id); err != nil {
		return nil, err
	}
	head, signers, err := fetchSigned(ctx, s, id, o)
	if err != nil {
		return nil, err
	}
	seen, err := checkSeen(o.Heads, head)
	if err != nil {
		return nil, err
	}
	if o.Told != nil {
		if err := checkFollows(*o.Told, head); err != nil {
			return nil, err
		}
	}
	entries, state, _, err := readLog(ctx, s, head)
	if err != nil {
		return nil, err
	}
	grown := func(seen *Head) error { return checkGrown(seen, head, entries) }
	for _, earlier := range []*Head{o.Told, seen} {
		if err := grown(earlier); err != nil {
			return nil, err
		}
	}
	if err := remember(o.Heads, seen, head, grown); err != nil {
		return nil, err
	}
	r := &Recording{options: o, store: s, head: head, signers: signers, state: state, ids: slices.Clone(o.Identities)}
	r.append(entries)
	return r, nil
}

// fetchSigned reads the head, and returns it with who signed it.
func fetchSigned(ctx context.Context, s Store, id string, o Options) (Head, []Signer, error) {
	msg, err := fetchHead(ctx, s, id)
	if err != nil {
		return Head{}, nil, err
	}
	head, signers, err := openTrusted(msg, id, o)
	if err != nil && !errors.Is(err, ErrForeignSigner) {
		err = &CorruptError{Name: headName, Err: err}
	}
	return head, signers, err
}

// append adds lines of the log, and the segments, indexes and epochs that they
// name.
func (r *Recording) append(entries []Entry) {
	r.entries = append(r.entries, entries...)
	for _, e := range entries {
		l, _ := parseName(e.Name)
		if l.kind == Epoch {
			r.epochFile(l, e)
			continue
		}
		// The log begins with an epoch: this was checked.
		info := SegmentInfo{Number: l.number, Epoch: r.epochs[len(r.epochs)-1].Number, Torn: l.torn, Entry: e}
		if l.kind == Segment {
			r.segments = append(r.segments, info)
		} else {
			r.indexes = append(r.indexes, info)
		}
	}
}

// epochFile adds a file of an epoch.
func (r *Recording) epochFile(l logged, file Entry) {
	n := len(r.epochs)
	if n == 0 || r.epochs[n-1].Number != l.number {
		r.epochs = append(r.epochs, &epoch{EpochInfo: EpochInfo{Number: l.number}})
		n++
	}
	e := r.epochs[n-1]
	e.files = append(e.files, file)
	e.Classic = e.Classic || l.classic
	e.Hybrid = e.Hybrid || !l.classic
}

// Head returns the head the recording was opened at.
func (r *Recording) Head() Head { return r.head }

// Signers returns those who signed the head and count. A key may be there twice: because
// it is trusted, and by an approval.
func (r *Recording) Signers() []Signer { return slices.Clone(r.signers) }

// Entries returns the log.
func (r *Recording) Entries() []Entry { return slices.Clone(r.entries) }

// Objects returns the entries of one kind, in the order of the log.
func (r *Recording) Objects(k Kind) []Entry {
	var of []Entry
	for _, e := range r.entries {
		if l, _ := parseName(e.Name); l.kind == k {
			of = append(of, e)
		}
	}
	return of
}

// Segments returns the segments by number. A number that is left out is of a
// segment that was given up while recording.
func (r *Recording) Segments() []SegmentInfo { return slices.Clone(r.segments) }

// Indexes returns the numbers of the index objects, rising.
func (r *Recording) Indexes() []int {
	var numbers []int
	for _, i := range r.indexes {
		numbers = append(numbers, i.Number)
	}
	return numbers
}

// Epochs returns the epochs by number.
func (r *Recording) Epochs() []EpochInfo {
	var infos []EpochInfo
	for _, e := range r.epochs {
		infos = append(infos, e.EpochInfo)
	}
	return infos
}

// PostQuantum reports whether every epoch was sealed to post-quantum keys only.
func (r *Recording) PostQuantum() bool {
	return !slices.ContainsFunc(r.epochs, func(e *epoch) bool { return e.Classic })
}

// ReadSegment reads segment n in one request and returns its plaintext, which the
// caller may change. It compares the bytes with the log before it decrypts any.
//
// The error wraps fs.ErrNotExist if the log has no segment n, and ErrNoKey if no
// identity opens its epoch. It is a *CorruptError if the segment is damaged. For
// a torn segment, ReadSegment returns what there is, and a *TornError.
func (r *Recording) ReadSegment(ctx context.Context, n int) ([]byte, error) {
	return r.readObject(ctx, r.segments, Segment, n)
}

// ReadIndex reads index n as ReadSegment does a segment.
func (r *Recording) ReadIndex(ctx context.Context, n int) ([]byte, error) {
	return r.readObject(ctx, r.indexes, Index, n)
}

func (r *Recording) readObject(ctx context.Context, of []SegmentInfo, k Kind, n int) ([]byte, error) {
	i, ok := slices.BinarySearchFunc(of, n, func(s SegmentInfo, n int) int { return cmp.Compare(s.Number, n) })
	if !ok {
		return nil, fmt.Errorf("%v %d is not in the log: %w", k, n, fs.ErrNotExist)
	}
	info := of[i]
	secret, err := r.secret(ctx, info.Epoch)
	if err != nil {
		return nil, fmt.Errorf("%v %d: %w", k, n, err)
	}
	sealed, err := readEntry(ctx, r.store, r.head.ID, info.Entry, MaxObject)
	if err != nil {
		return nil, err
	}
	src, err := age.Decrypt(bytes.NewReader(sealed), secret)
	if err != nil {
		return nil, &CorruptError{Name: info.Name, Err: err}
	}
	plain := bytes.NewBuffer(make([]byte, 0, len(sealed)))
	_, err = plain.ReadFrom(src)
	switch {
	case err == nil:
		return plain.Bytes(), nil
	case info.Torn:
		return plain.Bytes(), &TornError{Name: info.Name, Size: plain.Len()}
	}
	return nil, &CorruptError{Name: info.Name, Err: err}
}

// EpochSecret returns the secret of epoch n, which opens every segment and index
// of the epoch. It takes the secret from the epoch's files, or else from a grant.
// The error wraps ErrNoKey if no identity opens any of these, and fs.ErrNotExist
// if there is no such epoch.
func (r *Recording) EpochSecret(ctx context.Context, n int) (age.Identity, error) {
	secret, err := r.secret(ctx, n)
	if err != nil {
		return nil, err
	}
	return secret, nil
}

func (r *Recording) secret(ctx context.Context, n int) (*age.HybridIdentity, error) {
	i, ok := slices.BinarySearchFunc(r.epochs, n, func(e *epoch, n int) int { return cmp.Compare(e.Number, n) })
	if !ok {
		return nil, fmt.Errorf("epoch %d is not in the log: %w", n, fs.ErrNotExist)
	}
	e := r.epochs[i]
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.secret != nil || e.err != nil {
		return e.secret, e.err
	}
	if r.keyless() {
		return nil, fmt.Errorf("epoch %d: %w: there are none", n, ErrNoKey)
	}
	secret, err := r.openFiles(ctx, e.files)
	if err != nil && r.options.Opener != nil && ctx.Err() == nil {
		secret, err = r.openElsewhere(ctx, n, e.files)
	}
	if err != nil {
		granted, grantErr := r.granted(ctx, n)
		switch {
		case grantErr == nil:
			secret, err = granted, nil
		case errors.Is(err, ErrNoKey):
			err = grantErr
		case !errors.Is(grantErr, ErrNoKey):
			err = errors.Join(err, grantErr)
		}
	}
	switch {
	case err == nil:
		e.secret = secret
	case errors.Is(err, ErrNoKey):
		err = fmt.Errorf("epoch %d: %w", n, err)
		e.err = err
	}
	return e.secret, err
}

// openFiles returns the secret in the first of an epoch's files that opens. The
// error wraps ErrNoKey if no file is damaged and none opens.
func (r *Recording) openFiles(ctx context.Context, files []Entry) (*age.HybridIdentity, error) {
	if len(r.ids) == 0 {
		return nil, ErrNoKey
	}
	var errs []error
	for some := range slices.Chunk(files, openAtOnce) {
		secrets, failed := make([]*age.HybridIdentity, len(some)), make([]error, len(some))
		var wg sync.WaitGroup
		for i, file := range some {
			wg.Go(func() {
				sealed, err := readEntry(ctx, r.store, r.head.ID, file, maxEpoch)
				if err == nil {
					secrets[i], err = openEpoch(file.Name, sealed, r.ids)
				}
				failed[i] = err
			})
		}
		wg.Wait()
		for i, err := range failed {
			if err == nil {
				return secrets[i], nil
			}
			if !errors.Is(err, ErrNoKey) {
				errs = append(errs, err)
			}
		}
		if ctx.Err() != nil {
			break
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return nil, ErrNoKey
}

// maxTail is the most unsigned objects that count as a recorder's work in
// progress.
const maxTail = 1024

// Tail returns the objects in the store that the head does not sign, 1,024 at
// most, with names relative to the recording's folder. A recorder at work leaves
// some for a moment, and anyone who can write to the store can add some. They are
// never read as part of the recording. The error wraps ErrNotListed if the store
// does not tell.
func (r *Recording) Tail(ctx context.Context) (tail []Info, err error) {
	for info, err := range unsigned(ctx, r.store, r.head, r.entries) {
		if err != nil {
			return nil, fmt.Errorf("recording %s: %w", r.head.ID, err)
		}
		if tail = append(tail, info); len(tail) == maxTail {
			break
		}
	}
	return tail, nil
}
