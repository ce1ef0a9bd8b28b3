package bot

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/internal/workers"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder"
)

// A NotStoredError says that the recording is over, and a store did not take all of
// it. The rest is safe in the spool, for a Sweep.
type NotStoredError struct {
	// Away is set where that was not waited for, because ctx had ended.
	Away    bool
	Waiting int   // objects, for the store that lacks most; 0 where that is not known
	Err     error // the stores': of one that was away, why
}

func (e *NotStoredError) Error() string {
	text := "the store did not take all of the recording"
	if e.Away {
		text = "the store is away and did not take all of the recording"
		if e.Waiting > 0 {
			text += fmt.Sprintf(", %s waiting", words.Count(e.Waiting, "object"))
		}
	}
	return fmt.Sprintf("%s: %v", text, e.Err)
}

// Unwrap returns Err, but where it is only that nobody waited.
func (e *NotStoredError) Unwrap() error {
	if e.Away {
		return nil
	}
	return e.Err
}

// ErrNothingRecorded: the recording ended before anything was kept, while the room was
// being told of it. Nothing is left of it, in the spool or in a store.
var ErrNothingRecorded = errors.New("nothing was recorded")

// Record records until ctx ends, the room ends or the times of the Config are over, and
// returns when the stores have everything: none of these is an error. It goes on to
// store for as long as a store might still take it; once ctx has ended, only while none
// is away. What is left in the spool then is a Sweep's: see NotStoredError.
//
// What fails before there is a recording leaves nothing behind. What ends after that, while
// the room is told, does neither, and its error wraps ErrNothingRecorded. A Bot records
// once: of a second call the error is recorder.ErrRecorded.
func (b *Bot) Record(ctx context.Context) (Result, error) {
	if b.begun.Swap(true) {
		return Result{}, recorder.ErrRecorded
	}
	var g workers.Group
	result, err := b.record(ctx, &g)
	if stopped := g.Stop(); stopped != nil {
		err = errors.Join(err, stopped)
	}
	if k := b.c.Meeting.RoomKeys; k != nil {
		k.rings.Clear()
	}
	return result, err
}

// A recording is what a Bot made for its one recording, until that is over.
type recording struct {
	id       string
	writer   *archive.Writer
	recorder *recorder.Recorder
	room     *memberRoom
	meeting  *succession
	told     *milestones

	grown growth      // has a value when there is more for the stores
	kept  atomic.Bool // a segment was begun: there is something to store
}

// keeps notes that there is something to keep.
func (r *recording) keeps() {
	if !r.kept.Swap(true) {
		r.meeting.begin()
	}
}

// changed follows the archive, which has grown.
func (r *recording) changed() {
	if r.kept.Load() { // or it may leave nothing, in a store or in the home
		r.grown.signal()
		r.meeting.goesOn()
	}
}

// record begins what goes on beside the recording, in g, and records.
func (b *Bot) record(ctx context.Context, g *workers.Group) (result Result, err error) {
	// Stores and spool come before the room: one that does not take a recording is
	// found before anybody is told of it.
	b.enter(TryingStores)
	if err := b.tryStores(ctx); err != nil {
		return result, err
	}
	spool, src, err := b.openSpool()
	if err != nil {
		return result, err
	}
	g.Ends(src.Close) // when nobody reads it any more
	r, err := b.prepare(ctx, spool)
	if err != nil {
		return result, err
	}
	result.ID = r.id
	b.tellBegun(r.id)
	from := copySource{spool: spool, id: r.id, store: src, key: b.signer, keep: b.c.KeepLocal}
	u := newUploads(b.c.Stores, from, r.grown, b.monitor.backlog, b.log)
	b.monitor.follow(r.recorder.Status, u.failed, u.waiting)

	// What is begun first ends last.
	var over ending
	// Earlier recordings may go to the store until this one is there.
	g.Start(ctx, func(ctx context.Context) { b.sweep(ctx, spool, src, r.id) })
	// The rest of this one is stored when no other pass goes on.
	g.Ends(func() error { return b.finish(ctx, r, u, over) })
	// It is copied as it grows, up to its end: a meeting must not fill the disk.
	g.Start(ctx, u.run)
	// It ends when nothing is written any more, by us or by those below.
	g.Ends(func() error { over.held, over.err = r.writer.End(); return nil })
	// Who watches store and room tells the room, which is gone after Record.
	g.Start(ctx, func(ctx context.Context) { b.watchStore(ctx, r.room, u) })
	g.Start(ctx, b.monitor.watch)

	b.rec.Store(r.recorder)
	result.Report, err = r.recorder.Record(ctx, r.room)
	if err == nil && r.room.m.left() {
		result.Cause = fmt.Errorf("%w: %w", recorder.ErrEnded, ErrOtherRecords)
	}
	result.Unopened = b.door.found()
	b.enter(Ending)
	if over.nothing = !r.kept.Load(); over.nothing {
		return result, nothingRecorded(ctx, err)
	}
	r.told.ended(result.Report)
	r.meeting.goesOn()
	if err == nil && ctx.Err() == nil && !(b.c.Meeting.GoesOn != nil && b.c.Meeting.GoesOn(result.Cause)) {
		r.meeting.over()
	}
	return result, err
}

// tellBegun tells that there is a recording, and that the room is told of it now.
func (b *Bot) tellBegun(id string) {
	b.mu.Lock()
	b.id = id
	b.mu.Unlock()
	if b.c.Begun != nil {
		b.c.Begun(id)
	}
	b.enter(Telling)
	// The recorder says when that is over.
	b.log.Info("telling the room: nothing is kept yet", "id", id, "for", b.c.Meeting.Notice)
}

// nothingRecorded returns the error of a recording that kept nothing and ended with err.
func nothingRecorded(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return ErrNothingRecorded
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return fmt.Errorf("%w: it was stopped while the room was being told", ErrNothingRecorded)
	}
	return fmt.Errorf("%w: %w", ErrNothingRecorded, err)
}

// openSpool opens the folder where the recording is until the stores have it.
func (b *Bot) openSpool() (path string, s *dir.Store, err error) {
	if path = b.c.Spool; path != "" {
		s, err = dir.Create(path)
	} else {
		path = b.c.Home.SpoolDir()
		s, err = dir.Open(path)
	}
	if err != nil {
		return "", nil, fmt.Errorf("opening the spool: %w", err)
	}
	return path, s, nil
}

// prepare makes a recording in the spool and joins its room. On an error it leaves nothing
// behind.
func (b *Bot) prepare(ctx context.Context, spool string) (*recording, error) {
	r := &recording{grown: newGrown(len(b.c.Stores))}
	var err error
	r.writer, err = archive.Create(spool, archive.Config{
		Signer: b.signer.Signer, Store: b.c.StoreID, Log: b.c.ArchiveLog, Changed: r.changed,
		// Late readers are admitted to the whole only while its secret is known.
		KeepSecret: b.keepsWhole(),
	})
	if err != nil {
		return nil, fmt.Errorf("starting a recording in the spool: %w", err)
	}
	r.id = r.writer.ID()
	if err := b.join(ctx, r); err != nil {
		return nil, errors.Join(err, r.writer.Close()) // without an epoch, this leaves nothing behind
	}
	return r, nil
}

// join joins the room, and only then starts the epoch: a recording exists once there is
// something to record.
func (b *Bot) join(ctx context.Context, r *recording) error {
	notices, err := b.notices()
	if err != nil {
		return err
	}
	var joined atomic.Pointer[membership] // nil until the room is joined; what comes before is said again
	presence, err := b.presence(&joined)
	if err != nil {
		return err
	}
	b.enter(Joining)
	room, err := b.c.Meeting.Join(ctx, presence)
	if err != nil {
		return err
	}
	m, err := newMembership(b, room, r.id)
	if err != nil {
		return errors.Join(err, room.Close())
	}
	joined.Store(m)
	if b.c.Yield {
		card, err := b.c.Identity.Card()
		if err == nil && m.yields(ctx, card) {
			err = ErrOtherRecords
		}
		if err != nil {
			return errors.Join(err, room.Close())
		}
		m.withdrawal = withdrawal{card, b.c.Stop}
	}
	access := &memberAccess{w: r.writer, m: m}
	if err := access.begin(); err != nil {
		return errors.Join(fmt.Errorf("sealing to the readers: %w", err), room.Close())
	}
	r.meeting = b.succession(r.id, room.Name())
	card, cardName, err := ownCard(b.c.Identity)
	if err != nil {
		return errors.Join(err, room.Close())
	}
	r.told = &milestones{tell: b.c.Milestone, id: r.id, room: room.Name(), status: func() recorder.Status { return r.recorder.Status() }}
	r.recorder = recorder.New(recorder.Config{
		Started: r.told.begun, Declared: r.told.declared,
		Recording: r.id, Title: b.c.Title, Follows: r.meeting.before, Before: b.before.begin, PartOf: b.c.PartOf, Card: card, CardName: cardName, Sink: sealed{r.writer, b.monitor.backlog, r.keeps},
		Keys: b.c.Meeting.Keys, MemberKeys: b.c.Meeting.RoomKeys != nil, Plaintext: b.c.Policy.Plaintext, Access: b.access(access), Permission: m.permission,
		Notices: notices, Unopened: b.door.unopened, TurnedAway: b.c.TurnedAway,
		Duration: b.c.Duration, Grace: b.c.Grace, Wait: b.c.Wait, Segment: b.c.Segment, Log: b.log,
	})
	m.records(r.recorder)
	b.before.tell(r.meeting.claims, func(id string) { m.note(func(rec *recorder.Recorder) error { return rec.GoesOnWith(id) }) })
	r.room = withMembers(ctx, room, m)
	return nil
}

// presence is what the bot shows and hears in the room; what it hears is for m.
func (b *Bot) presence(m *atomic.Pointer[membership]) (Presence, error) {
	card, err := b.c.Identity.Card()
	if err != nil {
		return Presence{}, err
	}
	p := Presence{
		Attributes: map[string]string{"sealtape.state": phaseWaiting, "sealtape.key": card.Fingerprint().String()},
		Receive: func(topic, from string, data []byte) bool {
			if topic != member.Topic {
				return false
			}
			if m := m.Load(); m != nil {
				m.session.Receive(from, data)
			}
			return true
		},
		Call: func(ctx context.Context, method, from, payload string) (string, bool, error) {
			if m := m.Load(); m != nil {
				return m.call(ctx, method, from, payload)
			}
			return "", false, nil
		},
		Before: b.before.told,
		// Until the grace is over, or the wait.
		Reopen: func(attended bool) bool { return !attended || b.c.Grace != recorder.Never },
		Log:    b.log,
	}
	if b.c.Policy.Consent == ConsentAsk {
		p.Answer = func(e recorder.RoomEvent) bool {
			said, doubt := answerTo(e, b.c.Meeting.Keys != nil)
			return said != unanswered && doubt == ""
		}
	}
	return p, nil
}

// An ending is how a recording ended in the spool.
type ending struct {
	held    *archive.Spooled // keeps other processes away; nil if it did not end
	err     error
	nothing bool // was kept
}

// finish brings the rest of a recording that is over to the stores. Until that is
// settled no other process takes it from the spool: a sweep would store and remove it
// under our hands.
func (b *Bot) finish(ctx context.Context, r *recording, u *uploads, over ending) (err error) {
	if over.nothing {
		if over.held == nil {
			return over.err
		}
		return errors.Join(over.held.Remove(), over.held.Close())
	}
	b.enter(Storing)
	stored := b.storeRest(ctx, u)
	switch {
	case over.err != nil:
		// Not over: what is in the spool is what recover ends it with.
		err = errors.Join(fmt.Errorf("closing the recording: %w", over.err), stored)
	case stored != nil:
		err = stored
	case over.held != nil:
		if err = u.copies.endLocal(over.held); err == nil {
			r.told.stored()
		}
	}
	if over.held != nil {
		err = errors.Join(err, over.held.Close())
	}
	return err
}

// storeRest makes one more pass to each store.
func (b *Bot) storeRest(ctx context.Context, u *uploads) error {
	storing, stop := whileStored(ctx, u.failed, u.waiting, func(objects int) {
		b.log.Warn("waiting for the store to take the rest, which is safe in the spool: it stays there once nothing was stored for some time", "objects", objects, "time", storingPatience)
	})
	defer stop()
	if err := u.finish(storing); err != nil {
		return &NotStoredError{Away: storing.Err() != nil, Waiting: u.waiting(), Err: err}
	}
	return nil
}
