package member

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/keys"
)

const (
	// Topic is the topic of the LiveKit data packets that carry messages.
	Topic = "sealtape.v1"
	// MaxMessage is the most bytes that a message may have.
	MaxMessage = 14_000

	version   = "sealtape.v1/"
	maxText   = 512
	nonceSize = 32
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

// A nonce identifies one session of one member.
type nonce [nonceSize]byte

func (n nonce) String() string { return base64.StdEncoding.EncodeToString(n[:]) }

// A hash is a SHA-256.
type hash [sha256.Size]byte

func (h hash) String() string { return hex.EncodeToString(h[:]) }

// A message has the fields that all messages have, and the fields of its type.
// Fields of other types are zero.
type message struct {
	kind       string
	room, from string
	to         string // recipient's identity; "" for all
	time       time.Time
	nonce      nonce

	card       []byte // hello: the card as a signed note
	answers    nonce  // all but hello and recorder
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
	errMalformed = errors.New("malformed message")
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
	r := reader{rest: m.text}
	if m.kind = r.line(); !known(m.kind) {
		return nil, errType
	}
	m.room, m.from, m.to, m.time, m.nonce = r.text("room"), r.text("from"), r.text("to"), r.time("time"), r.nonce("nonce")
	switch m.kind {
	case typeHello:
		m.card = r.base64("card", keys.MaxCard)
	case typeProof:
		m.answers, m.own, m.other = r.nonce("answers"), r.hash("own"), r.hash("other")
		m.sid = r.text("sid")
		if after, ok := strings.CutPrefix(r.rest, "key: -\n"); ok {
			r.rest = after
		} else if m.key = r.hash("key"); m.key == (hash{}) {
			r.fail("key")
		}
	case typeRecorder:
		m.sequence = r.number("sequence")
		m.state = r.state()
		m.recording = m.state.Recording
	case typeSeen:
		m.answers, m.sequence, m.digest = r.nonce("answers"), r.number("sequence"), r.hash("digest")
	case typeConsent:
		m.answers, m.recording = r.nonce("answers"), r.recording("recording")
		m.sequence, m.number = r.number("sequence"), r.number("number")
		m.answer = r.oneOf("answer", answerYes, answerNo)
	case typeNoted:
		m.answers, m.recording = r.nonce("answers"), r.recording("recording")
		m.number = r.count("number")
		m.answer = r.oneOf("answer", answerYes, answerNo, answerNone)
	}
	if r.rest != "" {
		r.fail("what follows")
	}
	return m, r.err
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
	w.text("room", m.room)
	w.text("from", m.from)
	w.text("to", m.to)
	w.line("time", m.time.UTC().Format(time.RFC3339))
	w.line("nonce", m.nonce.String())
	switch m.kind {
	case typeHello:
		w.line("card", base64.StdEncoding.EncodeToString(m.card))
	case typeProof:
		w.line("answers", m.answers.String())
		w.line("own", m.own.String())
		w.line("other", m.other.String())
		w.text("sid", m.sid)
		if m.key == (hash{}) {
			w.line("key", "-")
		} else {
			w.line("key", m.key.String())
		}
	case typeRecorder:
		w.line("sequence", strconv.Itoa(m.sequence))
		w.state(m.state)
	case typeSeen:
		w.line("answers", m.answers.String())
		w.line("sequence", strconv.Itoa(m.sequence))
		w.line("digest", m.digest.String())
	case typeConsent:
		w.line("answers", m.answers.String())
		w.line("recording", m.recording)
		w.line("sequence", strconv.Itoa(m.sequence))
		w.line("number", strconv.Itoa(m.number))
		w.line("answer", m.answer)
	case typeNoted:
		w.line("answers", m.answers.String())
		w.line("recording", m.recording)
		w.line("number", strconv.Itoa(m.number))
		w.line("answer", m.answer)
	}
	m.text = w.String()
	b, err := note.Sign(&note.Note{Text: m.text}, s)
	if err == nil && len(b) > MaxMessage {
		err = fmt.Errorf("a message of %d bytes, where %d may be", len(b), MaxMessage)
	}
	return b, err
}

// A writer writes fields.
type writer struct{ strings.Builder }

func (w *writer) line(name, value string) { fmt.Fprintf(w, "%s: %s\n", name, value) }
func (w *writer) text(name, value string) {
	w.line(name, base64.StdEncoding.EncodeToString([]byte(value)))
}

// A reader parses fields in order. After an error it returns zero values.
type reader struct {
	rest string
	err  error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", errMalformed, what)
	}
}

// line reads up to the next line feed.
func (r *reader) line() string {
	line, rest, ok := strings.Cut(r.rest, "\n")
	if !ok {
		r.fail("no line feed")
	}
	r.rest = rest
	return line
}

// field reads one field.
func (r *reader) field(name string) string {
	if r.err != nil {
		return ""
	}
	v, ok := strings.CutPrefix(r.line(), name+": ")
	if !ok {
		r.fail("no " + name + " where it belongs")
	}
	return v
}

// base64 reads bytes in the one form that base64 has for them.
func (r *reader) base64(name string, most int) []byte {
	v := r.field(name)
	if r.err != nil {
		return nil
	}
	b, err := base64.StdEncoding.Strict().DecodeString(v)
	if err != nil || len(b) > most || strings.ContainsAny(v, "\r") {
		r.fail(name)
		return nil
	}
	return b
}

func (r *reader) text(name string) string {
	b := r.base64(name, maxText)
	if !utf8.Valid(b) {
		r.fail(name)
	}
	return string(b)
}

func (r *reader) nonce(name string) (n nonce) {
	if copy(n[:], r.base64(name, nonceSize)) != nonceSize {
		r.fail(name)
	}
	return n
}

func (r *reader) hash(name string) (h hash) {
	v := r.field(name)
	b, err := hex.DecodeString(v)
	if err != nil || copy(h[:], b) != len(h) || hex.EncodeToString(h[:]) != v {
		r.fail(name)
	}
	return h
}

func (r *reader) time(name string) time.Time {
	v := r.field(name)
	t, err := time.Parse(time.RFC3339, v)
	if err != nil || t.UTC().Format(time.RFC3339) != v {
		r.fail(name)
	}
	return t.UTC()
}

// number reads a number from 1 to 2^31-1, count one from 0.
func (r *reader) number(name string) int {
	n := r.count(name)
	if n == 0 {
		r.fail(name)
	}
	return n
}

func (r *reader) count(name string) int {
	v := r.field(name)
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > 1<<31-1 || strconv.Itoa(n) != v {
		r.fail(name)
	}
	return n
}

func (r *reader) oneOf(name string, values ...string) string {
	v := r.field(name)
	for _, want := range values {
		if v == want {
			return v
		}
	}
	r.fail(name)
	return ""
}

// recording reads the ID of a recording: 26 characters of upper-case base32.
func (r *reader) recording(name string) string {
	v := r.field(name)
	if len(v) != 26 || strings.Trim(v, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != "" {
		r.fail(name)
	}
	return v
}
