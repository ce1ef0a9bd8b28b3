package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"sync"
)

// Kinds of problems that Verify reports.
const (
	ProblemForeignSigner = "foreign-signer" // no trusted recorder signed the head
	ProblemBadHead       = "bad-head"       // the head is not one, or its signature is wrong
	ProblemBadLog        = "bad-log"        // the log is not the one that the head signs
	ProblemRolledBack    = "rolled-back"    // the reader has seen a later state of this recording
	ProblemForked        = "forked"         // the reader has seen another log under this ID
	ProblemMissing       = "missing"        // an object is gone
	ProblemCorrupt       = "corrupt"        // an object has other bytes than were recorded
	ProblemTruncated     = "truncated"      // an object lacks its end
	ProblemSwapped       = "swapped"        // an object has the bytes of another one
	ProblemAdded         = "added"          // an object that the recorder did not sign
	ProblemUnreadable    = "unreadable"     // the store failed to give an object
)

// A Problem is one fault of a recording.
type Problem struct {
	Kind   string // one of the constants above
	Object string // relative to the recording's folder
	Text   string // what is wrong, for people
}

// A Report is what Verify found out.
type Report struct {
	Head     Head     // as signed; zero: there is no genuine one
	Signers  []Signer // trusted recorders that signed it
	Objects  int      // objects with the bytes that were recorded, Unread included
	Unread   int      // of these, objects that only the store's checksum vouches for
	Listed   int      // further objects, which VerifySample did not read but the store lists
	Bytes    int64    // bytes read of all objects
	Problems int
	// Tail are objects after the head of a recording that has not ended. The
	// recorder may be about to sign them, or others may have put them there.
	Tail []Info
	// CannotRuleOut says in sentences what this verification does not prove.
	CannotRuleOut []string
}

// OK reports whether no problem was found. A recording that is not closed can be
// OK: see Head.State.
func (r Report) OK() bool { return r.Problems == 0 }

// Verify reads every object of a recording, on all cores, and reports what
// differs from what its recorder signed. It needs no key. It calls report for
// each problem when it is found, in no particular order, one at a time. A nil
// report is allowed. If head or log are bad, there is nothing to compare the
// objects with, and they are not read.
//
// An error means that the verification is not complete: the store failed, ctx
// ended, or there is no such recording (then the error wraps fs.ErrNotExist).
func Verify(ctx context.Context, s Store, id string, o Options, report func(Problem)) (Report, error) {
	return (&verifier{store: s, id: id, options: o, report: report}).run(ctx)
}

func (v *verifier) run(ctx context.Context) (Report, error) {
	if err := v.verify(ctx); err != nil {
		return v.Report, fmt.Errorf("verifying recording %s: %w", v.id, err)
	}
	return v.Report, nil
}

type verifier struct {
	store   Store
	quick   bool    // objects of which the store keeps the SHA-256 are not read
	share   float64 // of the objects that are read; 0: all
	id      string
	options Options
	report  func(Problem)

	unlisted bool // the store does not list what it has

	mu sync.Mutex // guards Report and calls of report
	Report
}

func (v *verifier) problem(kind, object, format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.Problems++
	if v.report != nil {
		v.report(Problem{kind, object, fmt.Sprintf(format, args...)})
	}
}

func (v *verifier) verify(ctx context.Context) error {
	if err := ValidID(v.id); err != nil {
		return err
	}
	seen, ok, err := v.verifyHead(ctx)
	if err != nil || !ok {
		return err
	}
	entries, state, beyond, err := readLog(ctx, v.store, v.Head)
	var bad *CorruptError
	if errors.As(err, &bad) {
		v.problem(ProblemBadLog, bad.Name, "%v", bad.Err)
		return nil
	} else if err != nil {
		return err
	}
	if v.verifySeen(seen, entries) {
		v.verifySeen(v.options.Told, entries)
	}
	sample, left := entries, map[string]bool(nil)
	if v.share > 0 {
		sample, left = v.draw(entries)
	}
	if err := v.verifyObjects(ctx, sample, entries); err != nil {
		return err
	}
	if err := v.verifyListed(ctx, left); err != nil {
		return err
	}
	if err := v.verifyRest(ctx, entries, state, beyond); err != nil {
		return err
	}
	if err := v.verifyBeside(ctx); err != nil {
		return err
	}
	v.limits(seen)
	if !v.OK() {
		return nil
	}
	err = remember(v.options.Heads, seen, v.Head, func(seen *Head) error { return checkGrown(seen, v.Head, entries) })
	var back *RollbackError
	var fork *ForkError
	switch {
	case errors.As(err, &back):
		// The head was the newest when the verification began.
		v.CannotRuleOut = append(v.CannotRuleOut, "A newer state of the recording was seen meanwhile: it was not verified.")
		return nil
	case errors.As(err, &fork):
		v.problem(ProblemForked, headName, "%v", err)
		return nil
	}
	return err
}

// verifyHead reads the head, and returns the head seen before of this recording.
// ok is false if there is no genuine head.
func (v *verifier) verifyHead(ctx context.Context) (seen *Head, ok bool, err error) {
	// Read memory before the store: a head that another reader sees in between is
	// newer, and no rollback.
	if seen, err = recall(v.options.Heads, v.id); err != nil {
		return nil, false, err
	}
	msg, err := fetchHead(ctx, v.store, v.id)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		for _, listErr := range v.store.List(ctx, v.id+"/") {
			if errors.Is(listErr, ErrNotListed) {
				break
			} else if listErr != nil {
				return nil, false, listErr
			}
			v.problem(ProblemMissing, headName, "there are objects, but %v", err)
			return nil, false, nil
		}
		if other := (*NotObjectError)(nil); errors.As(err, &other) {
			v.problem(ProblemMissing, headName, "%v", err) // in the place of the whole folder
			return nil, false, nil
		}
		return nil, false, err
	case isDefect(err):
		v.problem(ProblemUnreadable, headName, "could not be read: %v", err)
		return nil, false, nil
	case errors.Is(err, ErrTooLarge):
		v.problem(ProblemBadHead, headName, "%v", err)
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	head, signers, err := openTrusted(msg, v.id, v.options)
	if errors.Is(err, ErrForeignSigner) {
		v.problem(ProblemForeignSigner, headName, "%v", err)
		return nil, false, nil
	} else if err != nil {
		v.problem(ProblemBadHead, headName, "%v", err)
		return nil, false, nil
	}
	v.Head, v.Signers = head, signers
	return seen, true, nil
}

// verifySeen compares the head with one that was seen before, and reports whether it
// follows that.
func (v *verifier) verifySeen(seen *Head, entries []Entry) bool {
	if seen == nil {
		return true
	}
	err := checkFollows(*seen, v.Head)
	if err == nil {
		err = checkGrown(seen, v.Head, entries)
	}
	var back *RollbackError
	if errors.As(err, &back) {
		v.problem(ProblemRolledBack, headName, "%v", err)
	} else if err != nil {
		v.problem(ProblemForked, headName, "%v", err)
	}
	return err == nil
}

// verifyObjects hashes the objects of entries, a sample of all that the log
// names.
func (v *verifier) verifyObjects(ctx context.Context, entries, all []Entry) error {
	names := make(map[[sha256.Size]byte]string, len(all))
	for _, e := range all {
		names[e.SHA256] = e.Name
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan Entry)
	workers := runtime.GOMAXPROCS(0)
	if v.quick {
		workers = max(workers, 16) // they wait for answers and compute nothing
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			buf := make([]byte, 256<<10)
			for e := range work {
				if err := v.verifyObject(ctx, e, names, buf); err != nil {
					cancel(err)
				}
			}
		})
	}
feed:
	for _, e := range entries {
		select {
		case work <- e:
		case <-ctx.Done():
			break feed
		}
	}
	close(work)
	wg.Wait()
	return context.Cause(ctx)
}

// verifyObject hashes one object. It returns an error only if it is of no use to
// continue.
func (v *verifier) verifyObject(ctx context.Context, e Entry, names map[[sha256.Size]byte]string, buf []byte) error {
	size, sum, read, err := v.sum(ctx, e.Name, buf)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, ErrNoStore), errors.Is(err, ErrDenied) && !deniedAlone(ctx, v.store, v.id, err):
		return fmt.Errorf("could not read %s: %w", e.Name, err)
	case errors.Is(err, fs.ErrNotExist):
		v.problem(ProblemMissing, e.Name, "%s", notThere(err))
		return nil
	case err != nil:
		v.problem(ProblemUnreadable, e.Name, "could not be read: %v", err)
		return nil
	}
	v.mu.Lock()
	if read {
		v.Bytes += size
	}
	if sum == e.SHA256 {
		v.Objects++
	}
	if sum == e.SHA256 && !read {
		v.Unread++
	}
	v.mu.Unlock()
	if sum == e.SHA256 {
		return nil
	}
	if size > maxSize(e.Name) {
		v.problem(ProblemCorrupt, e.Name, "has more than %d bytes, and no object has so many", maxSize(e.Name))
		return nil
	}
	if other, ok := names[sum]; ok {
		v.problem(ProblemSwapped, e.Name, "has the content of %s", other)
		return nil
	}
	r, err := v.store.Get(ctx, v.id+"/"+e.Name, 0, maxEpoch)
	if err != nil {
		v.problem(ProblemCorrupt, e.Name, "its %d bytes are not those that were recorded", size)
		return nil
	}
	defer r.Close()
	if header, err := headerSize(r); err != nil || cutShort(size-header) {
		v.problem(ProblemTruncated, e.Name, "ends after %d bytes, where no object ends", size)
	} else {
		v.problem(ProblemCorrupt, e.Name, "its %d bytes are not those that were recorded", size)
	}
	return nil
}

// notThere describes an fs.ErrNotExist in words.
func notThere(err error) string {
	if other := (*NotObjectError)(nil); errors.As(err, &other) {
		return "is not in the store: " + other.Error()
	}
	return "is not in the store"
}

// verifyRest finds objects that are there and were not signed.
func (v *verifier) verifyRest(ctx context.Context, entries []Entry, state logState, beyond int) error {
	if beyond > 0 && v.Head.State.Final() {
		v.problem(ProblemAdded, logName(v.Head.Size-1), "%d lines beyond those that the head signs", beyond)
	}
	added := 0
	for info, err := range unsigned(ctx, v.store, v.Head, entries) {
		if errors.Is(err, ErrNotListed) {
			v.unlisted = true
			return nil
		} else if isDefect(err) || deniedAlone(ctx, v.store, v.id, err) {
			v.problem(ProblemUnreadable, "listing", "%v", err)
			return nil
		} else if err != nil {
			return err
		}
		if !v.Head.State.Final() && mayFollow(info.Name, state) && len(v.Tail) < maxTail {
			v.Tail = append(v.Tail, info)
			continue
		}
		if added++; added > maxTail {
			v.problem(ProblemAdded, info.Name, "and others behind it, which were not looked at: more than %d are not in the log", maxTail)
			break
		}
		v.problem(ProblemAdded, info.Name, "is not in the log: the recorder did not sign it")
	}
	return nil
}

// verifyBeside finds the grants and attachments that are damaged, of as many as a reader
// looks at.
func (v *verifier) verifyBeside(ctx context.Context) error {
	for _, of := range []struct {
		folder    string
		most      int
		what, are string
	}{{sharesFolder, maxShares, "grants", "granted"}, {attachmentsFolder, maxAttachments, "attachments", "attached"}} {
		n := 0
		for info, err := range List(ctx, v.store, v.id+"/"+of.folder) {
			if errors.Is(err, ErrNotListed) || isDefect(err) || deniedAlone(ctx, v.store, v.id, err) {
				return nil // verifyRest has told
			} else if err != nil {
				return err
			}
			name := strings.TrimPrefix(info.Name, v.id+"/")
			if _, _, ok := folderBeside(name); !ok {
				continue
			}
			if n++; n > of.most {
				v.problem(ProblemAdded, name, "and others behind it, which were not looked at: there are more than %d %s", of.most, of.what)
				break
			}
			_, err := readBeside(ctx, v.store, v.id, name)
			var bad *CorruptError
			switch {
			case errors.Is(err, fs.ErrNotExist): // deleted since
			case errors.As(err, &bad):
				v.problem(ProblemCorrupt, name, "is not what was %s: %v", of.are, bad.Err)
			case err != nil:
				return err
			}
		}
	}
	return nil
}

// mayFollow reports whether a recorder that goes on with the log could have left
// an object of this name, before the next head.
func mayFollow(name string, log logState) bool {
	l, ok := parseName(strings.TrimSuffix(name, partSuffix))
	if !ok {
		return name == logName(log.size)
	}
	return l.number >= log.next[l.kind] || log.current(l)
}

// limits sets CannotRuleOut.
func (v *verifier) limits(seen *Head) {
	cannot := func(text string) { v.CannotRuleOut = append(v.CannotRuleOut, text) }
	switch v.Head.State {
	case StateOpen:
		cannot("The recording is not closed: it may go on, or its end may have been withheld.")
	case StateCut:
		cannot("The recorder died: what it had not yet written is lost, and a torn segment may lack its end.")
	}
	if len(v.Tail) > 0 {
		cannot("Objects beyond the head are not signed: they may come from the recorder or from anyone else.")
	}
	if v.Unread > 0 {
		cannot(fmt.Sprintf("%d objects were not read, only compared by the checksums that the store keeps: it may lie, and a disk may have decayed since.", v.Unread))
	}
	if v.Listed > 0 {
		cannot(fmt.Sprintf("%d objects were not read, only seen in the store's listing: what is damaged in one of them goes unnoticed. Another run draws others.", v.Listed))
	}
	if v.unlisted {
		cannot("Objects may have been added that the recorder did not sign, and grants may be damaged: the store does not list what it has.")
	}
	if seen == nil && !v.Head.State.Final() {
		cannot("An older state of the recording may have been put back: no newer one is remembered.")
	}
	cannot("The recorder itself may have left something out or made it up: its signature says who recorded, not what happened.")
	cannot("Whole recordings may have been removed from the store.")
}
