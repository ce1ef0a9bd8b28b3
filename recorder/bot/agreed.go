package bot

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/keys/roomkeys"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// codeAfter is how long who is in the room must stay the same before the room code is
// shown: it changes with each who comes or goes.
const codeAfter = 3 * time.Second

// A roomCode is what the room code was last calculated of.
type roomCode struct {
	of    string    // the roster's hash, and the recorder's lines
	since time.Time // since when it is so
	shown bool
}

// exchangeKeys makes the recorder one more member of an exchange of room keys, who has no
// key of its own.
func (m *membership) exchangeKeys(k *RoomKeys, own *keys.Identity) error {
	x, err := roomkeys.New(roomkeys.Config{
		Room: m.room.Name(), Identity: m.room.Identity(), Nonce: m.session.Nonce(), Card: m.session.CardHash(), Signer: own.Signer(),
		Listen: true, Notify: k.notify, Log: m.log,
		Records: func(recording string, state roomkeys.Hash) bool { return recording == m.id && k.records(state) },
		Send: func(ctx context.Context, to string, packet []byte) error {
			var identities []string
			if to != "" {
				identities = []string{to}
			}
			return m.room.Send(ctx, member.Topic, identities, packet)
		},
	})
	if err != nil {
		return err
	}
	k.exchange.Store(x)
	k.wake.Store(&m.wake)
	m.exchange = x
	return nil
}

// keyReason returns why media or a message of a member may not be kept because of their
// key, as the reason of a hole. "" means that it may be kept: the recorder has the key, or
// the member agreed, and it is on its way. The caller holds m.mu.
func (m *membership) keyReason(identity string, a *attendee, encrypted bool) string {
	if m.keys == nil {
		return ""
	}
	if a != nil && a.said == no {
		return media.HoleConsent
	}
	held, why := m.keys.held(identity)
	switch {
	case held || !encrypted && why == "":
		return ""
	case m.keys.agreed(identity): // the key is on its way
		return ""
	case why == roomkeys.Paused:
		return media.HolePaused
	case why != "":
		return media.HoleConsent
	case a == nil || a.key == "":
		return media.HoleUnverified // they have not said who they are yet
	}
	return media.HoleConsent
}

// heedKeys handles what members gave the recorder, or said why they do not.
func (m *membership) heedKeys() {
	if m.keys == nil {
		return
	}
	m.heeding.Lock()
	defer m.heeding.Unlock()
	for _, e := range m.keys.take() {
		m.contain(e.Identity, func() {
			if e.Kind == roomkeys.Refused {
				m.suspect(member.Event{Identity: e.Identity, Trouble: e.Trouble, Detail: e.Detail})
				return
			}
			if rec := m.recorder(); rec != nil {
				rec.Reconsider(e.Identity)
			}
			m.sayKeyed(e)
			m.attest(e.Identity, media.NoteKey, e.Note)
		})
	}
}

// sayKeyed tells whoever runs the recorder whose key it has, and whose it has not.
func (m *membership) sayKeyed(e roomkeys.Event) {
	who := m.session.Peer(e.Identity).Card.Name
	text := "agreed: what they send is recorded from now on"
	switch {
	case e.Kind == roomkeys.Given:
	case e.Why == roomkeys.Paused:
		return // for a while, and everybody's where it is the recorder that pauses
	case e.Why == roomkeys.Unverified:
		text = "is not recorded: they have not verified this recorder's card"
	default:
		text = "is not recorded: they have not agreed to it"
	}
	m.mu.Lock()
	a := m.people[e.Identity]
	news := a != nil && a.keyed != text
	if news {
		a.keyed = text
	}
	m.mu.Unlock()
	if news {
		m.notef("%s %s", words.Clean(cmp.Or(who, e.Identity)), text)
	}
}

// sayGuests tells whoever runs the recorder, once, who has no part in the exchange of keys:
// their client has a passphrase, or knows none of this.
func (m *membership) sayGuests(now time.Time) {
	if m.keys == nil {
		return
	}
	var guests []string
	here := m.roster.Members()
	m.mu.Lock()
	for _, it := range here {
		if a := m.people[it.Identity]; a != nil && !it.Machine && a.key == "" && a.keyed == "" && now.Sub(it.Since) >= keyTime {
			a.keyed = guestText
			guests = append(guests, cmp.Or(it.Name, it.Identity))
		}
	}
	m.mu.Unlock()
	for _, name := range guests {
		m.notef("%s %s", words.Clean(name), guestText)
	}
}

const guestText = "is not recorded: their client does not make keys with the others"

// attest puts what a member signed into the timeline, with their card, and with the state
// of the recorder that it names. It drops what the card did not sign: the member has
// another by now, and says it again.
func (m *membership) attest(identity, kind string, signed []byte) {
	card := m.session.Peer(identity).Card
	if card.Key == "" {
		return
	}
	if _, err := note.Open(signed, note.VerifierList(card.Verifier())); err != nil {
		return
	}
	b, err := card.Marshal()
	if err != nil {
		m.log.Error("a card could not be put into the timeline", "err", err)
		return
	}
	m.mu.Lock()
	a := m.people[identity]
	news := a != nil && !bytes.Equal(a.attested, b)
	if news {
		a.attested = b
	}
	m.mu.Unlock()
	if a == nil {
		return
	}
	var events []media.Event
	if lines := m.stateIn(signed, card.Verifier()); lines.Text != "" {
		events = append(events, lines)
	}
	if news {
		events = append(events, media.Event{Type: media.EventCard, Participant: identity, Name: card.Name, Text: string(b)})
	}
	events = append(events, media.Event{Type: media.EventNote, Participant: identity, Reason: kind, Text: string(signed)})
	m.note(func(rec *recorder.Recorder) error {
		for _, e := range events {
			if err := rec.Evidence(e); err != nil {
				return err
			}
		}
		return nil
	})
}

// stateIn returns the event with the state that a signed key names, if the timeline does
// not have it.
func (m *membership) stateIn(signed []byte, v note.Verifier) (e media.Event) {
	k, err := roomkeys.ReadKeyNote(signed, v)
	if err != nil || k.State == (roomkeys.Hash{}) {
		return e
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.statesNoted[k.State] {
		return e
	}
	lines := m.keys.state(k.State)
	if lines == "" {
		return e
	}
	if m.statesNoted == nil || len(m.statesNoted) >= maxToldStates {
		m.statesNoted = make(map[[32]byte]bool)
	}
	m.statesNoted[k.State] = true
	return media.Event{Type: media.EventState, Name: hex.EncodeToString(k.State[:]), Text: lines}
}

// showRoomCode shows the room code to whoever runs the recorder, once nobody has come or
// gone for a while.
func (m *membership) showRoomCode(now time.Time) {
	if m.exchange == nil {
		return
	}
	seats, lines := m.exchange.Roster(), m.session.CodeLines()
	m.mu.Lock()
	if recording := m.phase == phaseRecording || m.phase == phasePaused; !recording {
		m.mu.Unlock()
		return
	}
	hash := roomkeys.RosterHash(seats)
	if of := string(hash[:]) + lines; of != m.code.of {
		m.code = roomCode{of: of, since: now}
	}
	due := !m.code.shown && len(seats) > 1 && now.Sub(m.code.since) >= codeAfter
	m.code.shown = m.code.shown || due
	m.mu.Unlock()
	if due {
		m.notef("room code, of %s: %s", words.People(len(seats)-1), roomkeys.RoomCode(seats, lines))
	}
}

// leave tells the members that the recorder leaves. The keys that it has open the frames
// that are still on their way.
func (m *membership) leave() {
	if m.exchange == nil {
		return
	}
	m.keys.over.Store(true)
	bye, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	m.exchange.Bye(bye)
}
