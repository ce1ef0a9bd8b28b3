package member_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys/member"
)

// asked returns a recorder that asks, and a member who has heard of it.
func asked(t *testing.T, r *room) (rec, a *person) {
	t.Helper()
	ada, bot := generate(t, "Ada"), generate(t, "Bot")
	rec, a = r.join("bot", bot, pins(t, ada)), r.join("ada", ada, pins(t, bot))
	state := recording()
	state.Consent = "ask"
	if err := rec.Announce(state); err != nil {
		t.Fatal(err)
	}
	pass(time.Second)
	return rec, a
}

// says answers the recorder within a time.
func (p *person) says(t *testing.T, yes bool, within time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	return p.Answer(ctx, "bot", yes)
}

// wantAnswer checks what a recorder has of ada: "yes", "no" or "".
func (p *person) wantAnswer(t *testing.T, want string) {
	t.Helper()
	got := ""
	switch q := p.Peer("ada"); {
	case q.Answered.IsZero() && q.Yes:
		got = "yes without a time"
	case q.Yes:
		got = "yes"
	case !q.Answered.IsZero():
		got = "no"
	}
	if got != want {
		t.Errorf("the recorder has the answer %q, want %q", got, want)
	}
}

// An answer, or its acknowledgement, is lost a few times.
func TestAnswerIsSaidAgain(t *testing.T) {
	for _, kind := range []string{"consent", "noted"} {
		for _, yes := range []bool{true, false} {
			meet(t, func(t *testing.T, r *room) {
				rec, a := asked(t, r)
				lost := 0
				r.tampering(func(p packet) []packet {
					if p.kind() == kind && lost < 3 {
						lost++
						return nil
					}
					return []packet{p}
				})
				if err := a.says(t, yes, 20*time.Second); err != nil {
					t.Errorf("%s lost: %v", kind, err)
				}
				rec.wantAnswer(t, map[bool]string{true: "yes", false: "no"}[yes])
				if len(a.troubles)+len(rec.troubles) > 0 {
					t.Errorf("troubles %v %v", a.troubles, rec.troubles)
				}
			})
		}
	}
}

// The server drops a no, for as long as it can: whoever said it learns that it does
// not count, and it counts as soon as one arrives.
func TestAttackDroppedNo(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		rec, a := asked(t, r)
		if err := a.says(t, true, time.Second); err != nil {
			t.Fatal(err)
		}
		var drop atomic.Bool
		drop.Store(true)
		early := r.of("noted", "bot", "ada")
		r.tampering(func(p packet) []packet {
			if p.kind() == "consent" && drop.Load() {
				return nil
			}
			return []packet{p}
		})
		if err := a.says(t, false, 10*time.Second); !errors.Is(err, member.ErrNotNoted) {
			t.Errorf("a no that was dropped: %v", err)
		}
		pass(time.Minute)
		rec.wantAnswer(t, "yes")
		a.wantTrouble(t, "bot", member.Silent)
		for _, p := range early {
			r.inject(p) // what the recorder acknowledged before is no acknowledgement of this
		}
		drop.Store(false)
		pass(time.Minute)
		rec.wantAnswer(t, "no")

		// A yes that was not acknowledged is not said on.
		drop.Store(true)
		if err := a.says(t, true, 10*time.Second); !errors.Is(err, member.ErrNotNoted) {
			t.Errorf("a yes that was dropped: %v", err)
		}
		drop.Store(false)
		pass(5 * time.Minute)
		rec.wantAnswer(t, "no")
	})
}

// An acknowledgement of an earlier no is none of a later one.
func TestAttackOldAcknowledgement(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		rec, a := asked(t, r)
		for _, yes := range []bool{false, true} {
			if err := a.says(t, yes, time.Second); err != nil {
				t.Fatal(err)
			}
		}
		old := r.of("noted", "bot", "ada")
		r.tampering(func(p packet) []packet {
			if p.kind() == "consent" {
				r.deliver(old[0])
				r.deliver(old[1])
				return nil
			}
			return []packet{p}
		})
		if err := a.says(t, false, time.Minute); !errors.Is(err, member.ErrNotNoted) {
			t.Errorf("an old acknowledgement was taken: %v", err)
		}
		rec.wantAnswer(t, "yes")
	})
}

// Somebody else under the identity, with a card that is pinned or one that is not,
// says yes where no was said: to the recorder that is no until the card that said no
// says otherwise.
func TestAttackCardUnderNo(t *testing.T) {
	for _, listed := range []bool{false, true} { // that Ada left and came back
		for _, pinned := range []bool{false, true} {
			meet(t, func(t *testing.T, r *room) {
				ada, bot, mallory := generate(t, "Ada"), generate(t, "Bot"), generate(t, "Mallory")
				judge := pins(t, ada)
				if pinned {
					judge = pins(t, ada, mallory)
				}
				rec, a := r.join("bot", bot, judge), r.join("ada", ada, pins(t, bot))
				state := recording()
				state.Consent = "ask"
				if err := rec.Announce(state); err != nil {
					t.Fatal(err)
				}
				pass(time.Second)
				if err := a.says(t, false, time.Second); err != nil {
					t.Fatal(err)
				}
				swap := func(p *person) *person {
					next := mallory
					if p.id == mallory {
						next = ada
					}
					if listed {
						r.leave(p)
					} else {
						p.cancel()
						<-p.done
					}
					p = r.join("ada", next, pins(t, bot))
					pass(20 * time.Second)
					return p
				}
				m := swap(a)
				rec.wantAnswer(t, "no")
				if err := m.says(t, true, 10*time.Second); !errors.Is(err, member.ErrRefused) {
					t.Errorf("the yes of another card was acknowledged: %v", err)
				}
				rec.wantAnswer(t, "no")
				a = swap(m)
				rec.wantAnswer(t, "no")
				if err := a.says(t, true, 10*time.Second); err != nil {
					t.Error(err)
				}
				rec.wantAnswer(t, "yes")
			})
		}
	}
}

// After it was away a recorder has nobody's yes: not by an old message either. The
// client of who stands by theirs says so; who took it back meanwhile is heard.
func TestRecorderAsksAgain(t *testing.T) {
	for _, withdrawn := range []bool{false, true} {
		meet(t, func(t *testing.T, r *room) {
			rec, a := asked(t, r)
			if err := a.says(t, true, time.Second); err != nil {
				t.Fatal(err)
			}
			said := r.of("consent", "ada", "bot")
			var lost atomic.Bool
			lost.Store(true)
			r.tampering(func(p packet) []packet {
				if lost.Load() {
					return nil
				}
				return []packet{p}
			})
			want := "yes"
			if withdrawn {
				want = "no"
				if err := a.says(t, false, time.Second); err == nil {
					t.Error("a recorder that is away acknowledged")
				}
			}
			pass(5 * time.Second)
			rec.AskAgain()
			rec.wantAnswer(t, "")
			pass(time.Second)
			for _, p := range said {
				r.inject(p)
			}
			rec.wantAnswer(t, "")
			lost.Store(false)
			pass(time.Minute) // what it tells is lost at first
			rec.wantAnswer(t, want)
			if n := len(r.of("consent", "ada", "bot")); n > 12 {
				t.Errorf("the answer was said %d times", n)
			}
		})
	}
}

// A no that was written stands until the card says yes anew: not by saying again what
// it said before.
func TestWrittenNoStands(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		rec, a := asked(t, r)
		r.tampering(func(p packet) []packet {
			if p.kind() == "noted" {
				return nil // so that the yes is said again
			}
			return []packet{p}
		})
		if err := a.says(t, true, 5*time.Second); !errors.Is(err, member.ErrNotNoted) {
			t.Fatal(err)
		}
		rec.wantAnswer(t, "yes")
		go func() { _ = a.says(t, true, time.Minute) }()
		pass(time.Second)
		rec.Refuse("ada")
		rec.AskAgain()
		pass(30 * time.Second)
		rec.wantAnswer(t, "no")
		r.tampering(nil)
		if err := a.says(t, true, time.Minute); err != nil {
			t.Error(err)
		}
		rec.wantAnswer(t, "yes")
	})
}

// Too many noes to remember let no yes count any more.
func TestAttackManyRefusals(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		rec, a := asked(t, r)
		crowd := generate(t, "Crowd")
		for n := range member.MaxRefusals + 1 {
			who := strings.Repeat("x", 1+n%100) + string(rune('a'+n/100))
			rec.RefuseAs(who, crowd)
		}
		if err := a.says(t, true, 10*time.Second); !errors.Is(err, member.ErrNotNoted) {
			t.Errorf("a yes counts beside noes that were forgotten: %v", err)
		}
		rec.wantAnswer(t, "")
	})
}
