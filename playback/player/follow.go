package player

import (
	"context"
	"time"

	"github.com/sealtape/sealtape/playback"
)

// wait returns when the recording's version differs from the given one, or after
// some time. Meanwhile it follows a recording that goes on.
func (t *openRecording) wait(ctx context.Context, version string) {
	ctx, cancel := context.WithTimeout(ctx, t.p.patience.Poll)
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
		case <-t.p.ctx.Done():
		}
		t.mu.Lock()
		t.waiting--
		t.mu.Unlock()
		if ctx.Err() != nil || t.p.ctx.Err() != nil {
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
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	if t.p.closed {
		return
	}
	t.follows = true
	t.p.wg.Go(func() {
		tick := time.NewTicker(t.p.patience.Follow)
		defer tick.Stop()
		for t.look() {
			select {
			case <-tick.C:
			case <-t.p.ctx.Done():
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
	later, err := rec.Follow(t.p.ctx)
	if err == nil && later != rec {
		var next *playback.Session
		if next, err = session.Follow(t.p.ctx, later); err == nil {
			t.set(later, next)
		}
	}
	if t.p.ctx.Err() == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if (err != nil) != t.lost {
			t.lost = err != nil
			t.p.log.Warn("following the recording", "works", !t.lost, "err", err)
		}
	}
	return true
}
