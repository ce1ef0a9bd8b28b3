package bot

import (
	"fmt"
	"strings"

	"github.com/sealtape/sealtape/internal/words"
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

// answerTo reads an answer to being asked for consent, from what was written or
// dialed. doubt is why a yes does not count: others than the member can have written
// it. A no counts whoever wrote it.
func answerTo(e recorder.RoomEvent, keyed bool) (said reply, doubt string) {
	switch {
	case e.Reason == media.TextCut:
	case e.Type == media.EventChat:
		said = chatAnswer(e.Text)
	case e.Type == recorder.EventDialed:
		said = dialedAnswer(e.Text)
	}
	switch {
	case said != yes:
	case e.Generated:
		doubt = "a program wrote it"
	case keyed && !e.Encrypted && e.Type == media.EventChat:
		doubt = "it came without end-to-end encryption, which this room has"
	}
	return said, doubt
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
// answer that a member gave with their key stands over what is written under their
// identity, but for a no, which stands until their key says otherwise.
func (m *membership) wrote(e recorder.RoomEvent) {
	if m.policy.Consent != "ask" {
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
	if said == no {
		m.session.Refuse(e.Participant)
	}
	m.answered(e.Participant, consent{said: said, open: said == yes && m.keyed && !e.Encrypted}, words)
}

// A consent is what somebody says to being recorded.
type consent struct {
	said reply
	open bool // by what the server can have made: it lets be kept only what it can have made, too
}

// refuses reports whether a no stands that who shows the card of a key cannot lift:
// it was said under another one.
func (a *attendee) refuses(key string) bool { return a.said == no && a.noBy != "" && a.noBy != key }

// answered notes what somebody says to being recorded.
func (m *membership) answered(identity string, now consent, words string) {
	m.mu.Lock()
	a := m.people[identity]
	if m.policy.Consent != "ask" || a == nil || a.consent == now {
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

// returned follows the recorder's coming back to a room that it had lost: whoever
// agreed is asked again, for they may have taken it back unheard.
func (m *membership) returned() {
	if m.policy.Consent != "ask" {
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
		}
	}
	if len(void) > 0 {
		m.say(consentAgain)
	}
	rec := m.rec
	m.mu.Unlock()
	for _, identity := range void {
		if rec != nil {
			rec.Reconsider(identity)
		}
	}
}

// permission says why nothing of a participant may be kept that is encrypted, or is
// not, "" if it may. It is a recorder.Config's Permission.
func (m *membership) permission(identity string, encrypted bool) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.now(identity)
	switch {
	case m.policy.Consent == "ask" && (a == nil || a.said != yes || a.open && encrypted):
		return media.HoleConsent
	case m.policy.Record == "verified" && (a == nil || a.cards == nil || a.lapsed):
		return media.HoleUnverified
	case a != nil && !a.ready:
		return media.HoleUnverified // a verified member hears what the recorder does first
	}
	return ""
}
