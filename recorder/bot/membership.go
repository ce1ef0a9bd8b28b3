package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/keys/order"
	"github.com/sealtape/sealtape/keys/roomkeys"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// The phases of a recording, as members are told of them. The recorder sets phasePaused
// by SetState.
const (
	phaseWaiting   = "waiting" // the room has notice, nothing is kept
	phaseRecording = "recording"
	phasePaused    = "paused"
	phaseStopped   = "stopped"
)

// A membership knows who the members of the room are, what they agreed to, and who can
// open what is recorded now. It is safe for concurrent use.
type membership struct {
	policy   Policy
	whole    bool // readers who attend can open all of the recording
	oneEpoch bool // the recording has one epoch, to which they are admitted
	home     *keys.Home
	readers  []Reader               // fixed readers whose cards count
	named    map[string][]keys.Card // see Config.Members
	known    func(string) Known     // see Meeting.Known; nil: nothing is
	log      *slog.Logger
	notef    func(format string, args ...any) // see Config.Say
	store    string                           // the kind of the store
	storeURL string                           // see Config.StoreURL
	pageURL  string                           // see Config.PageURL
	id       string                           // of the recording
	keyed    bool                             // the room is end-to-end encrypted

	desk     *order.Desk // takes the orders of operators
	session  *member.Session
	keys     *RoomKeys // nil unless members make the room's keys; then exchange is set, too
	exchange *roomkeys.Exchange
	room     Room
	roster   *recorder.Roster // who is here
	wake     chan struct{}

	heeding  sync.Mutex         // held while it is handled what members said of their keys
	flushing sync.Mutex         // held while notes are put into the timeline, so that they keep their order
	telling  sync.Mutex         // held while the session is given the state, so that the newest comes last
	mu       sync.Mutex         // guards what follows, and readers and named
	rec      *recorder.Recorder // nil before the recording
	people   map[string]*attendee
	changed  map[string]bool // identities about which the session reported something
	troubles []member.Event
	warned   map[suspicion]time.Time // when it was last said of somebody
	phase    string
	notes    []func(*recorder.Recorder) error // for the timeline, once it has begun
	told     telling                          // what the chat was told last
	since    time.Time                        // of the change that the chat was not told yet; zero: none
	sayings  []string                         // for the chat
	absences int                              // how often the recorder was away
	back     time.Time                        // when it came back last; zero: it was not away
	seen     map[string]bool                  // whose cards were reported not to count any more

	withdrew    bool              // see left
	withdrawal  withdrawal        // set before run, and not after
	statesNoted map[[32]byte]bool // states that the timeline has
	code        roomCode
}

// newMembership begins the member protocol in a joined room.
func newMembership(b *Bot, room Room, id string) (*membership, error) {
	m := &membership{
		policy: b.c.Policy, whole: b.whole(), oneEpoch: b.keepsWhole(), home: b.c.Home, readers: b.c.Readers, named: maps.Clone(b.c.Members), known: b.c.Meeting.Known, log: b.log, notef: b.say,
		store: storeKind(b.c.Stores), storeURL: b.c.StoreURL, pageURL: b.c.PageURL, id: id, keyed: b.c.Meeting.Keys != nil, room: room, roster: room.Roster(), wake: make(chan struct{}, 1),
		people: make(map[string]*attendee), changed: make(map[string]bool), phase: phaseWaiting, keys: b.c.Meeting.RoomKeys,
	}
	c := member.Config{
		Room: room.Name(), SID: room.SID, Identity: room.Identity(), Key: b.c.Identity, Judge: judge(b.c.Home),
		Log: b.log, Notify: m.notice, SilentAfter: b.c.SilentAfter,
		Send: func(ctx context.Context, to []string, packet []byte) error {
			err := room.Send(ctx, member.Topic, to, packet)
			if errors.Is(err, recorder.ErrAway) {
				return fmt.Errorf("%w: %w", member.ErrAway, err)
			}
			return err
		},
	}
	if m.keys != nil {
		c.Told = m.keys.told
		c.Others = func(from string, message []byte) { m.exchange.Receive(from, message) }
	} else {
		c.Keys = memberKeys(b.c.Meeting.Keys)
	}
	var err error
	if m.desk, err = newDesk(b, m); err != nil {
		return nil, err
	}
	if m.session, err = member.New(c); err == nil && m.keys != nil {
		err = m.exchangeKeys(m.keys, b.c.Identity)
	}
	return m, err
}

// judge returns the home as a Judge. Without a home, nobody is known.
func judge(h *keys.Home) member.Judge {
	if h == nil {
		return noPins{}
	}
	return h
}

// noPins is a Judge for whom everybody is a stranger.
type noPins struct{}

func (noPins) CanAdd(keys.Card) (keys.Acquaintance, error) { return keys.Stranger, nil }

// storeKind returns the kind of the stores, as members are told.
func storeKind(stores []Store) string {
	if slices.ContainsFunc(stores, func(s Store) bool { return strings.HasPrefix(s.Name, "s3://") }) {
		return "s3"
	}
	return "folder"
}

// run serves the protocol until ctx ends.
func (m *membership) run(ctx context.Context) {
	var serving sync.WaitGroup
	serving.Go(func() { m.session.Run(ctx) })
	if m.exchange != nil {
		serving.Go(func() { m.exchange.Run(ctx) })
	}
	defer serving.Wait()
	every, look := time.NewTicker(time.Second), time.NewTicker(lookEvery)
	defer every.Stop()
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		case <-every.C:
		case <-look.C:
			m.contain("", m.look)
		}
		m.mu.Lock()
		changed, troubles, sayings, absences := m.changed, m.troubles, m.sayings, m.absences
		m.changed, m.troubles, m.sayings = make(map[string]bool), nil, nil
		m.mu.Unlock()
		for _, text := range sayings {
			if err := m.room.Tell(ctx, text); err != nil && ctx.Err() == nil {
				m.log.Warn("the room was not told", "err", err)
			}
		}
		for _, t := range troubles {
			m.contain(t.Identity, func() { m.suspect(t) })
		}
		for identity := range changed {
			m.contain(identity, func() { m.consider(m.session.Peer(identity), absences) })
		}
		m.contain("", m.heedKeys)
		m.contain("", m.flush)
		m.contain("", func() { m.retell(ctx, time.Now()) })
		m.contain("", func() { m.showRoomCode(time.Now()) })
		m.contain("", func() { m.sayGuests(time.Now()) })
		m.contain("", func() { m.withdraws(time.Now()) })
	}
}

// notice queues a report of the session. run handles it.
func (m *membership) notice(e member.Event) {
	if e.Peer != nil && m.exchange != nil {
		m.exchange.Member(*e.Peer, false)
	}
	m.mu.Lock()
	if e.Trouble == "" {
		m.changed[e.Identity] = true
	} else if len(m.troubles) < maxAttendees {
		m.troubles = append(m.troubles, e)
	}
	m.mu.Unlock()
	signalTo(m.wake)
}

// say queues a text for the chat. The caller holds m.mu.
func (m *membership) say(text string) {
	if len(m.sayings) < maxAttendees {
		m.sayings = append(m.sayings, text)
	}
	signalTo(m.wake)
}

// records sets the recorder, which is about to begin.
func (m *membership) records(rec *recorder.Recorder) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rec = rec
}

// A suspicion is what somebody does wrong.
type suspicion struct {
	identity string
	trouble  member.Trouble
}

// warnEvery is how often whoever runs the recorder is told the same of somebody: a member who
// floods the room is not to flood them, or fill their disk.
const warnEvery = time.Minute

// warns reports whether a trouble is to be said now.
func (m *membership) warns(t member.Event, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	what := suspicion{t.Identity, t.Trouble}
	if last, ok := m.warned[what]; ok && now.Sub(last) < warnEvery {
		return false
	}
	if len(m.warned) >= maxAttendees {
		maps.DeleteFunc(m.warned, func(_ suspicion, last time.Time) bool { return now.Sub(last) >= warnEvery })
	}
	if m.warned == nil {
		m.warned = make(map[suspicion]time.Time)
	}
	if len(m.warned) >= maxAttendees {
		return false // so many lines in a minute are enough
	}
	m.warned[what] = now
	return true
}

// suspect reports that what a member says about who they are does not hold.
func (m *membership) suspect(t member.Event) {
	if m.warns(t, time.Now()) {
		m.log.Warn("a member's word does not hold", "trouble", t.Trouble)
		m.notef("%s: %s (%s)", words.Clean(cmp.Or(t.Identity, "someone hidden")), words.Clean(t.Detail), t.Trouble)
	}
	m.noteWithin(maxFaults, func(rec *recorder.Recorder) error { return rec.Suspected(t.Identity, "member: "+string(t.Trouble)) })
}

// note puts something into the timeline by calling f: now, or as soon as the recording
// begins. What comes after the recording's end is dropped.
func (m *membership) note(f func(*recorder.Recorder) error) { m.noteWithin(maxAttendees, f) }

// noteWithin does so if fewer than most wait.
func (m *membership) noteWithin(most int, f func(*recorder.Recorder) error) {
	m.mu.Lock()
	if len(m.notes) < most {
		m.notes = append(m.notes, f)
	}
	m.mu.Unlock()
	m.flush()
}

func (m *membership) flush() {
	m.flushing.Lock()
	defer m.flushing.Unlock()
	for {
		m.mu.Lock()
		if m.rec == nil || len(m.notes) == 0 {
			m.mu.Unlock()
			return
		}
		rec, f := m.rec, m.notes[0]
		m.mu.Unlock()
		var err error
		m.contain("", func() { err = f(rec) })
		if errors.Is(err, recorder.ErrNotRecording) {
			return
		}
		m.mu.Lock()
		m.notes = m.notes[1:]
		m.mu.Unlock()
	}
}

// follow takes in an event of the room.
func (m *membership) follow(e recorder.RoomEvent) {
	switch e.Type {
	case media.EventJoin:
		m.came(e.Participant, e.Visit)
	case media.EventLeave:
		m.went(e.Participant)
	case recorder.EventStanding:
		m.recognize(e.Participant)
	case media.EventChat, recorder.EventDialed, recorder.EventAnswered:
		m.wrote(e)
	case media.EventReconnect:
		if e.Server == "" || m.known == nil { // else it was the media alone that was lost
			m.mu.Lock()
			m.back = time.Now()
			m.mu.Unlock()
			m.returned()
		}
	}
}

// state returns what the recorder announces to members now.
func (m *membership) state() member.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := member.State{Phase: m.phase, Recording: m.id, Access: AccessPresent, Policy: m.policy.Readers,
		Keeps: m.policy.Record, Consent: m.policy.Consent, Store: m.store, StoreURL: m.storeURL, PageURL: m.pageURL}
	if m.whole {
		s.Access = AccessWhole
	}
	for _, r := range m.readers {
		if r.Card != nil {
			s.Readers = append(s.Readers, member.Reader{Fingerprint: r.Card.Fingerprint(), Name: r.Card.Name})
		} else {
			s.Readers = append(s.Readers, member.Reader{Name: r.Name})
		}
	}
	seated, _ := m.seatsLocked(m.readersHere())
	var present []member.Reader
	for _, identity := range seated {
		for _, c := range m.people[identity].cards {
			r := member.Reader{Fingerprint: c.Fingerprint(), Name: c.Name}
			if !slices.Contains(s.Readers, r) && !slices.Contains(present, r) {
				present = append(present, r)
			}
		}
	}
	slices.SortFunc(present, func(a, b member.Reader) int { return strings.Compare(a.Fingerprint.String(), b.Fingerprint.String()) })
	s.Readers = append(s.Readers, present...)
	return s
}

// readersHere returns the identities of the members who are readers now, with or without
// a place. The caller holds m.mu.
func (m *membership) readersHere() (identities []string) {
	for identity := range m.people {
		if m.reads(identity) {
			identities = append(identities, identity)
		}
	}
	return identities
}

// announce sends the recorder's state to members' clients, if it has changed.
func (m *membership) announce() {
	m.telling.Lock()
	defer m.telling.Unlock()
	if err := m.session.Announce(m.state()); err != nil {
		m.log.Error("the members cannot be told who reads", "err", err)
	}
}

// setPhase sets what the recorder does: waiting, recording, paused or stopped.
func (m *membership) setPhase(phase string) {
	m.mu.Lock()
	m.phase = phase
	m.mu.Unlock()
	m.announce()
}
