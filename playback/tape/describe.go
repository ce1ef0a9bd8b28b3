package tape

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/media"
)

// Unopened describes a recording for which Open returned err. The State is "" if
// the store failed.
func Unopened(id string, err error) *Description {
	return &Description{ID: id, State: StateOf(err), Err: err}
}

// Log describes the recording by its log, and by which epochs open: a request or
// two for each epoch. The error is the store's, or that of ctx.
func (t *Tape) Log(ctx context.Context) (*Description, error) {
	d := &Description{
		ID: t.ID(), State: t.rec.Head().State, PostQuantum: t.rec.PostQuantum(), Unlisted: t.o.Unlisted,
		Objects: len(t.rec.Entries()), Segments: len(t.log), Opens: AccessNone,
	}
	d.Signers = t.o.Signers(t.rec.Signers())
	opened := t.tryEpochs(ctx)
	opens := 0
	for i, info := range t.rec.Epochs() {
		e := Epoch{Number: info.Number, Hybrid: info.Hybrid, Classic: info.Classic, Opens: opened[i] == nil, First: -1, Last: -1}
		for _, seg := range t.rec.Segments() {
			if seg.Epoch != info.Number {
				continue
			}
			if e.Segments++; e.First < 0 {
				e.First = seg.Number
			}
			e.Last = seg.Number
		}
		d.Epochs = append(d.Epochs, e)
		var corrupt *archive.CorruptError
		switch err := opened[i]; {
		case err == nil:
			opens++
		case errors.Is(err, archive.ErrRevokedGrant):
			d.Withheld = append(d.Withheld, info.Number)
		case errors.Is(err, archive.ErrNoKey):
		case errors.As(err, &corrupt), errors.Is(err, archive.ErrDenied):
			d.Problems = append(d.Problems, err.Error())
		default:
			return d, err
		}
	}
	if len(d.Withheld) > 0 {
		gs, err := t.rec.Grants(ctx)
		if err != nil {
			return d, err
		}
		d.WithheldBy = Signer{Who: "a key that does not count any more", Revoked: true}
		for _, g := range gs {
			if errors.Is(g.Err, archive.ErrRevokedGrant) {
				d.WithheldBy = t.o.signer(g.By)
			}
		}
	}
	if g, err := t.rec.ClaimedShare(ctx); err != nil {
		return d, err
	} else if g != nil {
		d.SharedBy = g.By
	}
	switch {
	case opens == 0 && len(d.Epochs) > 0:
	case opensRest(d.Epochs):
		d.Opens = AccessAll
	default:
		d.Opens = AccessPart
	}
	return d, ctx.Err()
}

// opensRest reports whether all epochs open in which there is something, or may be some day.
// The epoch before those who attend are known has nothing, for one.
func opensRest(epochs []Epoch) bool {
	for i, e := range epochs {
		if !e.Opens && (e.Segments > 0 || i == len(epochs)-1) {
			return false
		}
	}
	return true
}

// signer returns the holder of a key.
func (o Options) signer(key string) Signer {
	if o.Signer == nil {
		return Signer{Key: key, Who: key}
	}
	return o.Signer(key)
}

// Describe describes the recording as far as that is possible without reading
// every byte: it lists the store, tries the keys, and reads what Session reads.
//
// Faults of the recording are in the description. The error is the store's, or
// that of ctx; the description then has what was learned before.
func (t *Tape) Describe(ctx context.Context) (*Description, error) {
	return t.describe(ctx, t.Session)
}

// DescribeSession describes as Describe does, with a session of the recording
// that the caller opened from this Tape or from what was read of it.
func (t *Tape) DescribeSession(ctx context.Context, s *playback.Session) (*Description, error) {
	return t.describe(ctx, func(context.Context) (*playback.Session, error) { return s, nil })
}

// Glance describes as Describe does, for a list. A recording that is not closed
// is not whole anyway. Of the segments of such a recording that no index
// describes, Glance reads only the first and the last, so it may miss holes.
func (t *Tape) Glance(ctx context.Context) (*Description, error) {
	return t.describe(ctx, func(ctx context.Context) (*playback.Session, error) {
		if s := t.opened(); s != nil {
			return s, nil
		}
		return playback.Open(ctx, t, playback.Options{Recording: t.ID(), Brief: t.rec.Head().State != archive.StateClosed})
	})
}

func (t *Tape) describe(ctx context.Context, session func(context.Context) (*playback.Session, error)) (*Description, error) {
	// Both at once.
	there := make(map[string]bool)
	var bytes int64
	var unlisted error
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		for info, err := range archive.List(gctx, t.store, t.ID()+"/") {
			if errors.Is(err, archive.ErrDenied) || errors.Is(err, archive.ErrNotListed) {
				unlisted = err
				return nil
			} else if err != nil {
				return err
			}
			there[strings.TrimPrefix(info.Name, t.ID()+"/")] = true
			bytes += info.Size
		}
		return nil
	})
	var d *Description
	g.Go(func() (err error) {
		d, err = t.Log(gctx)
		return err
	})
	err := g.Wait()
	if ctx.Err() != nil {
		return d, ctx.Err()
	} else if err != nil {
		return d, err
	}
	d.Bytes = bytes
	d.Unlisted = d.Unlisted || errors.Is(unlisted, archive.ErrNotListed)
	if unlisted != nil && !d.Unlisted {
		d.Problems = append(d.Problems, unlisted.Error())
	} else if unlisted == nil {
		for _, o := range t.rec.Entries() {
			if !there[o.Name] {
				d.Missing = append(d.Missing, o.Name)
			}
		}
	}
	if d.Opens == AccessNone {
		return d, nil
	}
	s, err := session(ctx)
	if unreadable := (*playback.SegmentError)(nil); errors.As(err, &unreadable) && ctx.Err() == nil {
		// And so are all others.
		switch torn := t.tornError(unreadable.Number); {
		case errors.Is(err, playback.ErrLocked):
		case torn != nil:
			d.Unreadable = []Unreadable{{Segment: unreadable.Number, Why: WhyTorn, Text: torn.Error()}}
		case errors.Is(err, playback.ErrDamaged):
			d.Problems = append(d.Problems, unreadable.Err.Error())
		default:
			return d, err
		}
		return d, nil
	} else if err != nil {
		return d, err
	}
	d.addSession(s, t.rec.Head().State == archive.StateClosed || t.opened() == s)
	d.addAgreements(t.o)
	d.addUnreadable(t, s, func(name string) bool { return unlisted != nil || there[name] })
	return d, nil
}

// addSession adds what a session knows. all reports that it knows all segments.
func (d *Description) addSession(s *playback.Session, all bool) {
	d.Start, d.Duration, d.Events, d.HolesKnown = s.Start(), s.Duration(), s.Events(), all
	d.Room, d.Meeting, d.ResealedFrom = Room(d.Events), meetingOf(d.Events), ResealedFrom(d.Events)
	d.RecorderCard = recorderCard(d.Events)
	d.PartOf, _ = linked(d.Events, media.EventPartOf)
	d.Follows, d.FollowsToo = linked(d.Events, media.EventFollows)
	if d.Follows == "" {
		d.Follows, d.FollowsToo, d.FollowsTold = d.FollowsToo, "", d.FollowsToo != ""
	} else if d.FollowsToo == d.Follows {
		d.FollowsToo = ""
	}
	d.Imported = ImportedFrom(d.Events)
	d.Title = playback.Title(d.Events)
	d.Tracks = Tracks(s.Tracks(), d.Events, d.Duration)
	tracks := make([]media.Track, len(d.Tracks))
	for i, t := range d.Tracks {
		tracks[i] = t.Track
	}
	d.People, d.Servers = peopleOf(tracks, d.Events, d.Duration), serversOf(d.Events)
	d.Names = media.NewNames(tracks, d.Events)
	d.Silent = silences(tracks, d.Names, d.Events)
	d.Holes = Holes(tracks, d.Names, playback.Holes(d.Events))
}

// addAgreements adds what members signed about being recorded, and faults of that.
func (d *Description) addAgreements(o Options) {
	a := o.readAgreements(d.ID, d.Events, d.Duration)
	d.MemberKeys = a.members
	for i := range d.People {
		p := &d.People[i]
		p.Agreed = a.of[p.Identity]
		for _, f := range a.faults {
			if f.Participant == p.Identity {
				p.Faults = append(p.Faults, f)
			}
		}
	}
}

// Agreements returns, by participant, what members signed about being recorded, as the
// events of the recording have it, and whether they made the room's keys. Without
// Options.Evidence nothing of that is known.
func (t *Tape) Agreements(events []media.Event, end time.Duration) (of map[string][]Agreement, memberKeys bool) {
	a := t.o.readAgreements(t.ID(), events, end)
	return a.of, a.members && t.o.Evidence != nil
}

// addUnreadable adds the segments that cannot be read, and why. there reports
// whether the store has an object, since an index may describe segments that are
// gone.
func (d *Description) addUnreadable(t *Tape, s *playback.Session, there func(name string) bool) {
	for _, seg := range s.Segments() {
		entry, listed := t.log[seg.Number]
		u := Unreadable{Segment: seg.Number, From: seg.From, To: seg.To}
		switch torn := t.tornError(seg.Number); {
		case seg.State == playback.Locked:
			if n := len(d.Locked); n > 0 && d.Locked[n-1].Epoch == entry.Epoch {
				d.Locked[n-1].Last, d.Locked[n-1].To = seg.Number, seg.To
			} else {
				d.Locked = append(d.Locked, LockedSpan{entry.Epoch, seg.Number, seg.Number, seg.From, seg.To})
			}
			continue
		case seg.State == playback.Unlisted:
			u.Why, u.Text = WhyLeftOut, fmt.Sprintf("segment %d is not in the log, and later ones are", seg.Number)
		case listed && !there(entry.Name):
			u.Why, u.Text = WhyMissing, entry.Name+" is not in the store"
		case torn != nil:
			u.Why, u.Text = WhyTorn, torn.Error()
		case seg.State == playback.Failed:
			u.Why, u.Text = WhyDamaged, seg.Err.Error()
		case seg.Err != nil:
			u.Why, u.Text = WhyStore, seg.Err.Error()
		default:
			continue
		}
		d.Unreadable = append(d.Unreadable, u)
	}
}

// Room returns the name of the room. "" means that the events do not have it.
func Room(events []media.Event) string {
	for _, e := range events {
		if e.Type == media.EventStart {
			return e.Text
		}
	}
	return ""
}

// meetingOf returns the ID that the room's server had for the meeting. "" means that the
// events do not have it.
func meetingOf(events []media.Event) string {
	for _, e := range events {
		if e.Type == media.EventStart {
			return e.Name
		}
	}
	return ""
}

// linked returns the recording that the events name in events of a type by the recorder's own
// word, and the one that they name by another's; "" for none.
func linked(events []media.Event, by media.EventType) (own, told string) {
	for _, e := range events {
		switch {
		case e.Type != by || archive.ValidID(e.Text) != nil:
		case e.Reason == "" && own == "":
			own = e.Text
		case e.Reason != "" && told == "":
			told = e.Text
		}
	}
	return own, told
}

// recorderCard returns the recorder's card, as it says itself. "" means that the events
// have none.
func recorderCard(events []media.Event) string {
	for _, e := range events {
		if e.Type == media.EventRecorder {
			return e.Text
		}
	}
	return ""
}
