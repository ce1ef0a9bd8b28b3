package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot/livekitroom"
	"github.com/sealtape/sealtape/recorder/livekit"
)

// A recording is what one run of the record command makes.
type recording struct {
	env      *env
	home     *keys.Home
	identity *keys.Identity
	key      recorderKey
	stores   []namedStore // all are to have it
	storeID  string       // names them: see openStores
	readers  []reader
	members  memberCards // who reads what they attend
	policy   policy      // who else does, and who is recorded
	whole    bool        // who attended reads all instead
	join     livekit.Config
	keys     *livekitroom.Keys // nil: the room is not end-to-end encrypted
	segment  time.Duration
	duration time.Duration
	grace    time.Duration // see recorder.Config
	wait     time.Duration
	json     bool
	// keepLocal leaves the recording in the spool when the store has it.
	keepLocal bool
	// metricsAddr is where metrics and health are answered, "" for nowhere.
	metricsAddr string
	service     *service // nil: no service manager started us

	door doorkeeper
	line *statusLine // nil when standard error is no terminal
	log  *slog.Logger
}

// run records until ctx ends, the room ends or the duration is over, and
// returns when the store has everything.
func (r *recording) run(ctx context.Context) error {
	level, out := slog.LevelInfo, io.Writer(r.env.stderr)
	if terminal(r.env.stderr) && r.env.log == nil {
		r.line = newStatusLine(r.env.stderr)
		defer r.line.clear()
		level, out = slog.LevelWarn, r.line // the line tells the rest
	}
	r.log = r.env.newLog(out, level)
	// What the archive does beside failing is told by this command.
	archiveLog := r.env.newLog(out, slog.LevelWarn)
	r.join.Log = r.log
	pauses := newPauser(r.log)
	defer pauses.close()
	r.warnClassic()
	privateFiles()
	if swaps, err := swapDevices(); err == nil && len(swaps) > 0 {
		r.log.Warn("memory, keys included, can be written to swap", "on", few(swaps), "hint", swapHint)
	}
	m := &monitor{backlog: newBacklog(len(r.stores))}
	if r.service != nil {
		r.service.log = r.log
	}
	defer m.watch(r.service)()
	defer context.AfterFunc(ctx, r.service.stopping)()
	if r.metricsAddr != "" {
		end, err := serveMetrics(r.metricsAddr, m, r.log)
		if err != nil {
			return err
		}
		defer func() {
			if err := end(); err != nil {
				r.log.Warn("the metrics ended early", "err", err)
			}
		}()
	}

	// Store and spool come before the room: one that does not take a recording is
	// found before anybody is told of it.
	r.status("trying the store")
	if err := r.tryStores(ctx); err != nil {
		return err
	}
	spool := r.home.SpoolDir()
	src, err := dir.Open(spool)
	if err != nil {
		return fmt.Errorf("opening the spool: %w", err)
	}
	grown := make([]chan struct{}, len(r.stores)) // for each, has a value when there is more to upload
	for i := range grown {
		grown[i] = make(chan struct{}, 1)
	}
	var id string
	changed := func() {
		for _, c := range grown {
			signalTo(c)
		}
		goesOn(r.home, id, time.Now())
	}
	w, err := archive.Create(spool, archive.Config{Signer: r.identity.Signer(), Store: r.storeID, Log: archiveLog, Changed: changed,
		// Late readers are admitted to the whole only while its secret is known.
		KeepSecret: r.keepsWhole()})
	if err != nil {
		return explainSink(fmt.Errorf("starting a recording in the spool: %w", err))
	}
	id = w.ID()

	rec, room, err := r.prepare(ctx, w, m.backlog)
	if err != nil {
		return errors.Join(err, w.Close()) // without an epoch, this leaves nothing behind
	}
	if r.line != nil {
		r.line.clear()
	}
	r.env.printf("%s\n", id)
	r.status(fmt.Sprintf("telling the room, nothing is kept for %s", length(livekit.NoticePeriod)))
	if err := recorded(r.home, id, time.Now()); err != nil {
		r.env.warnf("%q will not find this recording: %v", "last", err)
	}
	// The recorder says when that is over.
	r.log.Info("telling the room: nothing is kept yet", "id", id, "for", livekit.NoticePeriod)

	uploading, stopUpload := context.WithCancel(context.WithoutCancel(ctx))
	defer stopUpload()
	u := startUploads(uploading, r.stores, src, spool, id, r.key, r.keepLocal, grown, m.backlog, r.log)
	m.follow(rec.Status, u.failed)
	endSweep := r.sweep(ctx, src, spool, id)

	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		r.watch(watching, rec.Status, u.waiting)
	}()
	stopKeys := watchKeys(context.WithoutCancel(ctx), r.keys, r.log)
	endLife := r.live(ctx, pauses, rec, room, u)
	report, err := rec.Record(ctx, room)
	if goesOn(r.home, id, time.Now()); err == nil && ctx.Err() == nil && explainEnd(report) == nil {
		if err := meetingOver(r.home, id); err != nil {
			r.log.Warn("the next recording of this room may name this one as its beginning", "err", err)
		}
	}
	endLife()
	stopKeys()
	r.service.stopping()
	err = errors.Join(err, r.finish(ctx, w, u, func() {
		stopWatching()
		<-watched
		stopUpload()
	}))
	endSweep()
	if err != nil {
		return explainSink(err)
	}
	return r.tell(id, report)
}

// finish ends the recording, stops what goes on beside it, and brings the rest to
// the store. Until that is settled no other process takes the recording from the
// spool: a sweep would store and remove it under our hands.
func (r *recording) finish(ctx context.Context, w *archive.Writer, u *uploads, stop func()) error {
	held, err := w.End()
	stop()
	u.wait()
	switch uploadErr := r.finishUpload(ctx, u); {
	case err != nil:
		// Not over: what is in the spool is what recover ends it with.
		err = errors.Join(fmt.Errorf("closing the recording: %w", err), uploadErr)
	case uploadErr != nil:
		err = uploadErr
	case held != nil:
		err = u.copies.endLocal(held, r.keepLocal)
	}
	if held != nil {
		err = errors.Join(err, held.Close())
	}
	return err
}

// prepare joins the room, and only then starts the epoch: a recording exists
// once there is something to record.
func (r *recording) prepare(ctx context.Context, w *archive.Writer, b *backlog) (*recorder.Recorder, *memberRoom, error) {
	text, err := announcement(r.identity, r.readers, r.members, r.whole, r.keys != nil)
	if err != nil {
		return nil, nil, err
	}
	if more := r.policy.noticeOf(); more != "" {
		text += " " + more
	}
	if more := selectionNotice(r.join.Selection); more != "" {
		text += " " + more
	}
	card, err := r.identity.Card()
	if err != nil {
		return nil, nil, err
	}
	r.join.Attributes = map[string]string{
		"sealtape.state": "recording",
		"sealtape.key":   card.Fingerprint().String(),
	}
	var m atomic.Pointer[membership] // nil until the room is joined; what comes before is said again
	r.join.OnData = func(topic, from string, data []byte) bool {
		if topic != member.Topic {
			return false
		}
		if m := m.Load(); m != nil {
			m.session.Receive(from, data)
		}
		return true
	}
	if r.policy.consent == "ask" {
		r.join.Answer = func(e recorder.RoomEvent) bool {
			said, doubt := answerTo(e, r.keys != nil)
			return said != unanswered && doubt == ""
		}
	}
	r.status("joining the room")
	room, err := livekit.Join(ctx, r.join)
	if err != nil {
		return nil, nil, explainJoin(err)
	}
	members, err := newMembership(r, room, w.ID())
	if err != nil {
		return nil, nil, errors.Join(err, room.Close())
	}
	m.Store(members)
	present := &memberAccess{w: w, m: members}
	if err := present.begin(); err != nil {
		return nil, nil, errors.Join(explainSink(fmt.Errorf("sealing to the readers: %w", err)), room.Close())
	}
	var access recorder.Access = present
	if r.keepsWhole() {
		access = wholeAccess{present}
	}
	var provider recorder.KeyProvider
	if r.keys != nil {
		provider = r.keys
	}
	r.door.say, r.door.notices = r.say, r.policy.notices != "needed"
	rec := recorder.New(recorder.Config{
		Recording: w.ID(), Follows: r.follow(w.ID(), room.Name()), Sink: sealed{w, b}, Keys: provider, Plaintext: r.policy.plaintext, Access: access, Permission: members.permission,
		Notices: recorder.Notices{
			Start:    text,
			Paused:   "The recording of this meeting is paused: nothing is kept until it goes on.",
			Resumed:  "The recording of this meeting goes on now.",
			DiskFull: "The recording of this meeting is paused: the recorder's disk is full.",
			DiskFree: "The recording of this meeting goes on.",
			End:      "The recording of this meeting has ended.",
		},
		Duration: r.duration, Grace: r.grace, Wait: r.wait, Segment: r.segment, Log: r.log,
		Unopened: r.door.unopened, TurnedAway: r.door.turnedAway,
	})
	members.records(rec)
	return rec, withMembers(ctx, room, members), nil
}

// keepsWhole reports whether who comes is admitted to all of the recording: then it
// keeps one epoch.
func (r *recording) keepsWhole() bool {
	return r.whole && (len(r.members) > 0 || r.policy.readers == "verified")
}

// say tells who runs the recorder something that names people.
func (r *recording) say(format string, args ...any) {
	if r.env.log != nil {
		return // which may be kept for long, and names nobody
	}
	if r.line != nil {
		r.line.clear()
	}
	r.env.notef(format, args...)
}

// warnClassic says when not all readers are safe from quantum computers.
func (r *recording) warnClassic() {
	for _, reader := range r.readers {
		switch {
		case reader.postQuantum:
		case r.env.log != nil: // which may be kept for long, and names nobody
			r.log.Warn("a reader's key is not post-quantum: whoever stores this recording today may open it when quantum computers can")
		default:
			r.env.warnf("%s is not a post-quantum key: whoever stores this recording today may open it when quantum computers can", clean(reader.name))
		}
	}
}

func (r *recording) status(text string) {
	if r.line != nil {
		r.line.set(text + "…")
	}
}

// watch draws the status line until ctx ends: how it goes, and how many objects wait
// for the store.
func (r *recording) watch(ctx context.Context, status func() recorder.Status, waiting func() int) {
	if r.line == nil {
		return
	}
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	var m meter
	broken := false
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			// It names people; a name that it cannot show is no reason to end.
			if err := fault.Contain(func() {
				if s := status(); !s.Started.IsZero() { // else it tells the room
					r.line.set(statusText(s, m.read(now, s.MediaBytes), waiting(), now))
				}
			}); err != nil && !broken {
				broken = true
				r.log.Error("the status could not be shown", "err", err)
			}
		}
	}
}

// finishUpload brings the rest to the store. It goes on for as long as the
// store might still take it; after a signal it leaves the rest to recover if the
// store is away, and the next signal ends the process.
func (r *recording) finishUpload(ctx context.Context, u *uploads) error {
	r.status("storing the rest (Ctrl-C leaves it to sealtape recover)")
	storing, stop := whileStored(ctx, u.failed, u.waiting)
	defer stop()
	if err := u.finish(storing); storing.Err() != nil && err != nil {
		return hinted(fmt.Errorf("the store is away and did not take all of the recording, %s waiting: %v", count(u.waiting(), "object"), err),
			"it is safe in the spool; once the store works: sealtape recover --store STORE")
	} else if err != nil {
		return hinted(fmt.Errorf("the store did not take all of the recording: %w", err),
			"it is safe in the spool; once the store works: sealtape recover --store STORE")
	}
	return nil
}

// recordJSON says in JSON how it went.
type recordJSON struct {
	ID           string             `json:"id"`
	Duration     float64            `json:"duration"`
	Participants int                `json:"participants"`
	Tracks       int                `json:"tracks"`
	Frames       int64              `json:"frames"`
	Holes        map[string]float64 `json:"holes"`
	Small        []smallJSON        `json:"small"`
	Incomplete   bool               `json:"incomplete"`
	Ended        string             `json:"ended"`
}

// tell reports how it went.
func (r *recording) tell(id string, rep recorder.Report) error {
	if r.line != nil {
		r.line.clear()
	}
	r.log.Info("recorded", "id", id, "duration", rep.Duration.Round(time.Millisecond), "tracks", rep.Tracks,
		"frames", rep.Frames, "why", rep.Reason)
	if r.json {
		holes := make(map[string]float64, len(rep.Holes))
		for reason, d := range rep.Holes {
			holes[reason] = d.Seconds()
		}
		if err := r.env.json(recordJSON{
			ID: id, Duration: rep.Duration.Seconds(), Participants: rep.Participants, Tracks: rep.Tracks,
			Frames: rep.Frames, Holes: holes, Small: smallPictures(rep.Small), Incomplete: rep.Incomplete, Ended: rep.Reason,
		}); err != nil {
			return err
		}
	}
	if r.env.log == nil {
		r.env.notef("recorded %s of %s: %s, %s", length(rep.Duration), people(rep.Participants), count(rep.Tracks, "track"), clean(rep.Reason))
	}
	for _, p := range rep.Small {
		if r.env.log == nil {
			r.env.warnf("%s: %s", clean(p.Track.Label()), receivedText(p.Track.Width, p.Track.Height, p.Width, p.Height))
		} else {
			r.log.Warn("a picture was received smaller than it was published", "track", p.Track.UID,
				"received", fmt.Sprintf("%dx%d", p.Track.Width, p.Track.Height), "published", fmt.Sprintf("%dx%d", p.Width, p.Height))
		}
	}
	if err := explainEnd(rep); err != nil {
		return err
	}
	if !rep.Incomplete {
		return nil
	}
	err := exitWith(exitIncomplete, fmt.Errorf("the recording is incomplete: %s", missingText(rep, r.env.log == nil)))
	return hinted(err, strings.Join(holeHints(rep, r.door.found(), r.env.log == nil), "\n"))
}

// explainSink gives the errors of writing their hint.
func explainSink(err error) error {
	if err == nil {
		return nil
	}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return hinted(err, "make room where SEALTAPE_HOME is, or move it; what was recorded before is kept: sealtape recover")
	case errors.Is(err, syscall.EROFS):
		return hinted(err, "the spool cannot be written to: set SEALTAPE_HOME to a folder on a disk that can")
	}
	return err
}

// sealed lets an archive.Writer be a recorder.Sink. What it commits waits for
// the store.
type sealed struct {
	w       *archive.Writer
	backlog *backlog
}

func (s sealed) Create(k recorder.Kind) (recorder.Object, error) {
	kind := archive.Segment
	if k == recorder.Index {
		kind = archive.Index
	}
	o, err := s.w.Create(kind)
	if err != nil {
		return nil, err // not o: a nil *archive.Object is no nil recorder.Object
	}
	return object{o, s.backlog}, nil
}

// object lets an archive.Object be a recorder.Object.
type object struct {
	*archive.Object
	backlog *backlog
}

func (o object) Commit() error {
	err := o.backlog.commit(o.Object)
	if errors.Is(err, archive.ErrUnlogged) {
		return fmt.Errorf("%w: %w", recorder.ErrKept, err)
	}
	return err
}
