package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
)

// partsOf returns the other recordings of t's meeting, if meeting says that they are wanted. If
// not, it tells what --meeting does if there are some. set is as for access.OpenTape.
func partsOf(ctx context.Context, a *access.Access, t *tape.Tape, meeting bool, does string, set func(*tape.Options)) ([]*tape.Tape, error) {
	d, err := t.Glance(ctx)
	if err != nil {
		if meeting {
			return nil, err
		}
		return nil, nil // what is exported tells
	}
	if !meeting {
		if d.Follows != "" {
			a.Env.Notef("It goes on with the meeting of %s: --meeting %s.", d.Follows, does)
		}
		return nil, nil
	}
	all, _, err := others(ctx, a, d, 0)
	if err != nil {
		return nil, err
	}
	place := tape.Places(all)[d.ID]
	switch {
	case (place == nil || len(place.Parts) == 0) && len(t.Segments()) == 0:
		return nil, nil // which says enough
	case place == nil, len(place.Parts) == 0:
		if place != nil && place.Problem != "" {
			a.Env.Warnf("recording %s: %s", d.ID, place.Problem)
		}
		return nil, ui.Hinted(ui.Misuse("recording %s is no part of a longer meeting, as far as this store and your keys tell", d.ID), "see what belongs together", "sealtape list")
	}
	identities, err := a.Keys(ctx)
	if err != nil && !errors.Is(err, keys.ErrNoIdentity) {
		return nil, err
	}
	var parts []*tape.Tape
	for _, id := range place.Parts {
		if id == d.ID {
			continue
		}
		p, err := a.OpenTape(ctx, id, identities, set)
		if err != nil {
			return nil, fmt.Errorf("another part of the meeting: %w", err)
		}
		if opens, err := p.OpensAny(ctx); err != nil {
			return nil, err
		} else if !opens {
			a.Env.Warnf("no key of yours opens %s, another part of the meeting: it is left out", id)
			continue
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// joinParts returns the recordings of a meeting as one, and each by itself, that of s first.
// open opens one.
func joinParts(ctx context.Context, s *playback.Session, parts []*tape.Tape, open func(*tape.Tape) (*playback.Session, error)) (joined *playback.Session, all []*playback.Session, err error) {
	all = []*playback.Session{s}
	for _, p := range parts {
		of, err := open(p)
		if err != nil {
			return nil, nil, fmt.Errorf("recording %s: %w", p.ID(), err)
		}
		all = append(all, of)
	}
	joined, err = playback.Join(ctx, all)
	return joined, all, err
}
