package roomkeys

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/keys/member"
)

// simulate runs f in a world of simulated time.
func simulate(t *testing.T, seed uint64, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t, seed)) })
}

// quiet checks that nothing was found wrong with anybody.
func (w *world) quiet() {
	w.t.Helper()
	for _, name := range w.names() {
		for of, troubles := range w.members[name].wrong {
			w.t.Errorf("%s was told %v of %s", name, troubles, of)
		}
	}
}

func recorder(s *sim, c *Config) {
	s.recorder, s.phase, c.Listen, c.Give = true, "recording", true, GiveProved
}

func TestMeeting(t *testing.T) {
	simulate(t, 1, func(t *testing.T, w *world) {
		w.real = true
		ada, ben := w.join("ada", nil), w.join("ben", nil)
		eve := w.join("eve", nil)
		ada.distrust["eve"] = true
		if took := w.settle(3 * time.Second); took > 2*time.Second {
			t.Errorf("all have the keys after %v", took)
		}
		if eve.why["ada"] != Unverified || len(ben.why) > 0 {
			t.Errorf("eve was told %q, ben %v", eve.why["ada"], ben.why)
		}
		before := ben.using
		cleo := w.join("cleo", nil)
		w.settle(3 * time.Second)
		if d := ben.using - before; d != 1 {
			t.Errorf("ben went %d steps on", d)
		}
		w.leave(cleo, true)
		w.pass(gather + freshUse + time.Second)
		if wrong := w.unsettled(); len(wrong) > 0 {
			t.Error(wrong)
		}
		w.leave(ben, false)
		w.pass(8500 * time.Millisecond)
		if wrong := append(w.unsettled(), w.early()...); len(wrong) > 0 {
			t.Error(wrong)
		}
		// Hours later everything was replaced, several times, and nothing is wrong.
		had := len(eve.ever)
		ada.distrust["eve"] = false
		ada.see(eve)
		w.pass(2 * time.Hour)
		w.settle(3 * time.Second)
		if len(eve.ever)-had < 120 {
			t.Errorf("in two hours eve was given %d keys", len(eve.ever)-had)
		}
		if ada.peers["eve"].theirs.generation < 4 {
			t.Errorf("in two hours eve offered %d KEM keys", ada.peers["eve"].theirs.generation)
		}
		w.quiet()
	})
}

// A recorder has the keys of those who agreed, from then on, until they agree no more.
func TestConsent(t *testing.T) {
	simulate(t, 2, func(t *testing.T, w *world) {
		ada, ben := w.join("ada", nil), w.join("ben", nil)
		bot := w.join("bot", recorder)
		w.pass(2 * time.Minute)
		if wrong := w.unsettled(); len(wrong) > 0 || bot.why["ada"] != NoConsent || len(bot.ever) > 0 {
			t.Fatalf("%v; the bot was told %q and has %d keys", wrong, bot.why["ada"], len(bot.ever))
		}
		ada.agrees = true
		ada.decideAbout(bot)
		agreed := time.Now()
		w.settle(3 * time.Second)
		for _, u := range ada.used {
			if !u.till.IsZero() && !u.till.After(agreed) && bot.ever[u.key] {
				t.Error("the bot has a key of before ada agreed")
			}
		}
		if bot.notes != 1 {
			t.Errorf("the bot has %d signed keys", bot.notes)
		}
		// No: within 0.5 s nothing opens, and the other hears on.
		refuse := func(name string, change func(), why Why) {
			change()
			w.pass(quickUse + 2*tickEvery)
			if wrong := w.unsettled(); len(wrong) > 0 {
				t.Errorf("%s: %v", name, wrong)
			}
			w.pass(2 * time.Second)
			if bot.why["ada"] != why {
				t.Errorf("%s: the bot was told %q", name, bot.why["ada"])
			}
		}
		admit := func(name string, change func()) {
			change()
			w.settle(3 * time.Second)
			if bot.why["ada"] != "" {
				t.Errorf("%s: the bot is still told %q", name, bot.why["ada"])
			}
		}
		refuse("no", func() { ada.agrees = false; ada.decideAbout(bot) }, NoConsent)
		admit("yes", func() { ada.agrees = true; ada.decideAbout(bot) })
		w.pass(10 * time.Second)
		refuse("the recorder paused", func() { bot.phase = "paused"; ada.see(bot); ben.see(bot) }, Paused)
		admit("and goes on", func() { bot.phase = "recording"; ada.see(bot); ben.see(bot) })
		// A no right after a fresh chain for somebody who left waits for nothing.
		w.leave(w.join("cleo", nil), false)
		w.pass(6 * time.Second)
		refuse("no, after a leave", func() { ada.agrees = false; ada.decideAbout(bot) }, NoConsent)
		ada.agrees = true
		if err := ada.Allow("ben", recordingID, Hash{1}); err == nil {
			t.Error("a yes to who is no recorder")
		}
		// Another recording was not agreed to.
		if err := ada.Allow("bot", "0123456789ABCDEFGHJKMNPQRS", Hash{1}); err != nil {
			t.Fatal(err)
		}
		ada.agrees = false
		w.pass(5 * time.Second)
		if wrong := w.unsettled(); len(wrong) > 0 {
			t.Errorf("a yes to another recording: %v", wrong)
		}
		w.quiet()
	})
}

// A recorder takes no key that was given for another recording, or for a state that it did
// not tell; and after a no it has none of what it was given before.
func TestRecorderRefusesOtherRecordings(t *testing.T) {
	for name, records := range map[string]func(string, Hash) bool{
		"another recording": func(recording string, _ Hash) bool { return recording != recordingID },
		"another state":     func(_ string, state Hash) bool { return state == Hash{} },
	} {
		simulate(t, 2, func(t *testing.T, w *world) {
			ada := w.join("ada", nil)
			bot := w.join("bot", func(s *sim, c *Config) {
				recorder(s, c)
				c.Records, c.Listen = records, true
			})
			w.pass(5 * time.Second)
			ada.agrees = true
			ada.decideAbout(bot)
			w.pass(5 * time.Second)
			if held, _ := bot.Held("ada"); held || len(bot.ever) > 0 || bot.notes > 0 || !slices.Contains(bot.wrong["ada"], member.Stale) {
				t.Errorf("%s: the bot has %d keys, and reported %v", name, len(bot.ever), bot.wrong["ada"])
			}
		})
	}
	simulate(t, 2, func(t *testing.T, w *world) {
		ada := w.join("ada", nil)
		bot := w.join("bot", recorder)
		ada.agrees = true
		w.pass(5 * time.Second)
		if held, why := bot.Held("ada"); !held || why != "" {
			t.Errorf("the bot has a key: %t, %q", held, why)
		}
		ada.agrees = false
		ada.decideAbout(bot)
		w.pass(2 * time.Second)
		if held, why := bot.Held("ada"); held || why != NoConsent {
			t.Errorf("after a no it has a key: %t, %q", held, why)
		}
		w.pass(keyGrace + freshUse)
		if n := len(bot.rings["ada"]); n > 0 {
			t.Errorf("the bot still has %d keys of what came before", n)
		}
	})
}

// Who is away for a moment costs nothing; who is away for longer is a leaver, and
// comes back as one who joins.
func TestAway(t *testing.T) {
	simulate(t, 3, func(t *testing.T, w *world) {
		ada, ben := w.join("ada", nil), w.join("ben", nil)
		w.settle(3 * time.Second)
		before := ada.own.chain.number
		ada.Left("ben")
		w.pass(4 * time.Second)
		ada.see(ben)
		w.pass(10 * time.Second)
		if ada.own.chain.number != before {
			t.Error("a fresh chain for who was away for 4 s")
		}
		ada.Left("ben")
		w.pass(7 * time.Second)
		if ada.own.chain.number != before+1 || ben.ever[ada.rings["ada"][ada.using]] {
			t.Error("no fresh chain for who is away")
		}
		ada.see(ben)
		w.settle(5 * time.Second)
		w.pass(3 * time.Minute)
		if wrong := w.unsettled(); len(wrong) > 0 {
			t.Error(wrong)
		}
		w.quiet()
	})
}

// Joins of one second share a step; leaves are gathered, and make a fresh chain each
// five seconds at most: a key comes back to its index after more than the grace.
func TestStorm(t *testing.T) {
	simulate(t, 4, func(t *testing.T, w *world) {
		ada := w.join("ada", nil)
		began := time.Now()
		indexes, at := 0, map[int]time.Time{}
		ada.events = func(e Event) {
			if e.Kind != Use {
				return
			}
			if last, ok := at[e.Index]; ok && time.Since(last) < 60*time.Second {
				t.Errorf("index %d again after %v", e.Index, time.Since(last))
			}
			at[e.Index] = time.Now()
			indexes++
		}
		for i := range 300 {
			s := w.join("eve", nil)
			w.pass(time.Duration(200+w.rand.IntN(800)) * time.Millisecond)
			w.leave(s, i%2 == 0)
			w.pass(time.Duration(w.rand.IntN(200)) * time.Millisecond)
		}
		took := time.Since(began)
		if most := int(took/stepEvery) + int(took/freshEvery) + 5; indexes > most {
			t.Errorf("%d keys in %v, want at most %d", indexes, took, most)
		}
		if most := int(took/freshEvery) + 1; ada.own.newest()-1 > most {
			t.Errorf("%d fresh chains in %v, want at most %d", ada.own.newest()-1, took, most)
		}
		w.settle(10 * time.Second)
	})
}

// What one gets from somebody else's place is nothing: another session under an
// identity clears its ring.
func TestOtherSession(t *testing.T) {
	simulate(t, 5, func(t *testing.T, w *world) {
		ada, ben := w.join("ada", nil), w.join("ben", nil)
		w.settle(3 * time.Second)
		if len(ada.rings["ben"]) == 0 {
			t.Fatal("no keys of ben")
		}
		w.past = append(w.past, ben)
		again := w.join("ben", nil) // and nobody was told that ben left
		ada.see(again)
		if len(ada.rings["ben"]) != 0 {
			t.Errorf("%d keys of ben are kept", len(ada.rings["ben"]))
		}
		w.settle(10 * time.Second)
	})
}

func TestBye(t *testing.T) {
	simulate(t, 6, func(t *testing.T, w *world) {
		ada, ben := w.join("ada", nil), w.join("ben", nil)
		w.settle(3 * time.Second)
		chain, peer := ben.own.chain, ben.peers["ada"]
		in, out := peer.in, peer.out
		w.leave(ben, true)
		if chain.secret != (secret{}) || in.secret != (secret{}) || out.secret != (secret{}) {
			t.Error("secrets are kept after bye")
		}
		if len(ben.rings["ada"]) > 0 {
			t.Errorf("%d keys of ada's are kept after bye", len(ben.rings["ada"]))
		}
		w.pass(4 * time.Second)
		if ben.ever[ada.rings["ada"][ada.using]] {
			t.Error("ada uses a key that ben has")
		}
		// The server says that ben is back: a session that said bye is over.
		ada.see(ben)
		w.pass(10 * time.Second)
		if p := ada.peers["ben"]; p.given != 0 {
			t.Error("ben is given a key after bye")
		}
	})
}

func TestSecretsAreErased(t *testing.T) {
	simulate(t, 7, func(t *testing.T, w *world) {
		ada, ben := w.join("ada", nil), w.join("ben", nil)
		w.pass(300 * time.Millisecond)
		var offers []*offer
		for range 10 {
			w.pass(tickEvery)
			if p := ada.peers["ben"]; p != nil && p.offer != nil && !slices.Contains(offers, p.offer) {
				offers = append(offers, p.offer)
			}
		}
		w.settle(3 * time.Second)
		if len(offers) == 0 || ada.peers["ben"].offer != nil || ben.peers["ada"].theirs.public != nil {
			t.Fatalf("%d offers seen, one is open: %v", len(offers), ada.peers["ben"].offer != nil)
		}
		for _, o := range offers {
			if o.private != (secret{}) {
				t.Error("a KEM key is kept after it was used")
			}
		}
		// One that nobody uses is erased after a minute.
		w.tamper = func(d delivery) []delivery { return nil }
		cleo := w.join("cleo", nil)
		w.pass(time.Second)
		unused := cleo.peers["ada"].offer
		w.pass(61 * time.Second)
		if unused == nil || unused.private != (secret{}) {
			t.Error("a KEM key is kept that nobody used")
		}
		old := ada.own.chain.secret
		ada.step(time.Now())
		if ada.own.chain.secret == old {
			t.Error("a step keeps the secret")
		}
	})
}

// Who gives to strangers gives to all who proved something, and to nobody else.
func TestGiveProved(t *testing.T) {
	simulate(t, 8, func(t *testing.T, w *world) {
		ada := w.join("ada", func(s *sim, c *Config) { c.Give = GiveProved; s.distrust["ben"] = true })
		ben := w.join("ben", nil)
		w.settle(3 * time.Second)
		if !ben.ever[ada.rings["ada"][ada.using]] {
			t.Error("a stranger has no key")
		}
		// Its card no longer counts.
		ada.Member(member.Peer{Identity: "ben", Standing: member.Unknown, CardHash: ben.seat.Card, Nonce: ben.seat.Nonce}, false)
		w.pass(4 * time.Second)
		if ben.ever[ada.rings["ada"][ada.using]] {
			t.Error("who is no longer proved has the key")
		}
	})
}

// A message that hands over a fresh chain is lost: it is asked for, and comes, within a
// second after it is used. No new secret of the pair is needed.
func TestLostKey(t *testing.T) {
	simulate(t, 10, func(t *testing.T, w *world) {
		ada, ben := w.join("ada", nil), w.join("ben", nil)
		cleo := w.join("cleo", nil)
		w.settle(3 * time.Second)
		lost := 0
		w.tamper = func(d delivery) []delivery {
			if d.is(typeKey, "ada", "ben") && lost == 0 {
				lost++
				return nil
			}
			if d.is(typeSession, "ben", "ada") {
				t.Error("ben offers another KEM key")
			}
			return pass(d)
		}
		w.leave(cleo, true)
		w.pass(gather + freshUse + time.Second)
		if wrong := w.unsettled(); len(wrong) > 0 || lost != 1 {
			t.Errorf("%d lost; %v", lost, wrong)
		}
		if ada.own.chain.number != 2 || ben.Exchange.rings["ada"].number() != 2 {
			t.Errorf("ada uses chain %d, ben has %d", ada.own.chain.number, ben.Exchange.rings["ada"].number())
		}
		w.quiet()
	})
}

// The key that follows a yes is lost, to a receiver whose client cannot tell what opens:
// the next word about where the key is tells it that it was given.
func TestLostYes(t *testing.T) {
	simulate(t, 12, func(t *testing.T, w *world) {
		ada := w.join("ada", nil)
		bot := w.join("bot", recorder)
		bot.deaf = true
		w.pass(time.Minute)
		if bot.why["ada"] != NoConsent {
			t.Fatalf("the bot was told %q", bot.why["ada"])
		}
		lost := 0
		w.tamper = func(d delivery) []delivery {
			if d.is(typeKey, "ada", "bot") && lost == 0 {
				lost++
				return nil
			}
			return pass(d)
		}
		ada.agrees = true
		ada.decideAbout(bot)
		w.pass(hereSoon + askFirst + time.Second)
		if wrong := w.unsettled(); len(wrong) > 0 || lost != 1 {
			t.Errorf("%d lost; %v", lost, wrong)
		}
		w.quiet()
	})
}

// What the pair's secret came in is lost twice: it is said again, by the same offer.
func TestLostSecret(t *testing.T) {
	simulate(t, 11, func(t *testing.T, w *world) {
		w.join("ada", nil)
		ben, cleo := w.join("ben", nil), w.join("cleo", nil)
		w.settle(3 * time.Second)
		secrets := 0
		w.tamper = func(d delivery) []delivery {
			if !d.is(typeKey, "ada", "ben") {
				return pass(d)
			}
			if m, err := parse(d.data); err == nil && m.enc != nil {
				secrets++
			}
			if secrets < 3 {
				return nil
			}
			return pass(d)
		}
		w.pass(offerEvery)
		w.leave(cleo, true)
		w.pass(gather + freshUse)
		w.settle(12 * time.Second)
		if got := ben.peers["ada"].inGeneration; got != 2 || secrets != 3 {
			t.Errorf("the secret of offer %d, after %d", got, secrets)
		}
		w.quiet()
	})
}
