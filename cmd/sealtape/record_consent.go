package main

import (
	"strings"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// A reply is what somebody says to being recorded.
type reply string

const (
	unanswered reply = ""
	yes        reply = "yes"
	no         reply = "no"
)

// consentNotice is what the room is told where everyone is asked.
const consentNotice = `Nothing of you is kept before you agree: write "yes" in the chat to be recorded, "no" to take it back. On a telephone, press 1 for yes, 2 for no.`

// answerTo reads an answer to being asked for consent, from what was written or
// dialed.
func answerTo(typ media.EventType, text string) reply {
	switch typ {
	case media.EventChat:
		return chatAnswer(text)
	case recorder.EventDialed:
		return dialedAnswer(text)
	}
	return unanswered
}

// dialedAnswer reads a key that was pressed on a telephone.
func dialedAnswer(key string) reply {
	switch key {
	case "1":
		return yes
	case "2":
		return no
	}
	return unanswered
}

// chatAnswer reads an answer in the chat: the word alone, whatever its case and
// what ends it. Anything else is none.
func chatAnswer(text string) reply {
	if len(text) > 16 {
		return unanswered
	}
	switch strings.ToLower(strings.Trim(text, " \t\n.!\"'")) {
	case "yes":
		return yes
	case "no":
		return no
	}
	return unanswered
}

// wrote takes a chat line, or a key that was pressed, which may be an answer. An
// answer that a verified member gave with their key stands over what is written
// under their identity.
func (m *membership) wrote(identity string, typ media.EventType, text string) {
	if m.policy.consent != "ask" {
		return
	}
	said, words := answerTo(typ, text), text
	if typ == recorder.EventDialed {
		words = "pressed " + text
	}
	m.mu.Lock()
	a := m.people[identity]
	signed := a != nil && !a.signed.IsZero()
	m.mu.Unlock()
	if said == unanswered || said == yes && (signed || !m.session.Peer(identity).Answered.IsZero()) {
		return
	}
	m.answered(identity, said, words)
}

// answered notes what somebody says to being recorded.
func (m *membership) answered(identity string, said reply, words string) {
	m.mu.Lock()
	a := m.people[identity]
	if m.policy.consent != "ask" || a == nil || a.said == said {
		m.mu.Unlock()
		return
	}
	how := media.ConsentGiven
	if said == no {
		how = media.ConsentRefused
		if a.said == yes {
			how = media.ConsentWithdrawn
		}
	}
	a.said = said
	rec := m.rec
	m.mu.Unlock()
	if rec != nil {
		rec.Reconsider(identity)
	}
	m.note(func(rec *recorder.Recorder) error { return rec.Consented(identity, how, words) })
}

// permission says why nothing of a participant may be kept, "" if it may. It is a
// recorder.Config's Permission.
func (m *membership) permission(identity string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.now(identity)
	switch {
	case m.policy.consent == "ask" && (a == nil || a.said != yes):
		return media.GapConsent
	case m.policy.record == "verified" && (a == nil || a.cards == nil || a.lapsed):
		return media.GapUnverified
	case a != nil && !a.ready:
		return media.GapUnverified // a verified member hears what the recorder does first
	}
	return ""
}
