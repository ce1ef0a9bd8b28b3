package clock

import (
	"context"

	"github.com/sealtape/sealtape/archive"
)

// source lets package playback read an archive.Recording.
type source struct{ *archive.Recording }

func (s source) Segments() (ns []int) {
	for _, seg := range s.Recording.Segments() {
		ns = append(ns, seg.Number)
	}
	return ns
}

func (s source) ReadSegment(ctx context.Context, n int) ([]byte, error) {
	return s.Recording.ReadSegment(ctx, n)
}
