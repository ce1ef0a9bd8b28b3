package roomkeys

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys/member"
)

func (d delivery) is(kind, from, to string) bool {
	return bytes.HasPrefix(d.data, []byte(kind+"\n")) && d.from == from && (to == "" || d.to == to)
}

func pass(d delivery) []delivery { return []delivery{d} }

// wantTrouble checks that someone was told a trouble of somebody by name.
func (s *sim) wantTrouble(t *testing.T, of string, want member.Trouble) {
	t.Helper()
	if got := s.wrong[of]; !slices.Contains(got, want) {
		t.Errorf("%s was told %v of %s, want %q among them", s.seat.Identity, got, of, want)
	}
}

// The server lets no key of ada's through to ben.
func TestAttackDrop(t *testing.T) {
	for _, kind := range []string{typeKey, typeSession} {
		simulate(t, 1, func(t *testing.T, w *world) {
			w.tamper = func(d delivery) []delivery {
				if d.is(kind, "ada", "ben") {
					return nil
				}
				return pass(d)
			}
			ada, ben := w.join("ada", nil), w.join("ben", nil)
			w.join("cleo", nil)
			w.pass(50 * time.Second)
			deprived, by := ben, "ada"
			if kind == typeSession {
				deprived, by = ada, "ben" // nothing can be sealed to ada
			}
			if len(deprived.rings[by]) > 0 {
				t.Errorf("%s: %d keys came", kind, len(deprived.rings[by]))
			}
			deprived.wantTrouble(t, by, member.Silent)
			// It does no harm for longer than it lasts.
			w.tamper = nil
			w.settle(30 * time.Second)
		})
	}
}

// The server hides that ada is here, then repeats what she said of that before.
func TestAttackHideHere(t *testing.T) {
	for _, replay := range []bool{false, true} {
		simulate(t, 2, func(t *testing.T, w *world) {
			ada, ben := w.join("ada", nil), w.join("ben", nil)
			var old *delivery
			hide := false
			w.tamper = func(d delivery) []delivery {
				if !d.is(typeHere, "ada", "ben") {
					return pass(d)
				}
				if !hide {
					old = &d
					return pass(d)
				}
				if replay {
					return pass(*old)
				}
				return nil
			}
			w.pass(40 * time.Second)
			hide = true
			w.pass(3*hereLeast + 5*time.Second)
			ben.wantTrouble(t, "ada", member.Silent)
			if replay {
				ben.wantTrouble(t, "ada", member.Stale)
			}
			if ada.ever[ben.rings["ben"][ben.using]] {
				t.Error("ben goes on giving his key to who does not say that she is here")
			}
			w.tamper = nil
			w.pass(40 * time.Second)
			w.settle(5 * time.Second)
		})
	}
}

// Everything that was said is said again, later: in the same meeting, and in another.
func TestAttackReplay(t *testing.T) {
	simulate(t, 3, func(t *testing.T, w *world) {
		var said []delivery
		w.tamper = func(d delivery) []delivery { said = append(said, d); return pass(d) }
		ada, ben := w.join("ada", nil), w.join("ben", nil)
		w.settle(5 * time.Second)
		w.join("cleo", nil)
		w.pass(2 * time.Minute)
		w.tamper = nil
		before := len(ben.ever)
		for _, d := range said {
			w.deliver(d)
		}
		if len(ben.ever) != before || len(w.unsettled()) > 0 {
			t.Errorf("replays brought %d keys, %v", len(ben.ever)-before, w.unsettled())
		}
		ben.wantTrouble(t, "ada", member.Stale)
		ada.wantTrouble(t, "ben", member.Stale)
		w.pass(time.Minute)
		w.settle(5 * time.Second)
		// Ada comes back. What she said in her last session is nothing now.
		w.leave(ada, false)
		w.pass(10 * time.Second)
		again := w.join("ada", nil)
		again.seat.Card = ada.seat.Card
		w.pass(time.Second)
		before = len(ben.ever)
		for _, d := range said {
			if d.from == "ada" {
				w.deliver(d)
			}
		}
		if len(ben.ever) != before {
			t.Error("keys of a session that is over are taken")
		}
		// Eleven minutes late, the clock gives it away.
		var late []delivery
		w.tamper = func(d delivery) []delivery {
			if d.is(typeKey, "ada", "ben") {
				late = append(late, d)
				return nil
			}
			return pass(d)
		}
		w.pass(11 * time.Minute)
		ben.wrong = make(map[string][]member.Trouble)
		w.deliver(late[0])
		ben.wantTrouble(t, "ada", member.ClockSkew)
	})
}

// The server delays what hands out a key: what was overtaken is not taken.
func TestAttackDelay(t *testing.T) {
	simulate(t, 4, func(t *testing.T, w *world) {
		ada, ben := w.join("ada", nil), w.join("ben", nil)
		w.settle(5 * time.Second)
		var held []delivery
		w.tamper = func(d delivery) []delivery {
			if d.is(typeKey, "ada", "ben") && len(held) < 2 {
				held = append(held, d)
				return nil
			}
			return pass(d)
		}
		w.leave(w.join("cleo", nil), true)
		w.pass(15 * time.Second)
		ben.ask(ada)
		w.pass(15 * time.Second)
		w.settle(5 * time.Second) // it was asked for
		w.tamper = nil
		chain := ben.Exchange.rings["ada"].number()
		for _, d := range held {
			w.deliver(d)
		}
		if len(held) == 0 || ben.Exchange.rings["ada"].number() != chain || len(w.unsettled()) > 0 {
			t.Errorf("%d messages were held; %v", len(held), w.unsettled())
		}
		ben.wantTrouble(t, "ada", member.Stale)
	})
}

func (s *sim) ask(o *sim) { s.Missing(o.seat.Identity, (o.using+100)%Indexes) }

// The server sends messages under other identities, to others, and changed.
func TestAttackSwap(t *testing.T) {
	simulate(t, 5, func(t *testing.T, w *world) {
		w.real = true
		var keysOf []delivery
		w.tamper = func(d delivery) []delivery {
			if d.is(typeKey, "ada", "") {
				keysOf = append(keysOf, d)
			}
			return pass(d)
		}
		w.join("ada", nil)
		ben, cleo := w.join("ben", nil), w.join("cleo", nil)
		mallory := w.join("mallory", func(s *sim, c *Config) { c.Give = GiveProved })
		w.members["ada"].distrust["mallory"] = true
		w.settle(5 * time.Second)
		w.tamper = nil
		had := len(cleo.ever)
		for _, d := range keysOf {
			w.deliver(delivery{"ada", "cleo", d.data})
			w.deliver(delivery{"ben", "cleo", d.data})
			w.deliver(delivery{"ada", "mallory", d.data})
			for _, field := range []string{"chain: ", "index: ", "serial: ", "why: ", "recording: "} {
				at := bytes.Index(d.data, []byte("\n"+field)) + 1 + len(field)
				w.deliver(delivery{"ada", d.to, slices.Concat(d.data[:at], []byte("7"), d.data[at:])})
			}
			at := bytes.Index(d.data, []byte("\nbox: ")) + 10
			changed := slices.Clone(d.data)
			changed[at] ^= 'A' ^ 'B'
			w.deliver(delivery{"ada", d.to, changed})
		}
		if len(cleo.ever) != had || mallory.notes > 3 {
			t.Errorf("cleo has %d more keys", len(cleo.ever)-had)
		}
		cleo.wantTrouble(t, "ben", member.BadSignature)
		ben.wantTrouble(t, "ada", member.BadSignature)
		if wrong := w.unsettled(); len(wrong) > 0 {
			t.Error(wrong)
		}
	})
}

// Whoever has all that the server saw has no key: neither does a secret stand in it,
// nor do the keys of another member open anything.
func TestAttackEavesdrop(t *testing.T) {
	simulate(t, 6, func(t *testing.T, w *world) {
		w.real = true
		var said []delivery
		w.tamper = func(d delivery) []delivery { said = append(said, d); return pass(d) }
		ada := w.join("ada", nil)
		w.join("ben", nil)
		mallory := w.join("mallory", nil)
		ada.distrust["mallory"] = true
		w.members["ben"].distrust["mallory"] = true
		w.settle(5 * time.Second)
		w.leave(w.join("cleo", nil), true)
		w.pass(5 * time.Second)
		var secrets []secret
		for _, s := range append(w.past, w.members["ada"], w.members["ben"]) {
			for _, u := range s.used {
				secrets = append(secrets, u.key)
			}
			if s.own.chain != nil {
				secrets = append(secrets, s.own.chain.secret)
			}
		}
		if len(secrets) < 6 || len(said) < 20 {
			t.Fatalf("%d secrets, %d messages", len(secrets), len(said))
		}
		for _, d := range said {
			for _, s := range secrets {
				if s != (secret{}) && (bytes.Contains(d.data, s[:]) || strings.Contains(string(d.data), base64.StdEncoding.EncodeToString(s[:]))) {
					t.Errorf("a secret stands in %.60q", d.data)
				}
			}
			m, err := parse(d.data)
			if err != nil || m.enc == nil {
				continue
			}
			private, public, err := hybrid{}.offer()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range mallory.peers {
				pr := pair{m.room, m.from, m.to, m.nonce, m.answers, p.seat.Card, p.seat.Card, m.generation, hashOf(public)}
				if first, err := (hybrid{}).open(m.enc, &private, pr.info()); err == nil {
					pc := pairChain{secret: first}
					if _, err := pc.open(m.serial, m.box, m.before); err == nil {
						t.Error("a box opens for mallory")
					}
				}
			}
		}
		if wrong := w.unsettled(); len(wrong) > 0 {
			t.Error(wrong)
		}
	})
}

// The server shows ada and ben other rooms: it hides cleo from ada.
func TestAttackSplit(t *testing.T) {
	simulate(t, 7, func(t *testing.T, w *world) {
		ada, ben := w.join("ada", nil), w.join("ben", nil)
		w.settle(5 * time.Second)
		cleo := w.join("cleo", nil)
		w.queue = nil // nobody is told
		ben.see(cleo)
		cleo.see(ben)
		w.pass(hereSoon + splitAfter + 2*time.Second)
		ada.wantTrouble(t, "ben", Split)
		cleo.wantTrouble(t, "ben", Split) // who sees ada
		w.pass(hereLeast)
		ben.wantTrouble(t, "ada", Split)
		if cleo.ever[ada.rings["ada"][ada.using]] {
			t.Error("cleo has ada's key")
		}
	})
}

// A member shows ben another key than the others.
func TestAttackTwoKeys(t *testing.T) {
	simulate(t, 8, func(t *testing.T, w *world) {
		ada, ben := w.join("ada", nil), w.join("ben", nil)
		cleo := w.join("cleo", nil)
		w.settle(5 * time.Second)
		ben.deaf = true // frames would tell him, too
		other := begin(ada.own.chain.number+1, ada.own.chain.index+freshBy)
		ada.give(ada.peers["ben"], other, time.Now())
		next := begin(ada.own.chain.number+1, ada.own.chain.index+freshBy)
		ada.give(ada.peers["cleo"], next, time.Now())
		ada.own.next, ada.own.nextAt = next, time.Now().Add(freshUse)
		w.pass(hereLeast + 5*time.Second)
		ben.wantTrouble(t, "ada", TwoKeys)
		if len(cleo.wrong["ada"]) > 0 {
			t.Errorf("cleo was told %v of ada", cleo.wrong["ada"])
		}
	})
}

// A member offers what nothing can be sealed to: it costs the others nothing.
func TestAttackBadKEM(t *testing.T) {
	simulate(t, 9, func(t *testing.T, w *world) {
		w.real = true
		ada, mallory := w.join("ada", nil), w.join("mallory", nil)
		w.join("ben", nil)
		mallory.kem = badKEM{}
		w.pass(3 * time.Second)
		before := ada.using
		w.pass(20 * time.Second)
		ada.wantTrouble(t, "mallory", member.Malformed)
		if ada.using != before {
			t.Errorf("ada went from key %d to %d", before, ada.using)
		}
	})
}

// badKEM offers public keys that are none.
type badKEM struct{ hybrid }

func (badKEM) offer() (secret, []byte, error) {
	return secret{1}, bytes.Repeat([]byte{0xff}, kemSize), nil
}
