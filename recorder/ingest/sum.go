package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A Sum tells whether two tracks have the same frames at the same times: their bytes,
// their order, and when they are shown, to 100 µs. It is not safe for concurrent use.
type Sum struct {
	Frames int
	hash   hash.Hash
}

// NewSum returns the sum of no frames.
func NewSum() *Sum { return &Sum{hash: sha256.New()} }

// Add adds the next frame.
func (s *Sum) Add(f media.Frame) {
	s.Frames++
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(f.Shown().Round(100*time.Microsecond)/(100*time.Microsecond)))
	binary.BigEndian.PutUint64(b[8:], uint64(len(f.Data)))
	s.hash.Write(b[:])
	s.hash.Write(f.Data)
}

// String returns the sum as text: two are Equal if their texts are.
func (s Sum) String() string { return fmt.Sprintf("%d %x", s.Frames, s.hash.Sum(nil)) }

// Equal reports whether both are sums of the same frames.
func (s Sum) Equal(o Sum) bool {
	return s.Frames == o.Frames && string(s.hash.Sum(nil)) == string(o.hash.Sum(nil))
}
