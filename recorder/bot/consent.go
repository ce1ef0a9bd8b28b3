package bot

import (
	"fmt"
	"strings"

	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// A reply is a member's answer about being recorded.
type reply string

const (
	unanswered reply = ""
	yes        reply = "yes"
	no         reply = "no"
)

// answerTo reads an answer about consent from the chat, a telephone or what the room says. doubt is the
// reason why a yes does not count: somebody else can have written it. "" means that it
// counts. A no counts, whoever wrote it.
func answerTo(e recorder.RoomEvent, keyed bool) (said reply, doubt string) {
	switch {
	case e.Reason == media.TextCut:
	case e.Type == media.EventChat:
		said = chatAnswer(e.Text)
	case e.Type == recorder.EventAnswered:
		said = chatAnswer(e.Text)
	case e.Type == recorder.EventDialed:
		said = dialedAnswer(e.Text)
	}
	switch {
	case said != yes:
	case e.Generated:
		doubt = "a program wrote it"
	case keyed && !e.Encrypted && e.Type != recorder.EventDialed:
		doubt = "it came without end-to-end encryption, which this room has"
	}
	return said, doubt
}

// dialedAnswer reads an answer from a key of a telephone.
func dialedAnswer(key string) reply {
	switch key {
	case "1":
		return yes
	case "2":
		return no
	}
	return unanswered
}

// chatAnswer reads an answer from a line of the chat: the word alone, in any case, also
// with a full stop or an exclamation mark. Anything else is no answer.
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

// wrote takes in a line of the chat, or a key of a telephone, that may be an answer. If
// a member has answered by the key on their card, a yes that is written under their
// identity does not count. A written no counts, until that key says yes.
func (m *membership) wrote(e recorder.RoomEvent) {
	if m.policy.Consent != ConsentAsk {
		return
	}
	said, doubt := answerTo(e, m.keyed)
	if said == unanswered {
		return
	}
	m.mu.Lock()
	a := m.people[e.Participant]
	if a != nil && doubt != "" && !a.doubted {
		a.doubted = true
		m.say(fmt.Sprintf("The yes of %s does not count: %s.", words.Clean(e.Participant), doubt))
	}
	stands := a != nil && (a.refuses(a.key) || a.signed != signed{})
	m.mu.Unlock()
	if a == nil || doubt != "" || said == yes && (stands || !m.session.Peer(e.Participant).Answered.IsZero()) {
		return
	}
	words := e.Text
	if e.Type == recorder.EventDialed {
		words = "pressed " + e.Text
	}
	if e.Type == recorder.EventAnswered {
		words = e.Reason
	}
	if said == no {
		m.session.Refuse(e.Participant)
	}
	m.answered(e.Participant, consent{said: said, open: said == yes && m.keyed && !e.Encrypted}, words)
}

// A consent is a member's present answer.
type consent struct {
	said reply
	open bool // the server can have made the answer, so only media that it can make is kept
}

// refuses reports whether a no stands that the card with this key cannot lift, because
// another card said it.
func (a *attendee) refuses(key string) bool { return a.said == no && a.noBy != "" && a.noBy != key }

// answered notes an answer, and puts it into the timeline.
func (m *membership) answered(identity string, now consent, words string) {
	m.mu.Lock()
	a := m.people[identity]
	if m.policy.Consent != ConsentAsk && m.keys == nil || a == nil || a.consent == now {
		m.mu.Unlock()
		return
	}
	how := media.ConsentGiven
	if now.said == no {
		how = media.ConsentRefused
		if a.said == yes {
			how = media.ConsentWithdrawn
		}
	}
	if a.consent = now; now.said == no {
		a.noBy = a.key
	}
	rec := m.rec
	m.mu.Unlock()
	if rec != nil {
		rec.Reconsider(identity)
	}
	m.note(func(rec *recorder.Recorder) error { return rec.Consented(identity, how, words) })
}

// returned is called when the recorder is back in a room that it had lost. Those who
// agreed are asked again: they may have taken it back unheard.
func (m *membership) returned() {
	if m.policy.Consent != ConsentAsk {
		return
	}
	m.session.AskAgain()
	m.mu.Lock()
	m.absences++
	var void []string
	for identity, a := range m.people {
		if a.said == yes {
			a.consent, a.signed = consent{}, signed{}
			void = append(void, identity)
			if m.keys != nil {
				m.keys.answered(identity, false)
			}
		}
	}
	if len(void) > 0 {
		m.say(consentAgain + askFor(m.keys != nil))
	}
	rec := m.rec
	m.mu.Unlock()
	for _, identity := range void {
		if rec != nil {
			rec.Reconsider(identity)
		}
	}
}

// permission returns why a participant's media may not be kept, as the reason of a hole.
// "" means that it may be kept. encrypted says whether the media is encrypted. It is the
// Permission of a recorder.Config.
func (m *membership) permission(identity string, encrypted bool) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.now(identity)
	switch {
	case m.policy.Consent == ConsentAsk && (a == nil || a.said != yes || a.open && encrypted):
		return media.HoleConsent
	case m.policy.Record == RecordVerified && (a == nil || a.cards == nil || a.lapsed):
		return media.HoleUnverified
	case a != nil && !a.ready:
		return media.HoleUnverified // a verified member must first confirm what the recorder does
	}
	return m.keyReason(identity, a, encrypted)
}
