package member

import (
	"crypto/sha256"
	"strconv"
	"time"
)

// maxDigests bounds how many of its states a recorder takes confirmations of.
const maxDigests = 64

// telling returns what a message says of a state: the fields from sequence on.
func (p statePart) telling(sequence int) []byte {
	var w writer
	w.line("sequence", strconv.Itoa(sequence))
	w.state(p)
	return []byte(w.String())
}

// Announce makes this member a recorder that says what it does: to all now, and to
// whoever proves themselves later. A state that says the same as the last one is
// not told again. It fails for a state that cannot be told.
func (s *Session) Announce(state State) error {
	if err := state.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != nil && s.state.Equal(state) {
		return nil
	}
	s.state = &state
	s.sequence++
	digest := sha256.New()
	for _, part := range state.parts() {
		digest.Write(part.telling(s.sequence))
	}
	s.digests[s.sequence] = hash(digest.Sum(nil))
	delete(s.digests, s.sequence-maxDigests)
	s.tell(nil)
	return nil
}

// Code returns the meeting code of what this recorder last announced, "" before.
func (s *Session) Code() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return ""
	}
	return s.state.MeetingCode(s.c.Room, s.vkey)
}

// tell tells the recorder's state to one peer, or to all. s.mu is held.
func (s *Session) tell(to *peer) {
	now := time.Now()
	var who []string
	if to != nil {
		who = []string{to.Identity}
	} else {
		s.told = now
	}
	for _, part := range s.state.parts() {
		m := s.message(typeRecorder)
		m.sequence, m.state = s.sequence, part
		s.send(who, m)
	}
	for _, p := range s.peers {
		if (to == nil || to == p) && p.proved && p.owes.IsZero() && p.confirmed < s.sequence {
			p.owes = now
		}
	}
}

// heardState takes a part of a recorder's state.
func (s *Session) heardState(p *peer, m *message, now time.Time) (Trouble, string) {
	switch {
	case m.nonce != p.hello.nonce:
		return Stale, "the state of another session"
	case !p.proved:
		return "", "" // it tells it again once it is
	case m.sequence < p.sequence:
		return Stale, "a state that is over"
	}
	if m.sequence > p.sequence || p.parts == nil {
		p.sequence, p.parts = m.sequence, make(map[int]*message)
	}
	p.heard, p.silent = now, false
	whole := len(p.parts) > 0 && len(p.parts) == m.state.of
	for n, other := range p.parts {
		if other.state.of != m.state.of || !sameHead(other.state.State, m.state.State) ||
			n == m.state.part && !other.state.Equal(m.state.State) {
			return Malformed, "two states under one number"
		}
	}
	if whole {
		// Said again: the answer may have been lost.
		if m.state.part == m.state.of {
			s.confirm(p)
		}
		return "", ""
	}
	p.parts[m.state.part] = m
	if len(p.parts) < m.state.of {
		return "", ""
	}
	h := sha256.New()
	p.State = m.state.State
	p.State.Readers = nil
	for i := 1; i <= m.state.of; i++ {
		h.Write(p.parts[i].state.telling(m.sequence))
		p.State.Readers = append(p.State.Readers, p.parts[i].state.Readers...)
	}
	if len(p.State.Readers) > MaxReaders {
		return Malformed, "more readers than there may be"
	}
	p.Recorder = true
	p.Code = p.State.MeetingCode(s.c.Room, p.Card.Key)
	p.digest = hash(h.Sum(nil))
	s.confirm(p)
	s.changed(p)
	return "", ""
}

// confirm tells a recorder that its state arrived.
func (s *Session) confirm(p *peer) {
	m := s.message(typeSeen)
	m.to, m.answers, m.sequence, m.digest = p.Identity, p.hello.nonce, p.sequence, p.digest
	s.send([]string{p.Identity}, m)
}

// sameHead reports whether two parts are of one state.
func sameHead(a, b State) bool {
	a.Readers, b.Readers = nil, nil
	return a.Equal(b)
}

func (s *Session) seen(p *peer, m *message, now time.Time) (Trouble, string) {
	switch {
	case m.to != s.c.Identity:
		return OtherIdentity, "an answer that was meant for another member"
	case m.answers != s.nonce || m.nonce != p.hello.nonce:
		return Stale, "an answer of another session"
	case s.state == nil || m.sequence > s.sequence:
		return Stale, "an answer to a state that was not told"
	}
	if told, ok := s.digests[m.sequence]; !ok || told != m.digest {
		return Stale, "an answer to something else than was told"
	}
	if !p.proved {
		return "", "" // it is asked again
	}
	p.answered, p.silent = now, false
	if m.sequence > p.confirmed {
		p.confirmed, p.owes = m.sequence, now
	}
	if p.confirmed == s.sequence {
		p.owes = time.Time{}
	}
	if !p.Seen {
		p.Seen = true
		s.changed(p)
	}
	return "", ""
}

// Answer tells a recorder whether one may be recorded. It fails if the participant
// has not told the state of a recorder that records.
func (s *Session) Answer(recorder string, yes bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peers[recorder]
	if p == nil || !p.Recorder || p.State.Recording == "" {
		return errNotRecorder
	}
	m := s.message(typeConsent)
	m.to, m.answers, m.recording, m.answer = recorder, p.hello.nonce, p.State.Recording, yes
	s.send([]string{recorder}, m)
	return nil
}

func (s *Session) consent(p *peer, m *message) (Trouble, string) {
	refused := s.refused[p.Card.Key]
	switch {
	case m.to != s.c.Identity:
		return OtherIdentity, "an answer that was meant for another member"
	case m.answers != s.nonce || m.nonce != p.hello.nonce:
		return Stale, "an answer of another session"
	case s.state == nil || m.recording != s.state.Recording:
		return Stale, "an answer about another recording"
	case m.time.Before(p.Answered), m.time.Equal(p.Answered) && (!p.Yes || m.answer), m.time.Before(refused), m.answer && m.time.Equal(refused):
		return "", "" // the later one counts, and no where both are of one second
	case m.answer && !p.proved:
		return "", "" // a no needs no proof
	}
	p.Answered, p.Yes = m.time, m.answer
	if m.answer {
		delete(s.refused, p.Card.Key)
	} else if len(s.refused) < maxPeers {
		s.refused[p.Card.Key] = m.time
	}
	s.changed(p)
	return "", ""
}
