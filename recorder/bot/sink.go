package bot

import (
	"errors"
	"fmt"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/recorder"
)

// Sink lets w be a recorder's Sink, for programs that run a recorder.Recorder themselves.
func Sink(w *archive.Writer) recorder.Sink { return sealed{w: w} }

// sealed lets an archive.Writer be a recorder.Sink.
type sealed struct {
	w       *archive.Writer
	backlog *backlog // what is committed waits in it for the store; nil is nowhere
	keeps   func()   // is called once there is something to keep, and then again and again; nil is fine
}

// CreateSegment implements recorder.Sink.
func (s sealed) CreateSegment() (recorder.Object, error) { return s.create(archive.Segment) }

// CreateIndex implements recorder.Sink.
func (s sealed) CreateIndex() (recorder.Object, error) { return s.create(archive.Index) }

func (s sealed) create(kind archive.Kind) (recorder.Object, error) {
	o, err := s.w.Create(kind)
	if err != nil {
		return nil, err // not o: a nil *archive.Object is no nil recorder.Object
	}
	if s.keeps != nil {
		s.keeps()
	}
	return object{o, s.backlog}, nil
}

// object lets an archive.Object be a recorder.Object.
type object struct {
	*archive.Object
	backlog *backlog
}

func (o object) Commit() error {
	commit := o.Object.Commit
	if o.backlog != nil {
		commit = func() error { return o.backlog.commit(o.Object) }
	}
	err := commit()
	if errors.Is(err, archive.ErrUnlogged) {
		return fmt.Errorf("%w: %w", recorder.ErrKept, err)
	}
	return err
}
