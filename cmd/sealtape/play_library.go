package main

import (
	"context"
	"sync"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/player"
	"github.com/sealtape/sealtape/playback/tape"
)

// A library notes whether the signatures of the recordings that the page opens count.
type library struct {
	*tape.Library

	mu    sync.Mutex
	worst error
}

// distrusted returns why a recording that was opened is not trusted. It is nil if all are
// trusted.
func (l *library) distrusted() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.worst
}

// page returns the library as the page takes it.
func (l *library) page() player.Library { return watchedLibrary{player.Tapes(l.Library), l} }

type watchedLibrary struct {
	player.Library
	l *library
}

func (w watchedLibrary) Open(ctx context.Context, id string) (player.Recording, error) {
	rec, err := w.Library.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	if distrust := (ui.Outcome{ID: id, Verdict: rec.Log().Trust()}).Err(); distrust != nil {
		w.l.mu.Lock()
		defer w.l.mu.Unlock()
		w.l.worst = distrust
	}
	return rec, nil
}
