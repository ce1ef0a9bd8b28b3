package tape

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// Evidence reads what members signed about being recorded. Who opens a recording brings
// it along: keys are too much for this package.
type Evidence struct {
	// Note returns what a signed message of a kind (a reason of media.EventNote) says, if
	// the key of a card signed it. card and note are the texts of their events.
	Note func(kind, card, note string) (Note, error)
	// State returns what the lines of a recorder's state say: who can open the recording,
	// and what of it, as record --access has it.
	State func(lines string) (readers []string, access string, err error)
}

// A Note is what somebody signed about being recorded.
type Note struct {
	Name, Key  string // on the card; the key is a verifier key
	Room, From string // the room's name, and their identity in it
	Time       time.Time
	Recording  string // its ID
	State      string // the digest of what the recorder had told them; "" if the note has none
	Yes        bool   // the recorder gets their key, or may record them
	// Session is that of the member, and Chain where its keys were, for media.NoteKey.
	// In one session chains go forward only.
	Session string
	Chain   int
}

// An Agreement is a span in which a recorder had a member's key, because the member had
// agreed.
type Agreement struct {
	From, To time.Duration // To is the recording's end, if they did not take it back
	// Name is on the card that signed it, and By its holder, as the reader knows them.
	Name string
	By   Signer
	// Signed is when, by the member's clock.
	Signed time.Time
	// Readers are who could open what was recorded then, as the member was told, and
	// Access what of it. They are empty if the recording does not have that.
	Readers []string
	Access  string
}

// A NoteFault is a note that does not count, or frames that no note accounts for.
type NoteFault struct {
	Participant string
	At          time.Duration
	Text        string
}

const (
	backWithin  = 6 * time.Second  // who comes back so soon goes on
	keyLate     = 12 * time.Second // frames may wait so long for their key
	frameLate   = 2 * time.Second  // a note may be written so long before the last frame
	maxAgreedOf = 1 << 12          // spans of one participant
)

// agreements are what the notes in a timeline come to.
type agreements struct {
	members bool // the members made the room's keys
	of      map[string][]Agreement
	faults  []NoteFault
}

// An agreementReader reads notes in the order of the timeline.
type agreementReader struct {
	agreements
	evidence *Evidence
	signer   func(key string) Signer
	ids      []string // of the recording, and of the one that it was resealed from
	room     string
	end      time.Duration

	cards  map[string]string // by participant
	states map[string]string // by digest
	read   map[[32]byte]bool // notes
	open   map[string]bool   // the last span of a participant has no end yet
	left   map[string]time.Duration
	over   map[string]Note // the last word of a participant that they give no key
}

// readAgreements reads the notes of a recording.
func (o Options) readAgreements(id string, events []media.Event, end time.Duration) agreements {
	r := &agreementReader{agreements: agreements{of: make(map[string][]Agreement)}, evidence: o.Evidence, signer: o.signer, ids: []string{id}, room: Room(events), end: end,
		cards: make(map[string]string), states: make(map[string]string), read: make(map[[32]byte]bool), open: make(map[string]bool), left: make(map[string]time.Duration), over: make(map[string]Note)}
	if h, ok := Cited(ResealedFrom(events)); ok {
		r.ids = append(r.ids, h.ID)
	}
	for _, e := range events {
		r.event(e)
	}
	return r.agreements
}

func (r *agreementReader) event(e media.Event) {
	switch e.Type {
	case media.EventStart:
		r.members = r.members || e.Reason == media.StartMembers
	case media.EventCard:
		if before, ok := r.cards[e.Participant]; ok && before != e.Text {
			r.ends(e.Participant, e.Time)
			delete(r.left, e.Participant)
		}
		r.cards[e.Participant] = e.Text
	case media.EventState:
		if sum := sha256.Sum256([]byte(e.Text)); hex.EncodeToString(sum[:]) == e.Name {
			r.states[e.Name] = e.Text
		} else {
			r.fault(e, "a state of the recorder has not the digest that it is said to have")
		}
	case media.EventLeave:
		if r.open[e.Participant] {
			r.ends(e.Participant, e.Time)
			r.left[e.Participant] = e.Time
		}
	case media.EventJoin:
		if at, ok := r.left[e.Participant]; ok && e.Time-at <= backWithin {
			r.of[e.Participant][len(r.of[e.Participant])-1].To = r.end
			r.open[e.Participant] = true
		}
		delete(r.left, e.Participant)
	case media.EventNote:
		r.members = true
		if r.evidence != nil {
			r.note(e)
		}
	}
}

func (r *agreementReader) fault(e media.Event, format string, args ...any) {
	r.faults = append(r.faults, NoteFault{e.Participant, e.Time, fmt.Sprintf(format, args...)})
}

// ends ends the span of a participant.
func (r *agreementReader) ends(who string, at time.Duration) {
	if r.open[who] {
		r.open[who] = false
		r.of[who][len(r.of[who])-1].To = at
	}
}

// note reads a note. One that is repeated for a later epoch changes nothing.
func (r *agreementReader) note(e media.Event) {
	id := sha256.Sum256([]byte(e.Participant + "\x00" + e.Text))
	if r.read[id] {
		return
	}
	r.read[id] = true
	n, err := r.evidence.Note(e.Reason, r.cards[e.Participant], e.Text)
	switch {
	case err != nil:
		r.fault(e, "what they are said to have signed does not count: %v", err)
		return
	case n.From != e.Participant:
		r.fault(e, "somebody signed this under another identity")
		return
	case r.room != "" && n.Room != r.room:
		r.fault(e, "they signed this in another room")
		return
	case n.Recording != "" && !slices.Contains(r.ids, n.Recording), n.Yes && n.Recording == "":
		r.fault(e, "they agreed to another recording")
		return
	case !n.Yes:
		if e.Reason == media.NoteKey {
			r.over[e.Participant] = n
		}
		r.ends(e.Participant, e.Time)
		return
	case e.Reason != media.NoteKey:
		return // a yes lets nothing be opened
	}
	if no, ok := r.over[e.Participant]; ok && no.Key == n.Key && no.Session == n.Session && n.Chain < no.Chain {
		r.fault(e, "they signed this before they took it back")
		return
	}
	a := Agreement{From: e.Time, To: r.end, Name: n.Name, By: r.signer(n.Key), Signed: n.Time}
	if lines, ok := r.states[n.State]; ok {
		if a.Readers, a.Access, err = r.evidence.State(lines); err != nil {
			r.fault(e, "what the recorder had told them is malformed: %v", err)
		}
	}
	all := r.of[e.Participant]
	if r.open[e.Participant] {
		if last := &all[len(all)-1]; last.same(a) {
			return
		}
		r.ends(e.Participant, e.Time)
	}
	if len(all) < maxAgreedOf {
		r.of[e.Participant], r.open[e.Participant] = append(all, a), true
	}
}

// same reports whether b says what a says.
func (a *Agreement) same(b Agreement) bool {
	return a.By.Key == b.By.Key && a.Access == b.Access && slices.Equal(a.Readers, b.Readers)
}

// accountsFor reports whether a frame of a participant was captured while the recorder had
// their key, by the notes.
func (a *agreements) accountsFor(who string, at time.Duration) bool {
	return slices.ContainsFunc(a.of[who], func(s Agreement) bool { return s.From-keyLate <= at && at <= s.To+frameLate })
}

// unaccounted counts frames that no note accounts for, of each participant.
type unaccounted struct {
	frames map[string][]frameSpan
}

// A frameSpan is a row of frames without a longer break.
type frameSpan struct {
	from, to time.Duration
	frames   int
}

// frameBreak is the least break between two spans.
const frameBreak = time.Second

// add notes a frame of an encrypted track.
func (u *unaccounted) add(who string, at time.Duration) {
	if u.frames == nil {
		u.frames = make(map[string][]frameSpan)
	}
	spans := u.frames[who]
	if n := len(spans); n > 0 && at >= spans[n-1].from-frameBreak && at <= spans[n-1].to+frameBreak && at/keyLate == spans[n-1].from/keyLate {
		last := &spans[n-1]
		last.from, last.to, last.frames = min(last.from, at), max(last.to, at), last.frames+1
		return
	}
	if len(spans) < 1<<16 {
		u.frames[who] = append(spans, frameSpan{at, at, 1})
	}
}

// faults returns what the agreements do not account for.
func (u *unaccounted) faults(a *agreements) (faults []NoteFault) {
	for who, spans := range u.frames {
		var f NoteFault
		frames, to := 0, time.Duration(0)
		for _, s := range spans {
			if a.accountsFor(who, s.from) && a.accountsFor(who, s.to) {
				continue
			}
			if frames == 0 {
				f.Participant, f.At = who, s.from
			}
			frames, to = frames+s.frames, s.to
		}
		if frames > 0 {
			f.Text = fmt.Sprintf("%d frames, from %v to %v, that nothing they signed accounts for",
				frames, f.At.Round(time.Millisecond), to.Round(time.Millisecond))
			faults = append(faults, f)
		}
	}
	slices.SortFunc(faults, func(a, b NoteFault) int { return strings.Compare(a.Participant, b.Participant) })
	return faults
}
