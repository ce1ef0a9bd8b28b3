package bot

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/recorder"
)

// sealed lets an archive.Writer be a recorder.Sink. What it commits waits for
// the store.
type sealed struct {
	w       *archive.Writer
	backlog *backlog
	kept    *atomic.Bool // there is something
}

func (s sealed) Create(k recorder.Kind) (recorder.Object, error) {
	kind := archive.Segment
	if k == recorder.Index {
		kind = archive.Index
	}
	o, err := s.w.Create(kind)
	if err != nil {
		return nil, err // not o: a nil *archive.Object is no nil recorder.Object
	}
	s.kept.Store(true)
	return object{o, s.backlog}, nil
}

// object lets an archive.Object be a recorder.Object.
type object struct {
	*archive.Object
	backlog *backlog
}

func (o object) Commit() error {
	err := o.backlog.commit(o.Object)
	if errors.Is(err, archive.ErrUnlogged) {
		return fmt.Errorf("%w: %w", recorder.ErrKept, err)
	}
	return err
}
