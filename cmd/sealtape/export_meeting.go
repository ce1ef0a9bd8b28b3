package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/playback/transcript"
)

// partsOf returns the other recordings of t's meeting, if meeting says that they are wanted. If
// not, it tells what --meeting does if there are some.
func partsOf(ctx context.Context, a *access.Access, t *tape.Tape, meeting bool, does string) ([]*tape.Tape, error) {
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
		p, err := a.OpenTape(ctx, id, identities, nil)
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
func joinParts(ctx context.Context, s *playback.Session, parts []*tape.Tape) (joined *playback.Session, all []*playback.Session, err error) {
	all = []*playback.Session{s}
	for _, p := range parts {
		of, err := p.Session(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("recording %s: %w", p.ID(), err)
		}
		all = append(all, of)
	}
	joined, err = playback.Join(ctx, all)
	return joined, all, err
}

// meetingWords returns what was said in a meeting, on the clock of s, which joins the
// recordings: of each what chooseWords says, so that one may have a transcript that was
// attached, and another none.
func meetingWords(ctx context.Context, a *access.Access, tapes []*tape.Tape, each []*playback.Session, s *playback.Session, o *exportOptions) (*transcript.Transcript, error) {
	if o.words == wordsLive {
		return s.Said(), nil
	}
	var all transcript.Transcript
	var none error
	for i, of := range each {
		words, err := chooseWords(ctx, a, tapes[i], of, o)
		switch {
		case errors.Is(err, playback.ErrNoWords):
			none = err
			continue
		case err != nil:
			return nil, err
		case words == nil:
			continue
		}
		at := of.Start().Sub(s.Start())
		for _, c := range words.Cues[:min(len(words.Cues), transcript.MaxCues-len(all.Cues))] {
			c.From, c.To = c.From+at, c.To+at
			all.Cues = append(all.Cues, c)
		}
		all.Language = cmp.Or(all.Language, words.Language)
	}
	if len(all.Cues) == 0 {
		return nil, none
	}
	slices.SortStableFunc(all.Cues, func(a, b transcript.Cue) int { return cmp.Compare(a.From, b.From) })
	return &all, nil
}
