package member

import (
	"crypto/sha256"
	"errors"
	"time"

	"github.com/sealtape/sealtape/keys"
)

var errNoRecorder = errors.New("one's own card is not a recorder's")

// maxDigests is of how many of its states a recorder accepts confirmations.
const maxDigests = 64

// telling returns the fields of a message about a state, from sequence on.
func (p statePart) telling(sequence int) []byte {
	var w writer
	w.Number("sequence", sequence)
	w.state(p)
	return []byte(w.String())
}

// Announce makes this member a recorder that says what it does: to all now, and
// to everybody who proves themselves later. A state equal to the last one is not
// sent again. Announce fails for a state that does not fit the protocol, and for
// a card that is not a recorder's.
func (s *Session) Announce(state State) error {
	if s.role != keys.Recorder {
		return errNoRecorder
	}
	if err := state.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != nil && s.state.Equal(state) {
		return nil
	}
	s.state = &state
	s.restate()
	return nil
}

// restate sends the recorder's state to all under a new number. The caller holds
// s.mu.
func (s *Session) restate() {
	s.sequence++
	var lines []byte
	for _, part := range s.state.parts() {
		lines = append(lines, part.telling(s.sequence)...)
	}
	digest := hash(sha256.Sum256(lines))
	s.digests[s.sequence] = digest
	delete(s.digests, s.sequence-maxDigests)
	if s.c.Told != nil {
		s.c.Told(digest, string(lines))
	}
	s.tell(nil)
}

// Code returns the meeting code of the state last announced. "" means that none
// was.
func (s *Session) Code() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return ""
	}
	return s.state.MeetingCode(s.c.Room, s.vkey)
}

// CodeLines returns the lines of the state last announced that a room code is made
// of, see roomkeys.RoomCode. "" means that none was.
func (s *Session) CodeLines() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return ""
	}
	return s.state.CodeLines(s.c.Room, s.vkey)
}

// tell sends the recorder's state to one peer, or to all. The caller holds s.mu.
func (s *Session) tell(to *peer) {
	now := time.Now()
	who := ""
	if to != nil {
		who = to.Identity
	} else {
		s.stated = now
	}
	for _, part := range s.state.parts() {
		m := s.message(typeRecorder)
		m.sequence, m.state = s.sequence, part
		s.send(who, m)
	}
	for _, p := range s.peers {
		if to != nil && to != p || !p.proved {
			continue
		}
		if p.owes.IsZero() && p.confirmed < s.sequence {
			p.owes = now
		}
		if p.voided || to != nil && s.state.Consent == "ask" && s.state.Recording != "" {
			s.note(p)
		}
	}
}

// heardState handles a part of a recorder's state.
func (s *Session) heardState(p *peer, m *message, now time.Time) (Trouble, string) {
	switch {
	case m.nonce != p.hello.nonce:
		return Stale, "the state of another session"
	case !p.proved:
		return "", "" // it sends it again once it is proved
	case p.Card.Role != keys.Recorder:
		return Impostor, "says that it records, with the card of a " + p.Card.Role.String()
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
		// It was sent again: our confirmation may have been lost.
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
	p.Recorder, p.whole = true, m.sequence
	p.Code = p.State.MeetingCode(s.c.Room, p.Card.Key)
	p.Digest = hash(h.Sum(nil))
	s.confirm(p)
	s.changed(p)
	return "", ""
}

// confirm tells a recorder that its state arrived.
func (s *Session) confirm(p *peer) {
	m := s.message(typeSeen)
	m.answers, m.sequence, m.digest = p.hello.nonce, p.sequence, p.Digest
	s.send(p.Identity, m)
}

// sameHead reports whether two parts belong to one state.
func sameHead(a, b State) bool {
	a.Readers, b.Readers = nil, nil
	return a.Equal(b)
}

func (s *Session) seen(p *peer, m *message, now time.Time) (Trouble, string) {
	switch {
	case m.answers != s.nonce || m.nonce != p.hello.nonce:
		return Stale, "an answer of another session"
	case s.state == nil || m.sequence > s.sequence:
		return Stale, "an answer to a state that was not announced"
	}
	if sent, ok := s.digests[m.sequence]; !ok || sent != m.digest {
		return Stale, "an answer to another state than was announced"
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
