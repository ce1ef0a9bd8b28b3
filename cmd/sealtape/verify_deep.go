package main

import (
	"context"
	"errors"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback/tape"
)

// verifyDeep decrypts all of a recording and compares it with itself. known are the problems
// that were found without a key.
func verifyDeep(ctx context.Context, a *access.Access, id string, known []archive.Problem) (*show.DeepReport, error) {
	identities, err := a.Keys(ctx)
	if errors.Is(err, keys.ErrNoIdentity) {
		return nil, ui.NoKey(id, err)
	} else if err != nil {
		return nil, err
	}
	var bar *terminal.Bar
	t, err := a.OpenTape(ctx, id, identities, func(o *tape.Options) { o.OnRead = func(int) { bar.Add(1) } })
	if err != nil {
		return nil, err
	}
	bar = a.Env.Progress("decrypting", int64(len(t.Segments())))
	defer bar.Finish()
	r, err := t.Check(ctx, known)
	if errors.Is(err, archive.ErrNoKey) {
		bar.Finish()
		if err := a.Untrusted(ctx, t); err != nil {
			return nil, err
		}
		return nil, a.Locked(ctx, t, nil)
	} else if err != nil {
		return nil, err
	}
	d := &show.DeepReport{CheckReport: r}
	d.Limits()
	return d, nil
}
