package roomkeys

import (
	"fmt"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys/member"
)

const heedWithin = quickUse + 2*tickEvery // 0.5 s

// Half a second after a no a recorder cannot open anything any more, whatever was before:
// the server had just stopped listing it, or a fresh chain was on its way to others.
func TestAttackNoInTime(t *testing.T) {
	for name, before := range map[string]func(w *world, ada, bot *sim){
		"nothing":                func(*world, *sim, *sim) {},
		"the bot is unlisted":    func(w *world, ada, bot *sim) { ada.Left("bot"); w.pass(2 * time.Second) },
		"the bot is almost gone": func(w *world, ada, bot *sim) { ada.Left("bot"); w.pass(backWithin - tickEvery) },
		"the bot is gone":        func(w *world, ada, bot *sim) { ada.Left("bot"); w.pass(backWithin + tickEvery) },
		"a fresh chain for a leaver waits": func(w *world, ada, bot *sim) {
			w.leave(w.members["ben"], true)
			for newest := ada.own.newest(); ada.own.newest() == newest; {
				w.pass(tickEvery)
			}
		},
		"that chain is used": func(w *world, ada, bot *sim) {
			w.leave(w.members["ben"], true)
			w.pass(gather + freshUse + 3*tickEvery)
		},
		"a fresh chain that the bot does not get waits": func(w *world, ada, bot *sim) {
			w.leave(w.members["ben"], true)
			w.pass(gather - 5*tickEvery)
			ada.Left("bot")
			for newest := ada.own.newest(); ada.own.newest() == newest; {
				w.pass(tickEvery)
			}
		},
		"another session took its place": func(w *world, ada, bot *sim) {
			ada.Member(member.Peer{Identity: "bot", Standing: member.Verified, Recorder: true, Nonce: Nonce{1}}, false)
		},
		"it said bye": func(w *world, ada, bot *sim) { bot.Bye(t.Context()); w.pass(2 * tickEvery) },
		"it was forgotten": func(w *world, ada, bot *sim) {
			ada.mu.Lock()
			ada.forget(ada.peers["bot"], time.Now())
			ada.mu.Unlock()
		},
		"its card counts no more": func(w *world, ada, bot *sim) { ada.distrust["bot"] = true; ada.see(bot) },
		"another recorder was refused": func(w *world, ada, bot *sim) {
			other := w.join("other", recorder)
			w.settle(5 * time.Second)
			_ = ada.Withhold("other", NoConsent)
			other.phase = "paused" // what the world believes
			w.pass(2 * tickEvery)
		},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, 1, func(t *testing.T, w *world) {
				ada, bot := w.join("ada", nil), w.join("bot", recorder)
				w.join("ben", nil)
				ada.agrees = true
				w.settle(5 * time.Second)
				w.pass(10 * time.Second)
				if !bot.ever[ada.used[len(ada.used)-1].key] {
					t.Fatal("the bot has no key that could be taken")
				}
				before(w, ada, bot)
				_ = ada.Withhold("bot", NoConsent) // who is gone cannot be told
				w.pass(heedWithin)
				for range 50 {
					if bot.ever[ada.used[len(ada.used)-1].key] {
						t.Fatal("a bot that was refused opens what is sent")
					}
					w.pass(tickEvery)
				}
			})
		})
	}
}

// A yes to no recording in particular lets nobody have a key, whatever a recorder says.
func TestAttackNoRecording(t *testing.T) {
	simulate(t, 1, func(t *testing.T, w *world) {
		ada, bot := w.join("ada", nil), w.join("bot", recorder)
		w.pass(time.Second)
		ada.Member(member.Peer{Identity: "bot", Standing: member.Verified, CardHash: bot.seat.Card, Nonce: bot.seat.Nonce,
			Recorder: true, State: member.State{Phase: "recording"}}, false)
		if err := ada.Allow("bot", "", Hash{1}); err != nil {
			t.Fatal(err)
		}
		w.pass(10 * time.Second)
		if len(bot.ever) > 0 {
			t.Error("the bot has a key for no recording")
		}
	})
}

// Somebody who says yes and no as fast as they can is heeded each time; and so is
// everybody else while a recorder says by turns that it records and that it pauses.
func TestAttackFlips(t *testing.T) {
	for seed := range uint64(4) {
		simulate(t, seed, func(t *testing.T, w *world) {
			ada, bot := w.join("ada", nil), w.join("bot", recorder)
			flapping := w.join("flapping", recorder)
			at := make(map[int]time.Time)
			ada.events = func(e Event) {
				if e.Kind == Use {
					if last, ok := at[e.Index]; ok && time.Since(last) < 35*time.Second {
						t.Errorf("index %d again after %v", e.Index, time.Since(last))
					}
					at[e.Index] = time.Now()
				}
			}
			w.join("ben", nil)
			ada.agrees = true
			w.settle(5 * time.Second)
			var refused time.Time
			opened := 0
			for n := range 200 {
				switch w.rand.IntN(4) {
				case 0, 1:
					ada.agrees = !ada.agrees
					if refused = (time.Time{}); !ada.agrees {
						refused = time.Now()
					}
					ada.decideAbout(bot)
					ada.decideAbout(flapping)
				case 2:
					flapping.phase = map[string]string{"recording": "paused", "paused": "recording"}[flapping.phase]
					ada.see(flapping)
				default:
					if n%2 == 0 {
						w.leave(w.join(fmt.Sprint("guest", n), nil), n%4 == 0)
					}
				}
				for range 1 + w.rand.IntN(12) {
					w.pass(tickEvery)
					has := bot.ever[ada.used[len(ada.used)-1].key]
					if has {
						opened++
					}
					if has && !refused.IsZero() && time.Since(refused) >= heedWithin {
						t.Fatalf("%v after a no the bot opens what is sent", time.Since(refused))
					}
				}
			}
			if opened < 50 {
				t.Errorf("the bot had a key only %d times", opened)
			}
		})
	}
}

// The server holds a key back until the no that follows it has come: the recorder does
// not take it for another yes.
func TestAttackLateKey(t *testing.T) {
	simulate(t, 3, func(t *testing.T, w *world) {
		ada, bot := w.join("ada", nil), w.join("bot", recorder)
		ada.agrees = true
		w.settle(5 * time.Second)
		var held []delivery
		w.tamper = func(d delivery) []delivery {
			if d.is(typeKey, "ada", "bot") && len(held) == 0 {
				held = append(held, d)
				return nil
			}
			return pass(d)
		}
		w.pass(chainFor + 5*time.Second)
		if len(held) == 0 {
			t.Fatal("no key was held back")
		}
		// What was asked for again is older than a no, too.
		w.tamper = func(d delivery) []delivery {
			if d.is(typeKey, "ada", "bot") {
				held = append(held, d)
				return nil
			}
			return pass(d)
		}
		bot.ask(ada)
		w.pass(2 * time.Second)
		w.tamper = nil
		ada.agrees = false
		ada.decideAbout(bot)
		w.pass(2 * time.Second)
		notes := bot.notes
		for _, d := range held {
			w.deliver(d)
		}
		if given, why := bot.Held("ada"); given || why != NoConsent || bot.notes != notes {
			t.Errorf("after a no the bot has a key: %t, %q, %d notes more", given, why, bot.notes-notes)
		}
		// It is no fault of ada's, and a yes counts again.
		ada.agrees = true
		ada.decideAbout(bot)
		w.settle(5 * time.Second)
	})
}

// The server hides cleo from ada, and lets guests come and go, so that nobody has the same
// roster for long.
func TestAttackSplitBehindGuests(t *testing.T) {
	simulate(t, 7, func(t *testing.T, w *world) {
		ada, ben := w.join("ada", nil), w.join("ben", nil)
		w.settle(5 * time.Second)
		cleo := w.join("cleo", nil)
		w.queue = nil // nobody is told
		ben.see(cleo)
		cleo.see(ben)
		for range 6 {
			guest := &sim{seat: Seat{"guest", Hash(begin(1, 0).secret), Nonce(begin(1, 0).secret)}, key: ben.key}
			w.members["guest"] = guest
			for _, s := range []*sim{ada, ben, cleo} {
				s.see(guest)
			}
			delete(w.members, "guest")
			w.pass(12 * time.Second)
		}
		ada.wantTrouble(t, "ben", Split)
		ben.wantTrouble(t, "ada", Split)
	})
}
