package matrixroom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

// ErrSilenced says that the recorder may not write into the room any more, so that it could
// not tell anybody that it records.
var ErrSilenced = errors.New("the recorder may not write into the room any more")

const (
	enterTime = 30 * time.Second // for becoming a member of the call
	leaveTime = 10 * time.Second // for leaving it
	openTime  = 20 * time.Second // that the first Announce waits for a LiveKit server
	tickEvery = time.Second
)

// A room is a call that was joined. It implements bot.Room.
type room struct {
	c        Config
	p        bot.Presence
	log      *slog.Logger
	roster   *recorder.Roster
	rings    *recorder.ParticipantKeys // nil: the room is not encrypted
	call     call
	identity string // our own, as a recording tells of it

	running sync.WaitGroup
	run     context.Context
	stop    context.CancelFunc
	events  queue                   // of the Matrix room
	media   chan recorder.RoomEvent // of LiveKit's servers
	held    *recorder.RoomEvent     // of media, taken too early; Accept's
	name    namer

	closed    chan struct{} // closed by Close
	closeOnce sync.Once
	ended     chan struct{} // closed when the room is over
	endOnce   sync.Once
	cause     error // set before ended is closed

	mu        sync.Mutex
	came      chan struct{}        // closed when somebody comes; nil: nobody waits
	members   map[string]*member   // others in the call, by identity
	of        map[string]string    // their identities, by those that they may have at LiveKit
	own       map[string]bool      // identities that we have or had at LiveKit
	left      map[string]leftRing  // of who left
	older     map[int]time.Time    // keys of our own that another took the place of, and when they are taken out
	toldOf    map[string]int       // by user, what the operator was told of their devices
	servers   map[string]*server   // by service
	led       map[string]time.Time // services of the oldest member, and when they last were
	started   int                  // servers so far
	announced string               // the first text; "": no Announce yet
	standing  string               // what those who come later are told besides
	reminding bool                 // somebody is to be told what was told before
	receiving bool                 // the notice period is over
	state     string
	shown     map[string]string // attributes of ours
	notices   []string          // events of ours that may be answered, the newest last
	strangers map[string]*stranger
}

func newRoom(c Config, p bot.Presence, rings *recorder.ParticipantKeys) *room {
	r := &room{c: c, p: p, log: logOf(c, p), roster: recorder.NewRoster(), rings: rings,
		media: make(chan recorder.RoomEvent), closed: make(chan struct{}), ended: make(chan struct{}),
		members: make(map[string]*member), of: make(map[string]string), own: make(map[string]bool), servers: make(map[string]*server),
		left: make(map[string]leftRing), older: make(map[int]time.Time), toldOf: make(map[string]int),
		shown: make(map[string]string), strangers: make(map[string]*stranger), name: newNamer()}
	return r
}

// begin opens the call and waits until somebody is in it. After an error nothing runs.
func (r *room) begin(ctx context.Context) error {
	config := matrix.CallConfig{Data: r.c.Data, OnEvent: r.happened, Services: r.c.Services, Plain: r.c.Plain}
	setPinned(&config.Pinned, r.pinned)
	var err error
	if r.call, r.identity, err = r.c.open(ctx, config); err != nil {
		return err
	}
	if err := r.call.MayNotice(); err != nil {
		return err
	}
	r.run, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	r.running.Go(func() {
		err := r.call.Run(r.run)
		if r.run.Err() == nil {
			r.end(fmt.Errorf("%w: %w", recorder.ErrEnded, err))
		}
	})
	r.running.Go(r.follow)
	r.running.Go(r.keepName)
	if err := r.await(ctx); err != nil {
		return errors.Join(err, r.Close())
	}
	return nil
}

// await waits until somebody is in the call.
func (r *room) await(ctx context.Context) error {
	var over <-chan time.Time
	if r.c.Wait > 0 {
		t := time.NewTimer(r.c.Wait)
		defer t.Stop()
		over = t.C
	}
	for said := false; ; {
		r.mu.Lock()
		if r.came == nil {
			r.came = make(chan struct{})
		}
		came := r.came
		r.mu.Unlock()
		switch here := r.call.Members(); {
		case len(here) == 0:
		case serviceOf(here) == "":
			return matrix.ErrNoTransport
		default:
			return nil
		}
		if !said {
			said = true
			r.c.Say("waiting for somebody to begin the call: a recorder never does" + r.powerless("; if nobody can, that is why: "))
		}
		select {
		case <-came:
		case <-over:
			return ErrNobody
		case <-ctx.Done():
			return ctx.Err()
		case <-r.ended:
			return r.cause
		}
	}
}

// powerless says, after a few words, what power the recorder lacks for being in the call as most
// clients are, and what to do; "" if it lacks none.
func (r *room) powerless(why string) string {
	p, ok := errors.AsType[*rtc.PowerError](r.call.StickyOnly())
	if !ok {
		return ""
	}
	return fmt.Sprintf("%sfor most clients, being in this room's call takes a power level of %d, and the recorder has %d. Let everybody join calls, in Element: the room's settings, Voice & Video", why, p.Needs, p.Has)
}

// follow does what is due from time to time.
func (r *room) follow() {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			r.retire(now)
			r.reconcile(now)
			r.lookForStrangers(now)
			r.tellServers(now)
		case <-r.closed:
			return
		}
	}
}

// Name implements recorder.Room.
func (r *room) Name() string { return r.c.Room }

// Identity implements bot.Room.
func (r *room) Identity() string { return r.identity }

// SID implements bot.Room. It is that of the LiveKit room which our membership names.
func (r *room) SID() string {
	own, _, entered := r.call.Own()
	if !entered || len(own.Services) == 0 {
		return ""
	}
	r.mu.Lock()
	s := r.servers[own.Services[0]]
	r.mu.Unlock()
	if s == nil {
		return ""
	}
	if at := s.room(); at != nil {
		return at.SID()
	}
	return ""
}

// Roster implements recorder.Lister.
func (r *room) Roster() *recorder.Roster { return r.roster }

// Connected implements recorder.Connector: while nobody's media is to be received, nothing of
// it is missed.
func (r *room) Connected() bool {
	select {
	case <-r.ended:
		return false
	default:
	}
	all, connected := r.open()
	return len(connected) > 0 || len(all) == 0
}

// Accept implements recorder.Room.
func (r *room) Accept(ctx context.Context) (recorder.RoomEvent, error) {
	for {
		e, ok, more := r.events.take()
		if ok {
			return e, nil
		}
		if r.held != nil {
			e, r.held = *r.held, nil
			return e, nil
		}
		select {
		case <-more:
		case e := <-r.media:
			r.held = &e // after what made it come
		case <-r.ended:
			if e, ok, _ := r.events.take(); ok {
				return e, nil
			}
			return recorder.RoomEvent{}, r.cause
		case <-ctx.Done():
			return recorder.RoomEvent{}, ctx.Err()
		}
	}
}

// Waiting implements recorder.Waiter.
func (r *room) Waiting() (all []recorder.TrackInfo) {
	servers, _ := r.open()
	for _, s := range servers {
		for _, info := range s.room().Waiting() {
			if s.place(&info) {
				all = append(all, info)
			}
		}
	}
	return all
}

// end ends the room with an error that wraps recorder.ErrEnded.
func (r *room) end(err error) {
	r.endOnce.Do(func() {
		r.cause = err
		close(r.ended)
	})
}

// Close implements recorder.Room. The others see the recorder leave, also where the
// homeserver cannot be reached: the membership runs out.
func (r *room) Close() error {
	r.closeOnce.Do(func() {
		r.mu.Lock()
		close(r.closed)
		r.mu.Unlock()
		r.name.end()
		leaving, cancel := context.WithTimeout(context.WithoutCancel(r.run), leaveTime)
		defer cancel()
		if err := r.call.Leave(leaving); err != nil {
			r.log.Warn("the call could not be left: the recorder is listed until its membership runs out", "err", err)
		}
		r.name.set(leaving, r, "")
		r.closeServers()
		r.stop()
		r.running.Wait()
		r.end(fmt.Errorf("%w: the recorder left", recorder.ErrEnded))
	})
	return nil
}

var (
	_ bot.Room        = (*room)(nil)
	_ recorder.Waiter = (*room)(nil)
)
