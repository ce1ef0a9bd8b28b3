package web

import (
	"context"
	"time"

	"github.com/sealtape/sealtape/playback"
)

// wait returns when the recording's version differs from the given one, or after
// some time. Meanwhile it follows a recording that goes on.
func (t *openRecording) wait(ctx context.Context, version string) {
	ctx, cancel := context.WithTimeout(ctx, t.s.patience.poll)
	defer cancel()
	for {
		t.mu.Lock()
		if t.versionString() != version {
			t.mu.Unlock()
			return
		}
		changed := t.changed
		t.waiting++
		t.mu.Unlock()
		t.follow()
		select {
		case <-changed:
		case <-ctx.Done():
		case <-t.s.ctx.Done():
		}
		t.mu.Lock()
		t.waiting--
		t.mu.Unlock()
		if ctx.Err() != nil || t.s.ctx.Err() != nil {
			return
		}
	}
}

// follow makes one goroutine ask the store for news, as long as anyone waits for
// them.
func (t *openRecording) follow() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.follows || t.rec.Log().Over() {
		return
	}
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	if t.s.closed {
		return
	}
	t.follows = true
	t.s.wg.Go(func() {
		tick := time.NewTicker(t.s.patience.follow)
		defer tick.Stop()
		for t.look() {
			select {
			case <-tick.C:
			case <-t.s.ctx.Done():
				return
			}
		}
	})
}

// look asks the store once. It returns false if nobody waits any more, or the
// recording has ended.
func (t *openRecording) look() bool {
	t.mu.Lock()
	if t.waiting == 0 || t.rec.Log().Over() {
		t.follows = false
		t.mu.Unlock()
		return false
	}
	rec, session := t.rec, t.session
	t.mu.Unlock()
	later, err := rec.Follow(t.s.ctx)
	if err == nil && later != rec {
		var next *playback.Session
		if next, err = session.Follow(t.s.ctx, later); err == nil {
			t.set(later, next)
		}
	}
	if t.s.ctx.Err() == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if (err != nil) != t.lost {
			t.lost = err != nil
			t.s.log.Warn("following the recording", "works", !t.lost, "err", err)
		}
	}
	return true
}
