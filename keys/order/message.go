package order

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/internal/fields"
)

const (
	// Method is the name of the remote procedure of a LiveKit room that takes messages.
	Method = "sealtape.v1"
	// MaxMessage is the most bytes that a message may have.
	MaxMessage = 14_000

	typeQuestion = "sealtape.v1/question"
	typeOrder    = "sealtape.v1/order"
	typeAnswer   = "sealtape.v1/answer"
)

// What a recorder can be told to do.
const (
	Pause  = "pause"
	Resume = "resume"
	Stop   = "stop"
)

// What a recorder does, as the member protocol has it.
const (
	Waiting   = "waiting"
	Recording = "recording"
	Paused    = "paused"
	Stopped   = "stopped"
)

var (
	// ErrMalformed: what came is no message.
	ErrMalformed = fields.ErrMalformed
	// ErrSignature: the message is not signed by the key that it should be signed by.
	ErrSignature = errors.New("not signed by its key")
)

// A Nonce is a random number that nobody has said before.
type Nonce = fields.Nonce

// NewNonce returns one.
func NewNonce() (n Nonce) {
	rand.Read(n[:])
	return n
}

// A Question asks a recorder what it does, and for a turn. It is not signed: the answer says
// what each member of the room is told anyway.
type Question struct {
	// Asked is answered.
	Asked Nonce
}

// Marshal returns the message.
func (q Question) Marshal() []byte {
	var w fields.Writer
	w.WriteString(typeQuestion + "\n")
	w.Line("asked", q.Asked.String())
	return []byte(w.String())
}

// An Order tells a recorder to do something.
type Order struct {
	// Room is the name of the room, To the identity of the recorder in it.
	Room, To string
	// Recording is the ID of the recording, "" before there is one.
	Recording string
	// Turn is what the recorder gave. Asked is answered.
	Turn, Asked Nonce
	// Do is Pause, Resume or Stop.
	Do string
}

// Sign returns the message, signed with the key of a card.
func (o Order) Sign(s note.Signer) ([]byte, error) {
	var w fields.Writer
	w.WriteString(typeOrder + "\n")
	w.Text("room", o.Room)
	w.Text("to", o.To)
	w.Line("recording", orNone(o.Recording))
	w.Line("turn", o.Turn.String())
	w.Line("asked", o.Asked.String())
	w.Line("do", o.Do)
	return sign(w.String(), s)
}

// parse reads a question or an order. It does not check the signature of the order, which
// is the message itself.
func parse(b []byte) (q *Question, o *Order, err error) {
	text, err := textOf(b)
	if err != nil {
		return nil, nil, err
	}
	r := fields.Reader{Rest: text}
	switch r.Next() {
	case typeQuestion:
		q = &Question{Asked: r.Nonce("asked")}
		if text != string(b) {
			r.Fail("what follows")
		}
	case typeOrder:
		o = &Order{Room: r.Text("room"), To: r.Text("to"), Recording: recording(&r)}
		o.Turn, o.Asked, o.Do = r.Nonce("turn"), r.Nonce("asked"), r.OneOf("do", Pause, Resume, Stop)
	default:
		r.Fail("an unknown type")
	}
	r.End()
	if r.Err != nil {
		return nil, nil, r.Err
	}
	return q, o, nil
}

// An Answer is what a recorder says of itself.
type Answer struct {
	// Room is the name of the room, From the recorder's identity in it.
	Room, From string
	// Asked is the nonce of the question or the order that is answered.
	Asked Nonce
	// Turn is for the next order.
	Turn Nonce
	// Recording is the ID of the recording, "" before there is one.
	Recording string
	// State is Waiting, Recording, Paused or Stopped.
	State string
	// Backlog is how many MiB wait for the store, rounded up.
	Backlog int
	// Card is the recorder's, by whose key the answer is signed.
	Card keys.Card
}

// Sign returns the message, signed by the recorder.
func (a Answer) Sign(s note.Signer) ([]byte, error) {
	card, err := a.Card.Marshal()
	if err != nil {
		return nil, err
	}
	var w fields.Writer
	w.WriteString(typeAnswer + "\n")
	w.Text("room", a.Room)
	w.Text("from", a.From)
	w.Line("asked", a.Asked.String())
	w.Line("turn", a.Turn.String())
	w.Line("recording", orNone(a.Recording))
	w.Line("state", a.State)
	w.Number("backlog", a.Backlog)
	w.Base64("card", card)
	return sign(w.String(), s)
}

// ParseAnswer reads an answer to what asked, from this room and identity, and checks that it
// is signed by the card in it, which is that of a recorder. Whose card that is, the caller
// judges.
func ParseAnswer(b []byte, room, from string, asked Nonce) (a Answer, err error) {
	text, err := textOf(b)
	if err != nil {
		return a, err
	}
	r := fields.Reader{Rest: text}
	if r.Next() != typeAnswer {
		r.Fail("an unknown type")
	}
	a = Answer{Room: r.Text("room"), From: r.Text("from"), Asked: r.Nonce("asked"), Turn: r.Nonce("turn"), Recording: recording(&r)}
	a.State, a.Backlog = r.OneOf("state", Waiting, Recording, Paused, Stopped), r.Count("backlog")
	card := r.Base64("card", keys.MaxCard)
	r.End()
	if r.Err != nil {
		return Answer{}, r.Err
	}
	if a.Card, err = keys.ParseCard(card); err != nil {
		return Answer{}, err
	}
	switch {
	case !signedBy(b, text, a.Card.Verifier()):
		return Answer{}, ErrSignature
	case a.Card.Role != keys.Recorder:
		return Answer{}, fmt.Errorf("%w: its card is no recorder's", ErrSignature)
	case a.Room != room || a.From != from || a.Asked != asked:
		return Answer{}, errors.New("an answer to something else")
	}
	return a, nil
}

// textOf returns the text of a message: what is before the signatures.
func textOf(b []byte) (string, error) {
	if len(b) > MaxMessage || !utf8.Valid(b) {
		return "", ErrMalformed
	}
	text, _, signed := strings.Cut(string(b), "\n\n")
	if signed {
		text += "\n"
	}
	return text, nil
}

func sign(text string, s note.Signer) ([]byte, error) {
	b, err := note.Sign(&note.Note{Text: text}, s)
	if err == nil && len(b) > MaxMessage {
		err = fmt.Errorf("a message of %d bytes, where %d may be", len(b), MaxMessage)
	}
	return b, err
}

// signedBy reports whether a message has v's signature and no other.
func signedBy(b []byte, text string, v note.Verifier) bool {
	n, err := note.Open(b, note.VerifierList(v))
	return err == nil && len(n.Sigs) == 1 && len(n.UnverifiedSigs) == 0 && n.Text == text
}

func orNone(recording string) string {
	if recording == "" {
		return "-"
	}
	return recording
}

func recording(r *fields.Reader) string {
	if r.None("recording") {
		return ""
	}
	return r.Recording("recording")
}
