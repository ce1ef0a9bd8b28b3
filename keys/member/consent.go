package member

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	lastRetry = 30 * time.Second // longest time between two tries of an answer
	// maxRefusals bounds the noes that are remembered. Beyond it no yes counts
	// any more: whoever could make the recorder forget a no could overrule it.
	maxRefusals = 4096
)

var (
	errNotRecorder = errors.New("this participant has not announced that it records")
	errReplaced    = errors.New("another answer took its place")
	// ErrRefused: a no stands with the recorder, and the answer does not lift it:
	// another card under the identity said it, or it was said later.
	ErrRefused = errors.New("a no stands that this does not lift")
	// ErrNotNoted: the recorder has not acknowledged an answer, so it is not
	// known whether the answer counts.
	ErrNotNoted = errors.New("the recorder has not acknowledged the answer")
)

// An answered is the recorder and recording that an answer is for: no other card
// under its identity, and no other recording.
type answered struct{ identity, key, recording string }

// An answer is what this member said to a recorder. It is sent again until the
// recorder acknowledges it, and whenever the recorder reports that it does not
// have it.
type answer struct {
	number int
	yes    bool
	noted  bool
	done   chan struct{} // closed when it was noted, or err set
	err    error
	since  time.Time // when it was given, or found to be missing
	next   time.Time // when it is sent again
	tries  int
}

func (a *answer) text() string {
	if a.yes {
		return answerYes
	}
	return answerNo
}

// end wakes those who wait for the answer.
func (a *answer) end(err error) {
	select {
	case <-a.done:
	default:
		a.err = err
		close(a.done)
	}
}

// Answer says to a recorder whether this member may be recorded, and returns when
// the recorder has acknowledged it. It fails if the participant has not announced
// a state in which it records; with ErrRefused; with ErrNotNoted if ctx ends
// first; and if another answer is given meanwhile. A no is sent until it is
// acknowledged, also after ctx has ended. A yes is not, but it may have arrived:
// a no makes sure. Answer needs Run.
func (s *Session) Answer(ctx context.Context, recorder string, yes bool) error {
	to, a, err := s.say(recorder, yes)
	if err != nil {
		return err
	}
	select {
	case <-a.done:
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		if a.end(fmt.Errorf("%w: %w", ErrNotNoted, context.Cause(ctx))); a.err != nil && yes && s.answers[to] == a {
			delete(s.answers, to)
		}
	}
	return a.err
}

func (s *Session) say(recorder string, yes bool) (to answered, a *answer, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peers[recorder]
	if p == nil || !p.Recorder || p.State.Recording == "" {
		return to, nil, errNotRecorder
	}
	to = p.asks()
	if before := s.answers[to]; before != nil {
		before.end(errReplaced)
	}
	now := time.Now()
	s.answer++
	a = &answer{number: s.answer, yes: yes, done: make(chan struct{}), since: now, next: now}
	s.answers[to] = a
	s.repeat(p, now)
	return to, a, nil
}

// asks returns the recorder and recording that an answer is for.
func (p *peer) asks() answered { return answered{p.Identity, p.Card.Key, p.State.Recording} }

// repeat sends an answer that the recorder has not acknowledged, if it is due.
// The caller holds s.mu.
func (s *Session) repeat(p *peer, now time.Time) {
	if !p.Recorder || !p.proved {
		return
	}
	a := s.answers[p.asks()]
	if a == nil || a.noted || now.Before(a.next) {
		return
	}
	a.next = now.Add(min(firstRetry<<a.tries, lastRetry))
	a.tries = min(a.tries+1, maxHellos)
	m := s.message(typeConsent)
	m.answers, m.recording, m.sequence = p.hello.nonce, p.State.Recording, p.whole
	m.number, m.answer = a.number, a.text()
	s.send(p.Identity, m)
}

// unheard reports whether a recorder should have acknowledged an answer by now.
func (s *Session) unheard(p *peer, now time.Time) bool {
	if !p.Recorder {
		return false
	}
	a := s.answers[p.asks()]
	return a != nil && !a.noted && now.Sub(a.since) >= s.c.SilentAfter
}

// noted handles a recorder's report of the answer it has from this member.
func (s *Session) noted(p *peer, m *message, now time.Time) (Trouble, string) {
	switch {
	case m.answers != s.nonce || m.nonce != p.hello.nonce:
		return Stale, "an acknowledgement of another session"
	case !p.proved:
		return "", "" // it says so again
	}
	a := s.answers[answered{p.Identity, p.Card.Key, m.recording}]
	if a == nil {
		return "", ""
	}
	if m.number == a.number && m.answer != answerNone {
		a.noted, a.tries, p.silent = true, 0, false
		if m.answer == a.text() {
			a.end(nil)
		} else {
			a.end(ErrRefused)
		}
	} else if a.noted {
		// It was away, or it regards us as a new participant.
		a.noted, a.since, a.next = false, now, now
		s.repeat(p, now)
	}
	return "", ""
}

// consent handles a member's answer. Only a recorder calls it.
func (s *Session) consent(p *peer, m *message) (Trouble, string) {
	switch {
	case m.answers != s.nonce || m.nonce != p.hello.nonce:
		return Stale, "an answer of another session"
	case s.state == nil || m.recording != s.state.Recording:
		return Stale, "an answer about another recording"
	case m.sequence > s.sequence:
		return Stale, "an answer to a state that was not announced"
	}
	defer s.note(p)
	if m.number < p.number || m.number == p.number && !p.voided {
		return "", "" // it was heard, or a later one
	}
	if m.answer == answerNo {
		// A no needs no proof: whoever says it under the identity, it stands.
		p.number, p.voided = m.number, false
		s.refusals.add(p.Identity, p.Card.Key, refusal{m.nonce, m.number, m.time})
	} else {
		if !p.proved || m.sequence < s.asked || !s.refusals.lift(p.Identity, p.Card.Key, refusal{m.nonce, m.number, m.time}) {
			return "", ""
		}
		p.number, p.voided = m.number, false
	}
	s.decided(p, m.time, m.answer == answerYes, m.sig)
	return "", ""
}

// decided sets what counts as a member's answer, and the message that has it, nil for
// none. The caller holds s.mu.
func (s *Session) decided(p *peer, said time.Time, yes bool, signed []byte) {
	p.Answered, p.Yes, p.Said = said, yes, slices.Clone(signed)
	if said, no := s.refusals.of(p.Identity); no {
		if p.Answered, p.Yes = said, false; yes {
			p.Said = nil
		}
	}
	s.changed(p)
}

// Refuse records a no that a member gave by other means, such as the chat. If the
// member's card has answered before, the no counts as that card's, and only a
// later answer of the same card lifts it.
func (s *Session) Refuse(identity string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peers[identity]
	if p == nil || p.number == 0 || s.state == nil {
		return
	}
	now := time.Now()
	p.voided = false
	s.refusals.add(identity, p.Card.Key, refusal{p.hello.nonce, p.number, now})
	s.decided(p, now, false, nil)
	s.note(p)
}

// note reports to a member which answer this recorder has from it. The caller
// holds s.mu.
func (s *Session) note(p *peer) {
	m := s.message(typeNoted)
	m.answers, m.recording, m.number, m.answer = p.hello.nonce, s.state.Recording, p.number, answerNone
	switch {
	case p.Yes:
		m.answer = answerYes
	case !p.Answered.IsZero():
		m.answer = answerNo
	}
	s.send(p.Identity, m)
}

// AskAgain voids every yes until it is said again: the recorder was away, and may
// have missed that somebody took theirs back. A client whose person still says
// yes repeats it by itself. Every no stands.
func (s *Session) AskAgain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return
	}
	s.asked = s.sequence + 1
	for _, p := range s.peers {
		if p.Yes {
			p.Answered, p.Yes, p.Said, p.voided = time.Time{}, false, nil, true
			s.changed(p)
		}
	}
	s.restate()
}

// A refusal is a no, with its place in the order of what the same card said.
type refusal struct {
	nonce  nonce
	number int
	time   time.Time
}

// before reports whether other is the later answer of the same card. Within one
// session the numbers decide, otherwise the times; at equal times the no wins.
func (r refusal) before(other refusal) bool {
	if r.nonce == other.nonce {
		return r.number < other.number
	}
	return r.time.Before(other.time)
}

// refusals are the noes to a recording. A no stands for the identity under which
// it was said, whoever uses that identity, until the card that said it says yes
// under it. The zero value has none.
type refusals struct {
	said map[string]map[string]refusal // by identity, and by the key of the card
	full bool                          // there were too many
	n    int
}

func (x *refusals) add(identity, key string, r refusal) {
	by := x.said[identity]
	if _, ok := by[key]; !ok {
		if x.n == maxRefusals {
			x.full = true
			return
		}
		x.n++
	}
	if x.said == nil {
		x.said = make(map[string]map[string]refusal)
	}
	if by == nil {
		by = make(map[string]refusal)
		x.said[identity] = by
	}
	by[key] = r
}

// lift removes the noes of a card under an identity, if now is later than every
// no of that card under any identity. It reports whether it is later.
func (x *refusals) lift(identity, key string, now refusal) bool {
	if x.full {
		return false
	}
	for _, by := range x.said {
		if r, ok := by[key]; ok && !r.before(now) {
			return false
		}
	}
	if by := x.said[identity]; by != nil {
		if _, ok := by[key]; ok {
			x.n--
			delete(by, key)
		}
		if len(by) == 0 {
			delete(x.said, identity)
		}
	}
	return true
}

// of returns the no that stands for an identity.
func (x *refusals) of(identity string) (said time.Time, ok bool) {
	for _, r := range x.said[identity] {
		if !ok || r.time.After(said) {
			said, ok = r.time, true
		}
	}
	return said, ok
}
