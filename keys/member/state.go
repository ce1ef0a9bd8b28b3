package member

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tyler-smith/go-bip39/wordlists"

	"github.com/sealtape/sealtape/keys"
)

// MaxReaders is the most readers in a State.
const MaxReaders = 1024

const (
	maxParts  = 64
	partBytes = 10_000 // of readers in one part
	codeWords = 6
	none      = "-" // a field without a value
)

// A State is what a recorder announces of itself.
type State struct {
	// Phase is "waiting", "recording", "paused" or "stopped".
	Phase string
	// Recording is the recording's ID. "" means that there is none yet.
	Recording string
	// Access is "present" or "whole", Policy "named", "verified" or "all-pinned",
	// Keeps "everyone" or "verified", Consent "announce" or "ask". Store is the
	// kind of the store: "folder" or "s3".
	Access, Policy, Keeps, Consent, Store string
	// StoreURL is where the store's objects can be fetched, and PageURL where the player's
	// page is, for members who want to watch the recording. CheckAddress says what they
	// can be. "" means that the recorder does not say.
	StoreURL, PageURL string
	// Readers are all who can open what is recorded now, at most 1,024. The
	// recorder chooses their order.
	Readers []Reader
}

// A Reader is somebody who can open what is recorded now.
type Reader struct {
	// Fingerprint is that of the reader's card. Zero means a recipient without a
	// card.
	Fingerprint keys.Fingerprint
	// Name is the name on the card, or the recorder's name for the recipient. A
	// recorder's name for a card that is not pinned here is a claim.
	Name string
}

// MeetingCode returns six words. All members see the same words if the same key
// announced the same readers to them. room is the room's name, and recorder is
// the verifier key on the recorder's card. See PROTOCOL.md.
func (s State) MeetingCode(room, recorder string) string {
	sum := sha256.Sum256([]byte(s.CodeLines(room, recorder)))
	var words []string
	var acc, n uint
	for _, b := range sum {
		acc, n = acc<<8|uint(b), n+8
		if n >= 11 && len(words) < codeWords {
			n -= 11
			words = append(words, wordlists.English[acc>>n&0x7ff])
		}
	}
	return strings.Join(words, "-")
}

// CodeLines returns the lines that the meeting code is made of. A room code has them,
// too (roomkeys.RoomCode).
func (s State) CodeLines(room, recorder string) string {
	var w writer
	w.WriteString(version + "meeting-code\n")
	w.Text("room", room)
	w.Line("recording", s.id())
	w.Line("recorder", recorder)
	w.readers(s.Readers)
	return w.String()
}

func (s State) id() string { return orNone(s.Recording) }

func orNone(value string) string {
	if value == "" {
		return none
	}
	return value
}

// Equal reports whether two states are equal.
func (s State) Equal(t State) bool {
	readers := slices.Equal(s.Readers, t.Readers)
	s.Readers, t.Readers = nil, nil
	return readers && fmt.Sprint(s) == fmt.Sprint(t)
}

// check returns an error for a state that the protocol does not allow.
func (s State) check() error {
	if len(s.Readers) > MaxReaders {
		return fmt.Errorf("%d readers, where up to %d may be", len(s.Readers), MaxReaders)
	}
	var w writer
	for _, p := range s.parts() {
		w.state(p)
		r := read(w.String())
		if r.state(); r.Err != nil || r.Rest != "" {
			return errors.Join(errors.New("a state that cannot be announced"), r.Err)
		}
		w.Reset()
	}
	return nil
}

// A statePart is a state with those of its readers that fit into one message.
type statePart struct {
	State
	part, of int
}

// parts splits a state.
func (s State) parts() []statePart {
	p := statePart{State: s, part: 1}
	p.Readers = nil
	parts := []statePart{p}
	size := 0
	for _, r := range s.Readers {
		var w writer
		w.readers([]Reader{r})
		if size += w.Len(); size > partBytes {
			size = w.Len()
			p.part++
			parts = append(parts, p)
		}
		last := &parts[len(parts)-1]
		last.Readers = append(last.Readers, r)
	}
	for i := range parts {
		parts[i].of = len(parts)
	}
	return parts
}

func (w *writer) state(p statePart) {
	w.Line("state", p.Phase)
	w.Line("recording", p.id())
	w.Line("access", p.Access)
	w.Line("readers", p.Policy)
	w.Line("keeps", p.Keeps)
	w.Line("consent", p.Consent)
	w.Line("store", p.Store)
	w.Line("store-url", orNone(p.StoreURL))
	w.Line("page-url", orNone(p.PageURL))
	w.Line("part", fmt.Sprintf("%d/%d", p.part, p.of))
	w.readers(p.Readers)
}

func (w *writer) readers(readers []Reader) {
	for _, r := range readers {
		words := "-"
		if r.Fingerprint != (keys.Fingerprint{}) {
			words = r.Fingerprint.String()
		}
		w.Line("reader", words+" "+base64.StdEncoding.EncodeToString([]byte(r.Name)))
	}
}

func (r *reader) address(name string) string {
	if r.None(name) {
		return ""
	}
	a := r.Field(name)
	if CheckAddress(a) != nil {
		r.Fail(name)
	}
	return a
}

func (r *reader) state() (p statePart) {
	p.Phase = r.OneOf("state", "waiting", "recording", "paused", "stopped")
	if !r.None("recording") {
		p.Recording = r.Recording("recording")
	}
	p.Access = r.OneOf("access", "present", "whole")
	p.Policy = r.OneOf("readers", "named", "verified", "all-pinned")
	p.Keeps = r.OneOf("keeps", "everyone", "verified")
	p.Consent = r.OneOf("consent", "announce", "ask")
	p.Store = r.OneOf("store", "folder", "s3")
	p.StoreURL = r.address("store-url")
	p.PageURL = r.address("page-url")
	part, of, ok := strings.Cut(r.Field("part"), "/")
	p.part, _ = strconv.Atoi(part)
	p.of, _ = strconv.Atoi(of)
	if !ok || p.part < 1 || p.part > p.of || p.of > maxParts || fmt.Sprintf("%d/%d", p.part, p.of) != part+"/"+of {
		r.Fail("part")
	}
	for r.Err == nil && r.Rest != "" {
		if len(p.Readers) == MaxReaders {
			r.Fail("too many readers")
			break
		}
		words, name, _ := strings.Cut(r.Field("reader"), " ")
		sub := read("name: " + name + "\n")
		one := Reader{Name: sub.Text("name")}
		if words != "-" {
			f, err := keys.ParseFingerprint(words)
			if err != nil || f.String() != words || f == (keys.Fingerprint{}) {
				r.Fail("reader")
			}
			one.Fingerprint = f
		}
		if sub.Err != nil {
			r.Fail("reader")
		}
		p.Readers = append(p.Readers, one)
	}
	return p
}
