package sas

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/internal/fault"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// aKey returns something with the form of a key.
func aKey(c string) id.Ed25519 { return id.Ed25519(strings.Repeat(c, 43)) }

var (
	adaParty = Party{User: "@ada:meet.test", Device: "ADA", Signing: aKey("A"), Master: aKey("B")}
	bobParty = Party{User: "@bob:meet.test", Device: "BOB", Signing: aKey("C"), Master: aKey("D")}
)

// A wire carries what two verifications say to one another. change, if set, may
// change what from says, or lose it.
type wire struct {
	t        *testing.T
	ada, bob *Verification // ada asked
	now      time.Time
	change   func(from id.UserID, s Event) []Event
	log      []string
	queue    []func()
}

func newWire(t *testing.T, room id.RoomID) *wire {
	t.Helper()
	w := &wire{t: t, now: noon}
	var err error
	if w.ada, err = New(adaParty, bobParty, room, "txn", true, noon); err != nil {
		t.Fatal(err)
	}
	if w.bob, err = New(bobParty, adaParty, room, "txn", false, noon); err != nil {
		t.Fatal(err)
	}
	return w
}

// from sends what v said to the other, later.
func (w *wire) from(v *Verification, out []Event) {
	w.t.Helper()
	for _, s := range out {
		w.log = append(w.log, string(v.own.User[1:4])+" "+s.kind)
		list := []Event{s}
		if w.change != nil {
			list = w.change(v.own.User, s)
		}
		for _, s := range list {
			raw, err := json.Marshal(s.Content)
			if err != nil {
				w.t.Fatal(err)
			}
			to := w.ada
			if v == w.ada {
				to = w.bob
			}
			w.queue = append(w.queue, func() { w.from(to, to.take(s.kind, raw, w.now)) })
		}
	}
}

// run delivers until nobody says anything.
func (w *wire) run() {
	for len(w.queue) > 0 {
		next := w.queue[0]
		w.queue = w.queue[1:]
		next()
	}
}

// Two sides see the same emoji, and both prove their master keys, whoever starts
// and whoever confirms first, in rooms and from device to device.
func TestSAS(t *testing.T) {
	for _, c := range []struct {
		name  string
		room  id.RoomID
		start string // who starts: ada, who asked; bob; both
		first string // who confirms first
		late  bool   // the second confirms after the first's codes came
	}{
		{"she starts, she confirms first", "", "ada", "ada", true},
		{"she starts, he confirms first", "", "ada", "bob", true},
		{"he starts, she confirms first", "!r:x", "bob", "ada", true},
		{"he starts, he confirms first", "!r:x", "bob", "bob", true},
		{"both start", "!r:x", "both", "ada", true},
		{"both confirm at once", "", "ada", "ada", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWire(t, c.room)
			if c.start != "ada" { // Ada starts by herself when she hears that Bob is ready
				w.change = func(_ id.UserID, s Event) []Event {
					if s.kind == kindReady {
						return append([]Event{s}, w.bob.begin()...)
					}
					return []Event{s}
				}
			}
			w.from(w.bob, w.bob.Agree(w.now))
			if c.start == "bob" {
				w.ada.phase, w.ada.readyAt = phaseReady, noon // Ada does not start: she heard the start with the ready
				w.queue = w.queue[1:]
			}
			w.run()
			if w.ada.phase != phaseCompare || w.bob.phase != phaseCompare {
				t.Fatalf("phases %d and %d, %v and %v after %q", w.ada.phase, w.bob.phase, w.ada.err, w.bob.err, w.log)
			}
			if !slices.Equal(w.ada.shown.Emoji, w.bob.shown.Emoji) || len(w.ada.shown.Emoji) != 7 || w.ada.shown.Decimal != w.bob.shown.Decimal {
				t.Errorf("Ada sees %v, Bob sees %v", w.ada.shown, w.bob.shown)
			}
			a, b := w.ada, w.bob
			if c.first == "bob" {
				a, b = b, a
			}
			w.from(a, a.Compared(true))
			if c.late {
				w.run()
			}
			if a.phase != phaseCompare {
				t.Errorf("one side alone proves nothing: phase %d", a.phase)
			}
			w.from(b, b.Compared(true))
			w.run()
			if a.phase != phaseProved || b.phase != phaseProved || !a.master || !b.master {
				t.Fatalf("phases %d and %d after %q", a.phase, b.phase, w.log)
			}
			w.from(a, a.Finish())
			w.run()
			w.from(b, b.Finish())
			w.run()
			if a.phase != phaseDone || b.phase != phaseDone || !a.ended || !b.ended {
				t.Errorf("phases %d and %d after %q", a.phase, b.phase, w.log)
			}
			if c.start == "both" && (!a.ours && !b.ours || a.ours == b.ours || !w.ada.ours) {
				t.Error("not Ada's start counts")
			}
		})
	}
}

// What a side does with what it should not get.
func TestSASRefuses(t *testing.T) {
	edit := func(who id.UserID, kind, field string, value any) func(id.UserID, Event) []Event {
		return func(from id.UserID, s Event) []Event {
			if from == who && s.kind == kind {
				s.Content[field] = value
			}
			return []Event{s}
		}
	}
	ada, bob := adaParty.User, bobParty.User
	other, err := newExchange()
	if err != nil {
		t.Fatal(err)
	}
	zero := strings.Repeat("A", 43) // the point of order 1: a secret that everybody knows
	for _, c := range []struct {
		name   string
		change func(id.UserID, Event) []Event
		want   CancelCode // said by one, heard by the other
		err    error
	}{
		{"no methods", edit(bob, kindReady, "methods", []string{"m.qr_code.scan.v1"}), CancelMethod, ErrUnclear},
		{"an unknown device", edit(bob, kindReady, "from_device", "EVE"), CancelInvalid, ErrUnclear},
		{"no method", edit(ada, kindStart, "method", "m.reciprocate.v1"), CancelMethod, ErrUnclear},
		{"the old codes", edit(ada, kindStart, "message_authentication_codes", []string{"hkdf-hmac-sha256"}), CancelMethod, ErrUnclear},
		{"another agreement", edit(bob, kindAccept, "key_agreement_protocol", "curve25519"), CancelMethod, ErrUnclear},
		{"started by another device", edit(ada, kindStart, "from_device", "EVE"), cancelUnexpected, ErrUnclear},
		{"mismatched commitment", edit(bob, kindKey, "key", other.public()), cancelCommitment, ErrForged},
		{"changed start", edit(ada, kindStart, "extra", 1), cancelCommitment, ErrForged},
		{"a key that is none", edit(ada, kindKey, "key", "AAAA"), CancelInvalid, ErrUnclear},
		{"a key of small order", edit(ada, kindKey, "key", zero), CancelInvalid, ErrUnclear},
		{"not an object", edit(ada, kindKey, "key", []int{1}), CancelInvalid, ErrUnclear},
		{"too long", edit(ada, kindKey, "more", strings.Repeat("x", maxContent)), CancelInvalid, ErrUnclear},
		{"a wrong code of the device", edit(bob, kindMAC, "mac", map[string]string{"ed25519:BOB": "AAAA"}), CancelKeys, ErrForged},
		{"no codes", edit(bob, kindMAC, "mac", map[string]string{}), CancelKeys, ErrForged},
		{"a wrong list", edit(bob, kindMAC, "keys", "AAAA"), CancelKeys, ErrForged},
		{"a key before its time", func(from id.UserID, s Event) []Event {
			if from == ada && s.kind == kindStart {
				s.kind, s.Content["key"] = kindKey, other.public()
			}
			return []Event{s}
		}, cancelUnexpected, ErrUnclear},
		{"done before its time", func(from id.UserID, s Event) []Event {
			if from == bob && s.kind == kindMAC {
				s.kind = kindDone
			}
			return []Event{s}
		}, cancelUnexpected, ErrUnclear},
		{"they cancel", func(from id.UserID, s Event) []Event {
			if from == bob && s.kind == kindMAC {
				return []Event{{kindCancel, map[string]any{"code": "m.mismatched_sas", "reason": "\x1b[2J"}}}
			}
			return []Event{s}
		}, cancelSAS, ErrNotSame},
		{"they cancel for a reason of their own", func(from id.UserID, s Event) []Event {
			if from == bob && s.kind == kindMAC {
				return []Event{{kindCancel, map[string]any{"code": "\x1b[2J"}}}
			}
			return []Event{s}
		}, "", ErrDeclined},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWire(t, "")
			w.change = c.change
			w.from(w.bob, w.bob.Agree(w.now))
			w.run()
			w.from(w.bob, w.bob.Compared(true))
			w.run()
			w.from(w.ada, w.ada.Compared(true))
			w.run()
			if w.ada.phase == phaseProved {
				t.Fatalf("it is proved, after %q", w.log)
			}
			if w.ada.err == nil || !errors.Is(w.ada.err, c.err) || CancelCode(w.ada.err.Code) != c.want || strings.Contains(w.ada.err.Error(), "\x1b") {
				t.Errorf("Ada has %v, %+v", w.ada.err, w.ada.err)
			}
			if w.ada.take(kindKey, json.RawMessage(`{}`), noon) != nil || w.ada.Cancel(CancelUser) != nil {
				t.Error("it says something after the end")
			}
		})
	}
}

// Without a code of the master key nothing is proved, nor with one of another key,
// nor where the homeserver names a device as a master key.
func TestSASMaster(t *testing.T) {
	start := func(t *testing.T, bob Party) *wire {
		w := newWire(t, "!r:x")
		w.bob.own = bob
		w.from(w.bob, w.bob.Agree(w.now))
		w.run()
		if w.ada.phase != phaseCompare {
			t.Fatal(w.ada.err)
		}
		w.from(w.ada, w.ada.Compared(true))
		w.run()
		w.from(w.bob, w.bob.Compared(true))
		w.run()
		return w
	}
	without := bobParty
	without.Master = ""
	if w := start(t, without); w.ada.phase != phaseOver || !errors.Is(w.ada.err, ErrUnvouched) {
		t.Errorf("without a master key: phase %d, %v", w.ada.phase, w.ada.err)
	}
	swapped := bobParty
	swapped.Master = aKey("E")
	if w := start(t, swapped); w.ada.phase != phaseOver || !errors.Is(w.ada.err, ErrUnvouched) {
		t.Errorf("with another master key: phase %d, %v", w.ada.phase, w.ada.err)
	}
	x, y := exchange{secret: []byte("s")}, exchange{secret: []byte("s")}
	confused := bobParty
	confused.Master = id.Ed25519(confused.Device)
	codes, list, err := y.macs(confused, adaParty, "t")
	if err != nil {
		t.Fatal(err)
	}
	if master, err := x.check(confused, adaParty, "t", codes, list); err == nil || master {
		t.Error("a device counts as a master key")
	}
}

// Somebody between the two has an exchange with each: what they see differs, and
// who says yes all the same has proved nothing, as the codes do not fit.
func TestSASBetween(t *testing.T) {
	w, eve := newWire(t, ""), newWire(t, "")
	// Eve is Bob to Ada, and Ada to Bob.
	v := newWire(t, "")
	eve.ada, eve.bob = w.ada, v.bob // Ada talks with Eve as Bob
	eve.bob.own = bobParty
	second := newWire(t, "") // Bob talks with Eve as Ada
	for _, x := range []*wire{eve, second} {
		x.from(x.bob, x.bob.Agree(noon))
		x.run()
		if x.ada.phase != phaseCompare || x.bob.phase != phaseCompare {
			t.Fatal(x.log)
		}
	}
	if slices.Equal(eve.ada.shown.Emoji, second.bob.shown.Emoji) || eve.ada.shown.Decimal == second.bob.shown.Decimal {
		t.Error("Ada and Bob see the same")
	}
	// Bob says yes, and Eve passes his codes on to Ada.
	out := second.bob.Compared(true)
	raw, err := json.Marshal(out[0].Content)
	if err != nil {
		t.Fatal(err)
	}
	eve.ada.Compared(true)
	eve.ada.take(kindMAC, raw, noon)
	if eve.ada.phase != phaseOver || !errors.Is(eve.ada.err, ErrForged) {
		t.Errorf("phase %d, %v", eve.ada.phase, eve.ada.err)
	}
}

// It ends after ten minutes, and who was asked starts if the other does not.
func TestSASTime(t *testing.T) {
	w := newWire(t, "")
	w.bob.Agree(noon)
	if got := w.bob.Tick(noon.Add(time.Second)); got != nil {
		t.Errorf("Bob says %v at once", got)
	}
	if got := w.bob.Tick(noon.Add(startAfter)); len(got) != 1 || got[0].kind != kindStart {
		t.Errorf("Bob says %v, want a start", got)
	}
	for _, v := range []*Verification{w.ada, w.bob} {
		got := v.Tick(noon.Add(Lasts + time.Second))
		if len(got) != 1 || got[0].Content["code"] != "m.timeout" || !errors.Is(v.err, ErrExpired) {
			t.Errorf("after ten minutes: %v, %v", got, v.err)
		}
	}
}

// What comes twice is passed over.
func TestSASRepeated(t *testing.T) {
	w := newWire(t, "")
	w.change = func(_ id.UserID, s Event) []Event { return []Event{s, s} }
	w.from(w.bob, w.bob.Agree(noon))
	w.run()
	w.from(w.bob, w.bob.Compared(true))
	w.run()
	w.from(w.ada, w.ada.Compared(true))
	w.run()
	if w.ada.phase != phaseProved || w.bob.phase != phaseProved {
		t.Errorf("%v, %v after %q", w.ada.err, w.bob.err, w.log)
	}
	if w.ada.Compared(true) != nil {
		t.Error("the codes are sent twice")
	}
}

// The numbers are those of the specification, bit by bit.
func TestSASOf(t *testing.T) {
	for _, c := range []struct {
		in      [6]byte
		emoji   string
		decimal [3]int
	}{
		{[6]byte{}, "Dog Dog Dog Dog Dog Dog Dog", [3]int{1000, 1000, 1000}},
		{[6]byte{255, 255, 255, 255, 255, 255}, "Pin Pin Pin Pin Pin Pin Pin", [3]int{9191, 9191, 9191}},
		{[6]byte{0x04, 0x20, 0xc4, 0x14, 0x61, 0xc8}, "Cat Lion Horse Unicorn Pig Elephant Rabbit", [3]int{1132, 1784, 3608}},
	} {
		got := sasOf(c.in)
		var list []string
		for _, e := range got.Emoji {
			list = append(list, e.Name)
		}
		if strings.Join(list, " ") != c.emoji || got.Decimal != c.decimal {
			t.Errorf("%x: %q %v, want %q %v", c.in, list, got.Decimal, c.emoji, c.decimal)
		}
	}
	seen := make(map[string]bool)
	for _, e := range emojis {
		if e.Symbol == "" || seen[e.Symbol] || seen[e.Name] {
			t.Errorf("%v is there twice", e)
		}
		seen[e.Symbol], seen[e.Name] = true, true
	}
}

// FuzzSAS: whatever the other side says, nothing is proved without its codes.
func FuzzSAS(f *testing.F) {
	f.Add(true, []byte("ready\n{\"from_device\":\"BOB\",\"methods\":[\"m.sas.v1\"]}\naccept\n{\"commitment\":\"x\"}"))
	f.Fuzz(func(t *testing.T, asked bool, in []byte) {
		v, err := New(adaParty, bobParty, "", "txn", asked, noon)
		if err != nil {
			t.Fatal(err)
		}
		v.Agree(noon)
		lines := strings.Split(string(in), "\n")
		for i := 0; i+1 < len(lines); i += 2 {
			var out []Event
			if err := fault.Contain(func() { out = v.take(lines[i], json.RawMessage(lines[i+1]), noon) }); err != nil {
				t.Fatal(err)
			}
			for _, s := range out {
				if _, err := json.Marshal(s.Content); err != nil {
					t.Error(err)
				}
			}
			v.Compared(true)
		}
		if v.phase == phaseProved || v.proved || v.phase == phaseDone {
			t.Error("it is proved")
		}
	})
}

// FuzzRead: what is read of an event is bounded, and of a kind.
func FuzzRead(f *testing.F) {
	f.Add("m.key.verification.ready", `{"transaction_id":"t"}`, `{"rel_type":"m.reference"}`)
	f.Fuzz(func(t *testing.T, kind, content, relates string) {
		r := &event.Event{ID: "$e", Type: event.Type{Type: kind}, Sender: "@a:b", Content: event.Content{VeryRaw: json.RawMessage(content)}}
		var all []*Incoming
		if e, ok := FromDevice("@a:b", kind, json.RawMessage(content)); ok {
			all = append(all, e)
		}
		for _, outside := range []json.RawMessage{nil, json.RawMessage(relates)} {
			if e, ok := FromRoom("!r:x", r, outside); ok {
				all = append(all, e)
			}
		}
		for _, e := range all {
			if e.transaction == "" || e.kind == "" || len(e.transaction) > maxID || !json.Valid(e.content) || len(e.content) > 2*maxContent {
				t.Errorf("%+v", e)
			}
			e.Asks(adaParty)
			e.Fresh(noon)
		}
	})
}
