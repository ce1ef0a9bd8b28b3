package roomkeys

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

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/keys"
)

var kinds = []string{typeSession, typeKey, typeHere, typeWant, typeBye}

// random returns a message with fields of its type.
func random(r *rand.Rand, kind string) *message {
	fill := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	text := func() string {
		all := []rune("ab \n\x00\"ü漢😀\u202e:=+/")
		s := make([]rune, r.IntN(100))
		for i := range s {
			s[i] = all[r.IntN(len(all))]
		}
		return string(s)
	}
	number := func() int { return 1 + r.IntN(1<<20) }
	m := &message{kind: kind, room: text(), from: text(), to: text(), time: time.Unix(r.Int64N(1<<33), 0).UTC(), nonce: Nonce(fill(32))}
	switch kind {
	case typeSession:
		m.answers, m.generation, m.kem = Nonce(fill(32)), number(), fill(kemSize)
	case typeKey:
		m.answers, m.generation, m.chain, m.index = Nonce(fill(32)), number(), number(), r.IntN(Indexes)
		m.why = []Why{given, given, given, Unverified, NoConsent, Paused}[r.IntN(6)]
		if m.why == given {
			if m.serial, m.box = number(), fill(boxSize); r.IntN(2) == 0 {
				m.enc = fill(encSize)
			}
		}
		if r.IntN(2) == 0 {
			m.recording, m.state = "ZYXWVTSRQPNMKJHGFEDCBA9876", Hash(fill(32))
		}
	case typeHere:
		m.number, m.members, m.roster = number(), number(), Hash(fill(32))
		if r.IntN(2) == 0 {
			m.chain, m.index, m.commit = number(), r.IntN(Indexes), Hash(fill(32))
		}
		if r.IntN(2) == 0 {
			m.withheld = fill(tagSize * (1 + r.IntN(maxTags)))
		}
	case typeWant:
		m.answers, m.number, m.chain = Nonce(fill(32)), number(), r.IntN(1<<20)
	}
	return m
}

func identity(t testing.TB) *keys.Identity {
	t.Helper()
	id, err := keys.Generate("Ada")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Whatever is said comes out as it went in, and in one form only.
func TestRoundTrip(t *testing.T) {
	id := identity(t)
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := random(r, kinds[seed%5])
		b, err := m.sign(id.Signer(), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parse(b)
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if !got.signedBy(id.Verifier()) {
			t.Errorf("%q: its signature does not hold", b)
		}
		want := *m
		want.note = got.note
		if !reflect.DeepEqual(got, &want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		i := r.IntN(len(m.text))
		changed := bytes.Clone(b)
		changed[i] ^= 1 << r.IntN(7)
		if got, err := parse(changed); err == nil && got.signedBy(id.Verifier()) {
			t.Errorf("byte %d of %q was changed and it passes", i, b)
		}
	}
}

// A text has one form: nothing more, less or otherwise.
func TestOneForm(t *testing.T) {
	id, other := identity(t), identity(t)
	for _, kind := range kinds {
		m := random(rand.New(rand.NewPCG(3, 3)), kind)
		good, err := m.sign(id.Signer(), nil)
		if err != nil {
			t.Fatal(err)
		}
		second, err := m.sign(other.Signer(), nil)
		if err != nil {
			t.Fatal(err)
		}
		two := append(bytes.Clone(good), second[bytes.Index(second, []byte("\n\n"))+2:]...)
		if got, err := parse(two); err == nil && got.signedBy(id.Verifier()) {
			t.Errorf("%s: two signatures pass", kind)
		}
		lines := strings.SplitAfter(m.text, "\n")
		for i := range lines[:len(lines)-1] {
			without := strings.Join(append(append([]string(nil), lines[:i]...), lines[i+1:]...), "")
			if _, err := parse([]byte(without + "\n— x AAAA\n")); err == nil {
				t.Errorf("%s: passes without %q", kind, lines[i])
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

// Values that are in no message of an honest member.
func TestValuesOutOfBounds(t *testing.T) {
	id := identity(t)
	fill := func(n int) []byte { return bytes.Repeat([]byte{7}, n) }
	for name, change := range map[string]struct {
		kind string
		do   func(*message)
	}{
		"a short KEM key":          {typeSession, func(m *message) { m.kem = fill(kemSize - 1) }},
		"a long KEM key":           {typeSession, func(m *message) { m.kem = fill(kemSize + 1) }},
		"generation 0":             {typeSession, func(m *message) { m.generation = 0 }},
		"a short enc":              {typeKey, func(m *message) { m.enc = fill(encSize - 1) }},
		"a long box":               {typeKey, func(m *message) { m.box = fill(boxSize + 1) }},
		"no box":                   {typeKey, func(m *message) { m.box = nil }},
		"serial 0":                 {typeKey, func(m *message) { m.serial = 0 }},
		"a box and why not":        {typeKey, func(m *message) { m.why = Paused }},
		"enc and why not":          {typeKey, func(m *message) { m.why, m.box, m.serial, m.enc = Paused, nil, 0, fill(encSize) }},
		"another why":              {typeKey, func(m *message) { m.why = "x" }},
		"index 256":                {typeKey, func(m *message) { m.index = Indexes }},
		"chain 0":                  {typeKey, func(m *message) { m.chain = 0 }},
		"another recording":        {typeKey, func(m *message) { m.recording = "x" }},
		"no number":                {typeHere, func(m *message) { m.number = 0 }},
		"no members":               {typeHere, func(m *message) { m.members = 0 }},
		"a chain without a commit": {typeHere, func(m *message) { m.chain, m.commit = 1, Hash{} }},
		"a commit without a chain": {typeHere, func(m *message) { m.chain, m.index, m.commit = 0, 0, Hash{1} }},
		"an index without a chain": {typeHere, func(m *message) { m.chain, m.index, m.commit = 0, 1, Hash{} }},
		"half a tag":               {typeHere, func(m *message) { m.withheld = fill(tagSize + 1) }},
		"no tags":                  {typeHere, func(m *message) { m.withheld = []byte{} }},
		"too many tags":            {typeHere, func(m *message) { m.withheld = fill(tagSize * (maxTags + 1)) }},
		"a want without a number":  {typeWant, func(m *message) { m.number = 0 }},
	} {
		m := random(rand.New(rand.NewPCG(1, 1)), change.kind)
		if change.kind == typeKey {
			m.why, m.serial, m.box = given, 1, fill(boxSize)
		}
		if b, err := m.sign(id.Signer(), nil); err != nil {
			t.Fatal(err)
		} else if _, err := parse(b); err != nil {
			t.Fatalf("%s: already before: %v", name, err)
		}
		change.do(m)
		if b, err := m.sign(id.Signer(), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if _, err := parse(b); !errors.Is(err, errMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := parse([]byte("sealtape.v1/hello\nroom: \n\n")); !errors.Is(err, errType) {
		t.Errorf("a hello: %v", err)
	}
}

func FuzzSession(f *testing.F) { fuzzKind(f, typeSession) }
func FuzzKey(f *testing.F)     { fuzzKind(f, typeKey) }
func FuzzHere(f *testing.F)    { fuzzKind(f, typeHere) }
func FuzzWant(f *testing.F)    { fuzzKind(f, typeWant) }
func FuzzBye(f *testing.F)     { fuzzKind(f, typeBye) }

// fuzzKind reads anything as a message of one type. What is taken is written the
// same way again.
func fuzzKind(f *testing.F, kind string) {
	corpus(f, 3)
	id := identity(f)
	f.Fuzz(func(t *testing.T, rest []byte) {
		m, err := parse(append([]byte(kind+"\n"), rest...))
		if err != nil {
			return
		}
		if m.kind != kind || len(m.withheld) > tagSize*maxTags || m.index >= Indexes || (m.box == nil) != (m.serial == 0) {
			t.Errorf("%q is read as %+v", rest, m)
		}
		again := *m
		if _, err := again.sign(id.Signer(), nil); err == nil && again.text != m.text {
			t.Errorf("%q is read and written as %q", m.text, again.text)
		}
	})
}

// corpus checks that what was committed for a fuzz target is there.
func corpus(f *testing.F, least int) {
	f.Helper()
	if entries, err := os.ReadDir(filepath.Join("testdata", "fuzz", f.Name())); err != nil || len(entries) < least {
		f.Fatalf("the committed corpus has %d entries: %v", len(entries), err)
	}
}

var _ note.Verifier = (*cheapKey)(nil)
