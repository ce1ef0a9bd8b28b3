package member

import (
	"bytes"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/internal/fields"
)

const (
	// Topic is the topic of the LiveKit data packets that carry messages.
	Topic = "sealtape.v1"
	// MaxMessage is the most bytes that a message may have.
	MaxMessage = 14_000

	version = "sealtape.v1/"
)

// The types of messages.
const (
	typeHello    = version + "hello"
	typeProof    = version + "proof"
	typeRecorder = version + "recorder"
	typeSeen     = version + "seen"
	typeConsent  = version + "consent"
	typeNoted    = version + "noted"
)

// The answers about being recorded. Only typeNoted uses none.
const (
	answerYes  = "yes"
	answerNo   = "no"
	answerNone = "none"
)

// nonce and hash are those of the protocol.
type (
	nonce = fields.Nonce
	hash  = fields.Hash
)

// A message has the fields that all messages have, and the fields of its type.
// Fields of other types are zero.
type message struct {
	kind       string
	room, from string
	to         string // recipient's identity; "" for all
	time       time.Time
	nonce      nonce

	card       []byte // hello: the card as a signed note
	answers    nonce  // all but recorder; in a hello zero if its recipient has sent none
	own, other hash   // proof
	sid        string // proof: the room's
	key        hash   // proof: the commitment to the room's key; zero in a room without one
	sequence   int    // recorder, seen, consent
	digest     hash   // seen
	recording  string // recorder, consent, noted
	number     int    // consent, noted: the number of the member's answer
	answer     string // consent, noted
	state      statePart

	under hash   // the commitment to the key that opened its packet; zero for none
	text  string // as it was read or signed
	sig   []byte // the whole note
}

var (
	errMalformed = fields.ErrMalformed
	// errVersion: the message has another version of the protocol.
	errVersion = errors.New("message of another version")
	// errType: the message has this version and an unknown type.
	errType = errors.New("message of an unknown type")
)

// parse parses a message. It does not check the signature: openedBy does.
func parse(b []byte) (*message, error) {
	if len(b) > MaxMessage {
		return nil, fmt.Errorf("%w: %d bytes", errMalformed, len(b))
	}
	if !bytes.HasPrefix(b, []byte(version)) {
		if bytes.HasPrefix(b, []byte("sealtape.v")) {
			return nil, errVersion
		}
		return nil, errMalformed
	}
	end := bytes.Index(b, []byte("\n\n"))
	if end < 0 || !utf8.Valid(b) {
		return nil, errMalformed
	}
	m := &message{text: string(b[:end+1]), sig: b}
	r := read(m.text)
	if m.kind = r.Next(); !known(m.kind) {
		return nil, errType
	}
	m.room, m.from, m.to, m.time, m.nonce = r.Text("room"), r.Text("from"), r.Text("to"), r.Time("time"), r.Nonce("nonce")
	switch m.kind {
	case typeHello:
		if !r.None("answers") {
			if m.answers = r.Nonce("answers"); m.answers == (nonce{}) {
				r.Fail("answers")
			}
		}
		m.card = r.Base64("card", keys.MaxCard)
	case typeProof:
		m.answers, m.own, m.other = r.Nonce("answers"), r.Hash("own"), r.Hash("other")
		m.sid = r.Text("sid")
		if !r.None("key") {
			if m.key = r.Hash("key"); m.key == (hash{}) {
				r.Fail("key")
			}
		}
	case typeRecorder:
		m.sequence = r.Number("sequence")
		m.state = r.state()
		m.recording = m.state.Recording
	case typeSeen:
		m.answers, m.sequence, m.digest = r.Nonce("answers"), r.Number("sequence"), r.Hash("digest")
	case typeConsent:
		m.answers, m.recording = r.Nonce("answers"), r.Recording("recording")
		m.sequence, m.number = r.Number("sequence"), r.Number("number")
		m.answer = r.OneOf("answer", answerYes, answerNo)
	case typeNoted:
		m.answers, m.recording = r.Nonce("answers"), r.Recording("recording")
		m.number = r.Count("number")
		m.answer = r.OneOf("answer", answerYes, answerNo, answerNone)
	}
	r.End()
	return m, r.Err
}

func known(kind string) bool {
	switch kind {
	case typeHello, typeProof, typeRecorder, typeSeen, typeConsent, typeNoted:
		return true
	}
	return false
}

// openedBy reports whether the message has v's signature and no other.
func (m *message) openedBy(v note.Verifier) bool {
	n, err := note.Open(m.sig, note.VerifierList(v))
	return err == nil && len(n.Sigs) == 1 && len(n.UnverifiedSigs) == 0 && n.Text == m.text
}

// sign formats the message's text and signs it.
func (m *message) sign(s note.Signer) ([]byte, error) {
	var w writer
	w.WriteString(m.kind + "\n")
	w.Text("room", m.room)
	w.Text("from", m.from)
	w.Text("to", m.to)
	w.Time("time", m.time)
	w.Line("nonce", m.nonce.String())
	switch m.kind {
	case typeHello:
		if m.answers == (nonce{}) {
			w.Line("answers", "-")
		} else {
			w.Line("answers", m.answers.String())
		}
		w.Base64("card", m.card)
	case typeProof:
		w.Line("answers", m.answers.String())
		w.Line("own", m.own.String())
		w.Line("other", m.other.String())
		w.Text("sid", m.sid)
		if m.key == (hash{}) {
			w.Line("key", "-")
		} else {
			w.Line("key", m.key.String())
		}
	case typeRecorder:
		w.Number("sequence", m.sequence)
		w.state(m.state)
	case typeSeen:
		w.Line("answers", m.answers.String())
		w.Number("sequence", m.sequence)
		w.Line("digest", m.digest.String())
	case typeConsent:
		w.Line("answers", m.answers.String())
		w.Line("recording", m.recording)
		w.Number("sequence", m.sequence)
		w.Number("number", m.number)
		w.Line("answer", m.answer)
	case typeNoted:
		w.Line("answers", m.answers.String())
		w.Line("recording", m.recording)
		w.Number("number", m.number)
		w.Line("answer", m.answer)
	}
	m.text = w.String()
	b, err := note.Sign(&note.Note{Text: m.text}, s)
	if err == nil && len(b) > MaxMessage {
		err = fmt.Errorf("a message of %d bytes, where %d may be", len(b), MaxMessage)
	}
	return b, err
}

// A writer writes fields.
type writer struct{ fields.Writer }

// A reader parses fields in order. After an error it returns zero values.
type reader struct{ fields.Reader }

func read(text string) reader { return reader{fields.Reader{Rest: text}} }
