package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/sealtape/sealtape/archive/link"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/tape"
)

// meetingFor has the invitation name all recordings of t's meeting. With --to, each is shared.
// Without --meeting it tells that there are others, if t says so.
func (o *linkOptions) meetingFor(ctx context.Context, a *access.Access, t *tape.Tape, i *link.Invitation) error {
	parts, err := partsOf(ctx, a, t, o.meeting, "makes a link to all its parts", nil)
	if err != nil || !o.meeting {
		return err
	}
	if len(parts) == 0 && len(t.Segments()) == 0 {
		return nothingKept(t)
	}
	d, err := t.Glance(ctx)
	if err != nil {
		return err
	}
	all := []*tape.Description{d}
	for _, p := range parts {
		d, err := p.Glance(ctx)
		if err != nil {
			return err
		}
		all = append(all, d)
	}
	byID := make(map[string]*tape.Tape)
	for _, p := range parts {
		byID[p.ID()] = p
	}
	tape.ByStart(all)
	for _, d := range all {
		p := byID[d.ID]
		if p == nil {
			i.Meeting = append(i.Meeting, link.Part{})
			continue
		}
		if err := a.Distrust(p.ID(), p.Recording().Signers()); err != nil {
			return err
		}
		of, err := inviteTo(a, p)
		if err != nil {
			return fmt.Errorf("recording %s: %w", p.ID(), err)
		}
		part := link.Part{Recording: of.Recording, Size: of.Size, Root: of.Root}
		if !bytes.Equal(of.Recorder, i.Recorder) {
			part.Recorder = of.Recorder
		}
		of.Store, of.Query = i.Store, i.Query
		if err := tryReading(ctx, a, of); err != nil {
			return ui.Hinted(fmt.Errorf("another part of the meeting, %s, is not to be had by a link yet: %w", p.ID(), err), "a link to this recording alone prints the policy", "sealtape link "+p.ID())
		}
		if o.to != "" {
			if part.Share, err = shareFor(ctx, a, p, o.to); err != nil {
				return err
			}
		}
		i.Meeting = append(i.Meeting, part)
	}
	if len(i.Meeting) > link.MaxParts || len(i.String()) > link.MaxLink {
		return ui.Hinted(fmt.Errorf("the meeting has %d recordings, more than a link can name", len(i.Meeting)), "make a link to each of them")
	}
	if len(i.Meeting) < 2 {
		return errors.New("the other parts of the meeting do not open for you, so you cannot vouch for them")
	}
	return nil
}
