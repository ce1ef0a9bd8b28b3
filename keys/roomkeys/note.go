package roomkeys

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/keys/internal/fields"
	"github.com/sealtape/sealtape/keys/member"
)

// The types of messages.
const (
	typeSession = version + "session"
	typeKey     = version + "key"
	typeHere    = version + "here"
	typeWant    = version + "want"
	typeBye     = version + "bye"
)

// A Why is why a member gives somebody no key.
type Why string

const (
	// Unverified: the card of whom it is for is not pinned by the sender.
	Unverified Why = "unverified"
	// NoConsent: the sender did not agree to be recorded, or agrees no longer.
	NoConsent Why = "consent"
	// Paused: the recording, or what of it is the sender's, is paused.
	Paused Why = "paused"

	given Why = "-" // a key, and no reason
)

// none stands for a value that is not there.
const none = "-"

// A message has the fields that all messages have, and the fields of its type.
// Fields of other types are zero.
type message struct {
	kind       string
	room, from string
	to         string // recipient's identity; "" for all
	time       time.Time
	nonce      Nonce

	answers    Nonce  // session, key, want
	generation int    // session, key: of the session message that a key answers
	kem        []byte // session
	enc        []byte // key: nil for none
	serial     int    // key: of the box; 0 without one
	chain      int    // key, here, want; in here 0 if the sender has none, in want if none is known
	index      int    // key, here
	recording  string // key: "" for none
	state      Hash   // key: of the recorder's state; zero for none
	why        Why    // key
	box        []byte // key: nil for none
	number     int    // here, want: one more for each
	commit     Hash   // here: zero without a chain
	members    int    // here
	roster     Hash   // here
	withheld   []byte // here: the tags of those who get no key

	text   string // as it was read or signed
	before string // key: the text up to the box
	note   []byte // the whole note
}

var (
	errMalformed = fields.ErrMalformed
	// errType: it is a message of another part of the protocol.
	errType = errors.New("message of another type")
)

// parse parses a message. It does not check the signature: signedBy does.
func parse(b []byte) (*message, error) {
	if len(b) > member.MaxMessage {
		return nil, fmt.Errorf("%w: %d bytes", errMalformed, len(b))
	}
	kind, _, _ := bytes.Cut(b, []byte("\n"))
	switch string(kind) {
	case typeSession, typeKey, typeHere, typeWant, typeBye:
	default:
		return nil, errType
	}
	end := bytes.Index(b, []byte("\n\n"))
	if end < 0 || !utf8.Valid(b) {
		return nil, errMalformed
	}
	m := &message{kind: string(kind), text: string(b[:end+1]), note: b}
	r := &fields.Reader{Rest: m.text}
	r.Next()
	m.room, m.from, m.to, m.time, m.nonce = r.Text("room"), r.Text("from"), r.Text("to"), r.Time("time"), r.Nonce("nonce")
	switch m.kind {
	case typeSession:
		m.answers, m.generation = r.Nonce("answers"), r.Number("generation")
		r.OneOf("suite", Suite)
		m.kem = r.Exactly("kem", kemSize)
	case typeKey:
		m.readKey(r)
	case typeHere:
		m.readHere(r)
	case typeWant:
		m.answers, m.number, m.chain = r.Nonce("answers"), r.Number("number"), r.Count("chain")
	}
	r.End()
	return m, r.Err
}

func (m *message) readKey(r *fields.Reader) {
	m.answers, m.generation = r.Nonce("answers"), r.Number("generation")
	if !r.None("enc") {
		m.enc = r.Exactly("enc", encSize)
	}
	m.serial, m.chain, m.index = r.Count("serial"), r.Number("chain"), readIndex(r)
	if !r.None("recording") {
		m.recording = r.Recording("recording")
	}
	m.state = readHashOrNone(r, "state")
	m.why = Why(r.OneOf("why", string(given), string(Unverified), string(NoConsent), string(Paused)))
	m.before = m.text[:len(m.text)-len(r.Rest)]
	if !r.None("box") {
		m.box = r.Exactly("box", boxSize)
	}
	// There is one form for a key, and one for none.
	boxed := m.box != nil
	if boxed != (m.why == given) || boxed != (m.serial > 0) || !boxed && m.enc != nil {
		r.Fail("a key and a reason for none")
	}
}

func (m *message) readHere(r *fields.Reader) {
	m.number, m.chain, m.index = r.Number("number"), r.Count("chain"), readIndex(r)
	m.commit = readHashOrNone(r, "commit")
	m.members, m.roster = r.Number("members"), r.Hash("roster")
	if !r.None("withheld") {
		m.withheld = r.Base64("withheld", tagSize*maxTags)
		if len(m.withheld) == 0 || len(m.withheld)%tagSize != 0 {
			r.Fail("withheld")
		}
	}
	if (m.chain == 0) != (m.commit == Hash{}) || m.chain == 0 && m.index != 0 {
		r.Fail("a key without a chain")
	}
}

func readIndex(r *fields.Reader) int {
	n := r.Count("index")
	if n >= Indexes {
		r.Fail("index")
	}
	return n
}

// readHashOrNone reads a hash, or "-", which is the zero one.
func readHashOrNone(r *fields.Reader, name string) (h Hash) {
	if !r.None(name) {
		if h = r.Hash(name); h == (Hash{}) {
			r.Fail(name)
		}
	}
	return h
}

// signedBy reports whether the message has v's signature and no other.
func (m *message) signedBy(v note.Verifier) bool {
	n, err := note.Open(m.note, note.VerifierList(v))
	return err == nil && len(n.Sigs) == 1 && len(n.UnverifiedSigs) == 0 && n.Text == m.text
}

// sign formats the message's text and signs it. A key's box is sealed by seal, which
// gets the text up to the box; nil is for messages without one.
func (m *message) sign(s note.Signer, seal func(before string) []byte) ([]byte, error) {
	var w fields.Writer
	w.WriteString(m.kind + "\n")
	w.Text("room", m.room)
	w.Text("from", m.from)
	w.Text("to", m.to)
	w.Time("time", m.time)
	w.Line("nonce", m.nonce.String())
	switch m.kind {
	case typeSession:
		w.Line("answers", m.answers.String())
		w.Number("generation", m.generation)
		w.Line("suite", Suite)
		w.Base64("kem", m.kem)
	case typeKey:
		w.Line("answers", m.answers.String())
		w.Number("generation", m.generation)
		orNone(&w, "enc", m.enc)
		w.Number("serial", m.serial)
		w.Number("chain", m.chain)
		w.Number("index", m.index)
		if m.recording == "" {
			w.Line("recording", none)
		} else {
			w.Line("recording", m.recording)
		}
		hashOrNone(&w, "state", m.state)
		w.Line("why", string(m.why))
		if m.before = w.String(); seal != nil {
			m.box = seal(m.before)
		}
		orNone(&w, "box", m.box)
	case typeHere:
		w.Number("number", m.number)
		w.Number("chain", m.chain)
		w.Number("index", m.index)
		hashOrNone(&w, "commit", m.commit)
		w.Number("members", m.members)
		w.Line("roster", m.roster.String())
		orNone(&w, "withheld", m.withheld)
	case typeWant:
		w.Line("answers", m.answers.String())
		w.Number("number", m.number)
		w.Number("chain", m.chain)
	}
	m.text = w.String()
	b, err := note.Sign(&note.Note{Text: m.text}, s)
	if err == nil && len(b) > member.MaxMessage {
		err = fmt.Errorf("a message of %d bytes, where %d may be", len(b), member.MaxMessage)
	}
	return b, err
}

func orNone(w *fields.Writer, name string, b []byte) {
	if b == nil {
		w.Line(name, none)
	} else {
		w.Line(name, base64.StdEncoding.EncodeToString(b))
	}
}

func hashOrNone(w *fields.Writer, name string, h Hash) {
	if h == (Hash{}) {
		w.Line(name, none)
	} else {
		w.Line(name, h.String())
	}
}

// shortKind is a type without the version, for people.
func (m *message) shortKind() string { return strings.TrimPrefix(m.kind, version) }
