package archive

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	mrand "math/rand/v2"
	"strings"
)

// VerifySample verifies as Verify does, but reads every epoch file and only a
// share of the segments and indexes: at least one, chosen anew at random each
// time. Of the others it checks only that the store lists them. share is more
// than 0 and at most 1. Head and log are read and checked as by Verify.
//
// So it finds everything that is missing or was added. Of d damaged objects it
// finds at least one with a probability of 1-(1-share)^d: with a share of 5 % and
// 90 damaged objects, 99 times of 100.
func VerifySample(ctx context.Context, s Store, id string, o Options, share float64, report func(Problem)) (Report, error) {
	if !(share > 0 && share <= 1) {
		return Report{}, fmt.Errorf("a sample is a share of more than 0 and at most 1, not %v", share)
	}
	return (&verifier{store: s, id: id, options: o, report: report, share: share}).run(ctx)
}

// draw returns the entries to read, and the names of the others.
func (v *verifier) draw(entries []Entry) (sample []Entry, left map[string]bool) {
	var others []Entry
	for _, e := range entries {
		if l, _ := parseName(e.Name); l.kind == Epoch {
			sample = append(sample, e)
		} else {
			others = append(others, e)
		}
	}
	// Whoever damages objects must not know which are read.
	var seed [32]byte
	rand.Read(seed[:])
	mrand.New(mrand.NewChaCha8(seed)).Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	n := int(math.Ceil(v.share * float64(len(others))))
	left = make(map[string]bool, len(others)-n)
	for _, e := range others[n:] {
		left[e.Name] = true
	}
	return append(sample, others[:n]...), left
}

// verifyListed looks for the objects of these names in the store's listing.
func (v *verifier) verifyListed(ctx context.Context, left map[string]bool) error {
	if len(left) == 0 {
		return nil
	}
	for info, err := range List(ctx, v.store, v.id+"/") {
		if err != nil {
			return fmt.Errorf("could not list the objects: %w", err)
		}
		name := strings.TrimPrefix(info.Name, v.id+"/")
		if !left[name] {
			continue
		}
		delete(left, name)
		if info.Size == 0 || info.Size > maxSize(name) {
			v.problem(ProblemCorrupt, name, "has %d bytes, and no object has so many", info.Size)
			continue
		}
		v.Listed++
	}
	for name := range left {
		v.problem(ProblemMissing, name, "is not in the store")
	}
	return nil
}
