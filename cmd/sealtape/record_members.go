package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
)

// maxAttendees bounds those whose standing is remembered; more are strangers.
const maxAttendees = 4096

// A membership knows who of those in the room is who, what they agreed to, and who
// reads what is recorded now. It is safe for concurrent use.
type membership struct {
	policy   policy
	whole    bool // who attended reads all
	oneEpoch bool // and is admitted to it: there is no other
	home     *keys.Home
	readers  []reader // who read all, as far as their cards count
	named    memberCards
	log      *slog.Logger
	notef    func(format string, args ...any) // tells who runs the recorder
	store    string                           // the kind of the store
	id       string                           // the recording's
	keyed    bool                             // the room is end-to-end encrypted

	session *member.Session
	room    *livekit.Room
	roster  *recorder.Roster // the room's: who is here
	wake    chan struct{}

	flushing sync.Mutex // held while notes are put into the timeline, in their order
	telling  sync.Mutex // held while the session is told the state: the newest last
	mu       sync.Mutex
	rec      *recorder.Recorder // nil before it records
	people   map[string]*attendee
	changed  map[string]bool // identities of whom the session told something
	troubles []member.Event
	phase    string
	notes    []func(*recorder.Recorder) error // for the timeline, once there is one
	told     telling                          // what the chat was told last
	since    time.Time
	sayings  []string        // for the chat
	absences int             // how often the recorder was away
	seen     map[string]bool // whose cards were told of that do not count any more
}

// An attendee is what is known of someone in the room, or who was there and reads
// all. Whether they are here is the roster's to say.
type attendee struct {
	visit    int         // in which that holds: another is another's, until they prove who they are
	cards    []keys.Card // who they are, nil if that is not known
	how      string      // by what, a media.VerifiedBy reason
	name     string      // on their card
	lapsed   bool        // they proved it once, and it may be another who is here now
	claimed  bool        // they proved a card that is not pinned
	unseated bool        // they are a reader and found no place, which was told
	ready    bool        // they need not confirm what the recorder says, or have
	key      string      // of the card that they said hello with
	consent
	signed  signed // what they said with their key last
	noBy    string // the key of the card under which they said no, "" for none
	doubted bool   // a yes that did not count was told of
}

// A signed answer is one that the session had.
type signed struct {
	at  time.Time
	yes bool
}

// newMembership begins the member protocol in a room that was joined.
func newMembership(r *recording, room *livekit.Room, id string) (*membership, error) {
	m := &membership{
		policy: r.policy, whole: r.whole, oneEpoch: r.keepsWhole(), home: r.home, readers: r.readers, named: maps.Clone(r.members), log: r.log, notef: r.say,
		store: storeKind(r.stores), id: id, keyed: r.keys != nil, room: room, roster: room.Roster(), wake: make(chan struct{}, 1),
		people: make(map[string]*attendee), changed: make(map[string]bool), phase: "waiting",
	}
	var err error
	m.session, err = member.New(member.Config{
		Room: room.Name(), SID: room.SID, Keys: memberKeys(r.keys), Identity: room.Identity(), Key: r.identity, Judge: r.home, Log: r.log, Notify: m.notice, SilentAfter: r.env.silentAfter,
		Send: func(ctx context.Context, to []string, packet []byte) error {
			err := room.Send(ctx, member.Topic, to, packet)
			if errors.Is(err, livekit.ErrAway) {
				return fmt.Errorf("%w: %w", member.ErrAway, err)
			}
			return err
		},
	})
	return m, err
}

// storeKind is what members are told of where the recording goes.
func storeKind(stores []namedStore) string {
	if slices.ContainsFunc(stores, func(s namedStore) bool { return strings.HasPrefix(s.name, "s3://") }) {
		return "s3"
	}
	return "folder"
}

// run serves the protocol until ctx ends.
func (m *membership) run(ctx context.Context) {
	var serving sync.WaitGroup
	serving.Go(func() { m.session.Run(ctx) })
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
		m.contain("", m.flush)
		m.contain("", func() { m.retell(ctx, time.Now()) })
	}
}

// notice takes what the session tells, and leaves the work to run.
func (m *membership) notice(e member.Event) {
	m.mu.Lock()
	if e.Trouble == "" {
		m.changed[e.Identity] = true
	} else if len(m.troubles) < maxAttendees {
		m.troubles = append(m.troubles, e)
	}
	m.mu.Unlock()
	signalTo(m.wake)
}

// say tells the chat something, soon. m.mu is held.
func (m *membership) say(text string) {
	if len(m.sayings) < maxAttendees {
		m.sayings = append(m.sayings, text)
	}
	signalTo(m.wake)
}

// records makes the membership one of a recorder that is about to begin.
func (m *membership) records(rec *recorder.Recorder) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rec = rec
}

// suspect tells that somebody's word of who they are does not hold.
func (m *membership) suspect(t member.Event) {
	m.log.Warn("a member's word does not hold", "trouble", t.Trouble)
	who := t.Identity
	if who == "" {
		who = "someone hidden"
	}
	m.notef("%s: %s (%s)", clean(who), clean(t.Detail), t.Trouble)
	m.note(func(rec *recorder.Recorder) error { return rec.Suspected(t.Identity, "member: "+string(t.Trouble)) })
}

// note puts something into the timeline: now, or as soon as the recording begins.
// What comes after its end is dropped with the membership.
func (m *membership) note(f func(*recorder.Recorder) error) {
	m.mu.Lock()
	if len(m.notes) < maxAttendees {
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

// consider takes what was known of a participant after so many absences.
func (m *membership) consider(p member.Peer, absences int) {
	var cards []keys.Card
	if p.Standing == member.Verified {
		// All their devices; and the one they are here with, which may be approved by one
		// of those and not be pinned, or have a newer card.
		pinned, err := m.home.Person(p.Card.Name)
		if err != nil {
			m.log.Debug("nothing but the card in the hello is known", "err", err)
		}
		cards = pinned
		if !slices.ContainsFunc(cards, func(c keys.Card) bool {
			return c.Key == p.Card.Key && slices.Equal(c.Recipients, p.Card.Recipients)
		}) {
			cards = append(cards, p.Card)
		}
	}
	before, now, said := m.learn(p, cards, absences)
	if now == nil {
		return // they have left
	}
	switch {
	case len(cards) > 0 && now.how == media.VerifiedByProof && (before.cards == nil || before.name != p.Card.Name):
		m.note(func(rec *recorder.Recorder) error {
			return rec.Verified(p.Identity, p.Card.Name, media.VerifiedByProof)
		})
	case before.how == media.VerifiedByProof && now.how == "":
		m.note(func(rec *recorder.Recorder) error { return rec.Verified(p.Identity, "", "") })
	}
	if p.Standing == member.Claimed && !before.claimed {
		m.note(func(rec *recorder.Recorder) error { return rec.Claimed(p.Identity, p.Card.Name) })
	}
	if rec := m.recorder(); rec != nil {
		rec.Reconsider(p.Identity)
	}
	if said != unanswered {
		m.answered(p.Identity, consent{said: said}, "by their client")
	}
	m.announce()
}

// recorder returns the recorder, nil before it records.
func (m *membership) recorder() *recorder.Recorder {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rec
}

// learn notes what is known of a participant now, with all their cards, and returns
// what was before, what is, nil for one who has left, and what they said since.
func (m *membership) learn(p member.Peer, cards []keys.Card, absences int) (before attendee, now *attendee, said reply) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.people[p.Identity]
	if a == nil {
		return before, nil, unanswered
	}
	before = *a
	if _, named := m.named[p.Identity]; named {
		cards = nil // the operator's word stands
	} else if p.Standing == member.Verified {
		a.cards, a.how, a.name, a.lapsed = cards, media.VerifiedByProof, p.Card.Name, false
	} else if a.how == media.VerifiedByProof {
		// They were replaced, or their card does not count any more.
		if a.lapsed = true; !m.whole {
			a.cards, a.how, a.name = nil, "", ""
		}
	}
	if before.key != "" && before.key != p.Card.Key {
		if a.signed = (signed{}); a.said == yes {
			a.consent = consent{} // that was somebody else; their no stands
		}
	}
	a.key = p.Card.Key
	a.claimed = p.Standing == member.Claimed
	a.ready = p.Card.Key == "" || p.Seen || p.Standing != member.Verified
	standing := a.how
	if a.claimed {
		standing = recorder.StandingClaimed
	}
	m.roster.Stand(p.Identity, a.visit, standing)
	switch now := (signed{p.Answered, p.Yes}); {
	case p.Answered.IsZero() || now == a.signed: // else they may have written otherwise since
	case absences != m.absences:
		m.changed[p.Identity] = true // it may be of before: look again
		signalTo(m.wake)
	default:
		if a.signed = now; !p.Yes {
			said = no
		} else if !a.refuses(p.Card.Key) {
			said = yes
		}
	}
	after := *a
	return before, &after, said
}

// attendee returns what is known of somebody, nil where there are too many. m.mu
// is held.
func (m *membership) attendee(identity string) *attendee {
	a := m.people[identity]
	if a == nil && len(m.people) < maxAttendees {
		a = &attendee{ready: true}
		if cards, ok := m.named[identity]; ok {
			a.cards, a.how, a.name = cards, media.VerifiedByOperator, cards[0].Name
		}
		m.people[identity] = a
	}
	return a
}

// now returns what is known of who is here under an identity, nil if that is
// nothing: it was of somebody who was replaced. Of who is not here any more it is
// what was known of them. m.mu is held.
func (m *membership) now(identity string) *attendee {
	a := m.people[identity]
	if it, here := m.roster.Here(identity); a != nil && here && it.Visit != a.visit {
		return nil
	}
	return a
}

// follow takes what happened in the room.
func (m *membership) follow(e recorder.RoomEvent) {
	switch e.Type {
	case media.EventJoin:
		m.came(e.Participant, e.Visit)
	case media.EventLeave:
		m.went(e.Participant)
	case media.EventChat, recorder.EventDialed:
		m.wrote(e)
	case media.EventReconnect:
		m.returned()
	}
}

// came and went follow who is in the room.
func (m *membership) came(identity string, visit int) {
	m.mu.Lock()
	if a := m.attendee(identity); a != nil {
		a.visit = visit
		m.roster.Stand(identity, visit, a.how)
	}
	m.mu.Unlock()
	m.session.Joined(identity)
	m.announce()
}

func (m *membership) went(identity string) {
	m.mu.Lock()
	if a := m.people[identity]; a != nil {
		switch {
		case m.whole && a.cards != nil:
			a.lapsed = a.how == media.VerifiedByProof
			a.key, a.ready = "", true
			if a.said == yes {
				a.consent = consent{}
			}
		case a.said == no:
			// What they said before that does not count again.
			again := attendee{ready: true, consent: a.consent, signed: a.signed, noBy: a.noBy}
			if a.how == media.VerifiedByOperator {
				again.cards, again.how, again.name = a.cards, a.how, a.name
			}
			*a = again
		default:
			delete(m.people, identity) // who comes back proves it, and is asked, again
		}
	}
	m.mu.Unlock()
	m.session.Left(identity)
	m.announce()
}

// standing is by what an identity is taken for somebody: in the visit that goes on,
// or, where who attended reads all, in the last. m.mu is held.
func (m *membership) standing(identity string) string {
	a := m.people[identity]
	if m.whole && a != nil {
		return a.how
	}
	it, _ := m.roster.Here(identity)
	return it.Standing
}

// reads reports whether who has a standing is a reader.
func (m *membership) reads(standing string) bool {
	return standing == media.VerifiedByOperator || standing == media.VerifiedByProof && m.policy.readers == "verified"
}

// reader returns the cards of a member who reads what they attend.
func (m *membership) reader(identity string) (name, how string, cards []keys.Card) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.people[identity]
	if how = m.standing(identity); a == nil || !m.reads(how) {
		return "", "", nil
	}
	return a.name, how, a.cards
}

// state is what members are told now.
func (m *membership) state() member.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := member.State{Phase: m.phase, Recording: m.id, Access: "present", Policy: m.policy.readers,
		Keeps: m.policy.record, Consent: m.policy.consent, Store: m.store}
	if m.whole {
		s.Access = "whole"
	}
	for _, r := range m.readers {
		if r.card != nil {
			s.Readers = append(s.Readers, member.Reader{Fingerprint: r.card.Fingerprint(), Name: r.card.Name})
		} else {
			s.Readers = append(s.Readers, member.Reader{Name: r.name})
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

// readersHere returns which members read what is recorded now, if they find a place.
// m.mu is held.
func (m *membership) readersHere() (identities []string) {
	for identity := range m.people {
		if m.reads(m.standing(identity)) {
			identities = append(identities, identity)
		}
	}
	return identities
}

// announce tells members' clients what the recorder does now, if that has changed.
func (m *membership) announce() {
	m.telling.Lock()
	defer m.telling.Unlock()
	if err := m.session.Announce(m.state()); err != nil {
		m.log.Error("the members cannot be told who reads", "err", err)
	}
}

// setPhase notes what the recorder does: waiting, recording, paused or stopped.
func (m *membership) setPhase(phase string) {
	m.mu.Lock()
	m.phase = phase
	m.mu.Unlock()
	m.announce()
}
