package roomkeys

import (
	"errors"
	"testing"
)

// Who is told a chain derives what the sender uses from there on, and has nothing
// by which to derive what came before.
func TestChainGoesForwardOnly(t *testing.T) {
	c := begin(1, Indexes-2)
	var keys []secret
	var told *chain
	for n := range 6 {
		if n == 3 {
			copied := *c
			told = &copied
		}
		keys = append(keys, c.key())
		if got, want := c.index, (Indexes-2+n)%Indexes; got != want {
			t.Errorf("index %d, want %d", got, want)
		}
		before := c.secret
		if c.step(); c.secret == before {
			t.Error("a step changes nothing")
		}
	}
	if told.key() != keys[3] || told.at(2) != keys[5] || told.distance(c.index) != 3 {
		t.Error("who was told derives other keys than the sender uses")
	}
	for n := range Indexes {
		if k := told.at(n); k == keys[0] || k == keys[1] || k == keys[2] {
			t.Errorf("a key of before comes back after %d steps", n)
		}
	}
	if commitment(keys[0]) == commitment(keys[1]) {
		t.Error("two keys have one commitment")
	}
	if c := begin(2, Indexes+3); c.index != 3 || c.secret == (secret{}) {
		t.Errorf("a fresh chain begins at %d", c.index)
	}
}

// A pair's first secret is that of exactly two sessions and one KEM key.
func TestPairIsBound(t *testing.T) {
	private, public, err := hybrid{}.offer()
	if err != nil || len(public) != kemSize {
		t.Fatalf("a KEM key of %d bytes: %v", len(public), err)
	}
	p := pair{room: "weekly", from: "ada", to: "ben", generation: 1, kem: hashOf(public)}
	enc, first, err := hybrid{}.seal(public, p.info())
	if err != nil || len(enc) != encSize {
		t.Fatalf("enc of %d bytes: %v", len(enc), err)
	}
	if got, err := (hybrid{}).open(enc, &private, p.info()); err != nil || got != first {
		t.Fatalf("opened %x, want %x: %v", got, first, err)
	}
	for name, change := range map[string]func(*pair){
		"room": func(p *pair) { p.room = "daily" }, "from": func(p *pair) { p.from = "eve" }, "to": func(p *pair) { p.to = "eve" },
		"nonce": func(p *pair) { p.nonce[0]++ }, "answers": func(p *pair) { p.answers[0]++ }, "own": func(p *pair) { p.own[0]++ },
		"other": func(p *pair) { p.other[0]++ }, "generation": func(p *pair) { p.generation++ }, "kem": func(p *pair) { p.kem[0]++ },
	} {
		other := p
		change(&other)
		if got, err := (hybrid{}).open(enc, &private, other.info()); err == nil && got == first {
			t.Errorf("another %s makes the same secret", name)
		}
	}
	if _, _, err := (hybrid{}).seal(public[1:], p.info()); err == nil {
		t.Error("a short KEM key is taken")
	}
}

func TestBoxes(t *testing.T) {
	first := begin(1, 0).secret
	sender, receiver := pairChain{secret: first}, pairChain{secret: first}
	chainSecret := begin(1, 0).secret
	var boxes [][]byte
	for range maxSkip + 5 {
		boxes = append(boxes, sender.seal(&chainSecret, "text"))
	}
	open := func(serial int, text string) error {
		got, err := receiver.open(serial, boxes[serial-1], text)
		if err == nil && got != chainSecret {
			t.Errorf("box %d has another secret", serial)
		}
		return err
	}
	for _, step := range []struct {
		serial int
		text   string
		want   error
	}{
		{1, "another text", errBox},
		{1, "text", nil},
		{1, "text", errSerial}, // a replay
		{4, "text", nil},       // two were lost
		{3, "text", errSerial}, // too late
		{5, "another text", errBox},
		{5, "text", nil}, // what failed has changed nothing
		{maxSkip + 4, "text", nil},
	} {
		if err := open(step.serial, step.text); !errors.Is(err, step.want) {
			t.Errorf("box %d: %v, want %v", step.serial, err, step.want)
		}
	}
	receiver = pairChain{secret: first}
	if err := open(maxSkip+2, "text"); !errors.Is(err, errSerial) {
		t.Errorf("more than %d are skipped: %v", maxSkip, err)
	}
	if receiver.secret != first {
		t.Error("a refused box moved the chain")
	}
	if err := open(maxSkip+1, "text"); err != nil {
		t.Errorf("%d are not skipped: %v", maxSkip, err)
	}
}

func TestRoster(t *testing.T) {
	a, b := Seat{"ada", sum("ca"), sum("na")}, Seat{"ben", sum("cb"), sum("nb")}
	if RosterHash([]Seat{a, b}) != RosterHash([]Seat{b, a}) || RoomCode([]Seat{a, b}, "x") != RoomCode([]Seat{b, a}, "x") {
		t.Error("the order of seats matters")
	}
	for _, other := range []Seat{{"eve", a.Card, a.Nonce}, {"ada", b.Card, a.Nonce}, {"ada", a.Card, b.Nonce}} {
		if RosterHash([]Seat{other, b}) == RosterHash([]Seat{a, b}) || other.tag() == a.tag() {
			t.Errorf("%v is the same seat", other)
		}
	}
	if RoomCode([]Seat{a, b}, "x") == RoomCode([]Seat{a, b}, "y") {
		t.Error("the recorder is not in the code")
	}
}
