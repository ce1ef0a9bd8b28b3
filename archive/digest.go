package archive

import (
	"context"
	"crypto/sha256"
)

// A Digester is a [Store] that also reads whole objects with their SHA-256. The hash
// is computed where the recording is read, of the very bytes that are returned, by
// something that is faster at it than this module: in a browser, by WebCrypto. It is
// never the store's word; Info.SHA256 is that.
//
// Recordings are read by GetDigest where their store has it. A store that wraps
// another one, as Retry does, passes it on.
type Digester interface {
	Store
	// GetDigest reads an object of max bytes at most. The errors are those of Get,
	// and ErrTooLarge. The bytes are the caller's.
	GetDigest(ctx context.Context, name string, max int64) (data []byte, sum [sha256.Size]byte, err error)
}

// readSummed reads a whole object, and hashes it. The errors are those of readAll.
func readSummed(ctx context.Context, s Store, name string, max int64) (data []byte, sum [sha256.Size]byte, err error) {
	if d, ok := s.(Digester); ok {
		return d.GetDigest(ctx, name, max)
	}
	if data, err = readAll(ctx, s, name, max); err == nil {
		sum = sha256.Sum256(data)
	}
	return data, sum, err
}

// A retryDigester is the Store that Retry returns for a Digester.
type retryDigester struct {
	*retryStore
	digester Digester
}

func (s retryDigester) GetDigest(ctx context.Context, name string, max int64) (data []byte, sum [sha256.Size]byte, err error) {
	t := s.newTries(name)
	t.givesOthers = s.givesOthers
	err = t.do(ctx, func() error {
		data, sum, err = s.digester.GetDigest(ctx, name, max)
		return err
	})
	return data, sum, err
}
