package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
)

// A Summer is a Store that knows the SHA-256 of an object without reading it: a
// server computes it when the object arrives, and keeps it.
type Summer interface {
	// Sum returns what the store holds the object's size and SHA-256 to be.
	// The error wraps errors.ErrUnsupported if it keeps none of this object,
	// and otherwise is as those of Get.
	Sum(ctx context.Context, name string) (Sum, error)
}

// A Sum is what a store says of an object.
type Sum struct {
	Size   int64
	SHA256 [sha256.Size]byte
}

// VerifyQuick is Verify, but takes the store's word where s is a [Summer]: it
// compares the checksum that the store keeps with the log, and reads only the
// objects of which there is none. Head and log are read and checked as ever.
//
// So it finds what is missing, added, swapped or replaced by way of the store,
// and a whole recording put back. It does not find bytes that changed beneath
// the store, nor a store that lies.
func VerifyQuick(ctx context.Context, s Store, id string, o Options, report func(Problem)) (Report, error) {
	v := &verifier{store: s, id: id, options: o, report: report}
	v.summer, _ = s.(Summer)
	return v.run(ctx)
}

// sum returns size and SHA-256 of an object, and whether it was read for that.
func (v *verifier) sum(ctx context.Context, name string, buf []byte) (s Sum, read bool, err error) {
	if v.summer != nil {
		s, err = v.summer.Sum(ctx, v.id+"/"+name)
		if !errors.Is(err, errors.ErrUnsupported) {
			return s, false, err
		}
	}
	s.Size, s.SHA256, err = hashObject(ctx, v.store, v.id+"/"+name, buf)
	return s, true, err
}

// Sum makes what Retry returns a Summer. It is unsupported if the Store below
// is none.
func (s *retryStore) Sum(ctx context.Context, name string) (sum Sum, err error) {
	summer, ok := s.store.(Summer)
	if !ok {
		return sum, fmt.Errorf("no SHA-256 of %s: %w", name, errors.ErrUnsupported)
	}
	var none error // that there is none is an answer, and nothing to try again
	err = s.do(ctx, name, func() (err error) {
		sum, err = summer.Sum(ctx, name)
		if errors.Is(err, errors.ErrUnsupported) {
			none, err = err, nil
		}
		return err
	})
	return sum, errors.Join(err, none)
}
