package member

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
)

// random returns a message with fields of its type.
func random(r *rand.Rand, kind string, card []byte) *message {
	fill := func(b []byte) {
		for i := range b {
			b[i] = byte(r.Uint32())
		}
	}
	text := func() string {
		all := []rune("ab \n\x00\"ü漢😀\u202e:=+/")
		s := make([]rune, r.IntN(100))
		for i := range s {
			s[i] = all[r.IntN(len(all))]
		}
		return string(s)
	}
	one := func(values ...string) string { return values[r.IntN(len(values))] }
	m := &message{kind: kind, room: text(), from: text(), to: text(), time: time.Unix(r.Int64N(1<<33), 0).UTC()}
	fill(m.nonce[:])
	state := State{Phase: one("waiting", "recording", "paused", "stopped"), Access: one("present", "whole"),
		Policy: one("named", "verified", "all-pinned"), Keeps: one("everyone", "verified"), Consent: one("announce", "ask"), Store: one("folder", "s3"),
		StoreURL: one("", "https://s3.example.org/meetings"), PageURL: one("", "https://meet.example.org/recordings/", "http://127.0.0.1:8080"),
		Recording: one("", "0123456789ABCDEFGHJKMNPQRS")}
	for range r.IntN(20) {
		reader := Reader{Name: text()}
		if r.IntN(3) > 0 {
			fill(reader.Fingerprint[:])
		}
		state.Readers = append(state.Readers, reader)
	}
	switch kind {
	case typeHello:
		if m.card = card; r.IntN(2) == 0 {
			fill(m.answers[:])
		}
	case typeProof:
		fill(m.answers[:])
		fill(m.own[:])
		fill(m.other[:])
		if m.sid = text(); r.IntN(2) == 0 {
			fill(m.key[:])
		}
	case typeRecorder:
		m.sequence = 1 + r.IntN(1<<20)
		m.state = statePart{State: state, part: 1 + r.IntN(maxParts)}
		m.state.of = m.state.part + r.IntN(maxParts-m.state.part+1)
		m.recording = state.Recording
	case typeSeen:
		m.sequence = 1 + r.IntN(1<<20)
		fill(m.answers[:])
		fill(m.digest[:])
	case typeConsent:
		m.recording, m.answer = "ZYXWVTSRQPNMKJHGFEDCBA9876", one(answerYes, answerNo)
		m.sequence, m.number = 1+r.IntN(1<<20), 1+r.IntN(1<<20)
		fill(m.answers[:])
	case typeNoted:
		m.recording, m.answer = "ZYXWVTSRQPNMKJHGFEDCBA9876", one(answerYes, answerNo, answerNone)
		m.number = r.IntN(1 << 20)
		fill(m.answers[:])
	}
	return m
}

var kinds = []string{typeHello, typeProof, typeRecorder, typeSeen, typeConsent, typeNoted}

// Whatever is said comes out as it went in, and in one form only.
func TestRoundTrip(t *testing.T) {
	id, card := identity(t)
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := random(r, kinds[seed%6], card)
		b, err := m.sign(id.Signer())
		if err != nil {
			t.Fatal(err)
		}
		got, err := parse(b)
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if !got.openedBy(id.Verifier()) {
			t.Errorf("%q: its signature does not hold", b)
		}
		want := *m
		want.sig, want.text = got.sig, got.text
		if !reflect.DeepEqual(got, &want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		// A text that is changed anywhere is no message, or not signed.
		i := r.IntN(len(m.text))
		changed := bytes.Clone(b)
		changed[i] ^= 1 << r.IntN(7)
		if got, err := parse(changed); err == nil && got.openedBy(id.Verifier()) {
			t.Errorf("byte %d of %q was changed and it passes", i, b)
		}
	}
}

// Two signatures, or lines beside those of the type, are no message.
func TestOneForm(t *testing.T) {
	id, card := identity(t)
	other, _ := identity(t)
	for _, kind := range kinds {
		m := random(rand.New(rand.NewPCG(3, 3)), kind, card)
		good, err := m.sign(id.Signer())
		if err != nil {
			t.Fatal(err)
		}
		second, err := m.sign(other.Signer())
		if err != nil {
			t.Fatal(err)
		}
		two := append(bytes.Clone(good), second[bytes.Index(second, []byte("\n\n"))+2:]...)
		if got, err := parse(two); err == nil && got.openedBy(id.Verifier()) {
			t.Errorf("%s: two signatures pass", kind)
		}
		lines := strings.SplitAfter(m.text, "\n")
		for i := range lines[:len(lines)-1] {
			without := strings.Join(append(append([]string(nil), lines[:i]...), lines[i+1:]...), "")
			if !strings.HasPrefix(lines[i], "reader: ") { // of these there may be any number
				if _, err := parse([]byte(without + "\n— x AAAA\n")); err == nil {
					t.Errorf("%s: passes without %q", kind, lines[i])
				}
			}
		}
		for _, change := range []func(string) string{
			func(s string) string { return s + "extra: x\n" },
			func(s string) string { return strings.Replace(s, "room: ", "room:  ", 1) },
			func(s string) string { return strings.Replace(s, "Z\n", "+00:00\n", 1) },
			func(s string) string { return strings.Replace(s, "\nfrom: ", "\r\nfrom: ", 1) },
		} {
			if _, err := parse([]byte(change(m.text) + "\n— x AAAA\n")); !errors.Is(err, errMalformed) {
				t.Errorf("%s: %q: %v", kind, change(m.text), err)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	entries, err := os.ReadDir(filepath.Join("testdata", "fuzz", "FuzzParse"))
	if err != nil || len(entries) < 6 {
		f.Fatalf("the committed corpus has %d entries: %v", len(entries), err)
	}
	id, _ := identity(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parse(b)
		if err != nil {
			return
		}
		again := *m
		out, err := again.sign(id.Signer())
		if err == nil && again.text != m.text {
			t.Errorf("%q is read and written as %q (%d bytes)", m.text, again.text, len(out))
		}
	})
}

func identity(t testing.TB) (*keys.Identity, []byte) {
	t.Helper()
	id, err := keys.Generate("Ada")
	if err != nil {
		t.Fatal(err)
	}
	c, err := id.Card()
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return id, b
}
