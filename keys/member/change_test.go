package member_test

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
)

// Who speaks the protocol only some time after joining is verified all the same.
func TestLateStart(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot := generate(t, "Ada"), generate(t, "Bot")
		rec := r.join("bot", bot, pins(t, ada))
		rec.Joined("ada")
		pass(5 * time.Minute)
		a := r.join("ada", ada, pins(t, bot))
		pass(10 * time.Second)
		rec.want(t, map[string]member.Standing{"ada": member.Verified})
		a.want(t, map[string]member.Standing{"bot": member.Verified})
		if len(a.troubles)+len(rec.troubles) > 0 {
			t.Errorf("troubles %v %v", a.troubles, rec.troubles)
		}
	})
}

// One side loses sight of the other, who does not notice.
func TestSeenAgain(t *testing.T) {
	for _, after := range []time.Duration{time.Second, 5 * time.Minute} {
		meet(t, func(t *testing.T, r *room) {
			ada, bot := generate(t, "Ada"), generate(t, "Bot")
			rec := r.join("bot", bot, pins(t, ada))
			a := r.join("ada", ada, pins(t, bot))
			if err := rec.Announce(recording()); err != nil {
				t.Fatal(err)
			}
			pass(after)
			rec.Left("ada")
			rec.want(t, map[string]member.Standing{})
			rec.Joined("ada")
			pass(20 * time.Second)
			rec.want(t, map[string]member.Standing{"ada": member.Verified})
			if !rec.Peer("ada").Seen {
				t.Error("ada did not confirm the state")
			}
			pass(10 * time.Minute)
			if len(a.troubles)+len(rec.troubles) > 0 {
				t.Errorf("troubles %v %v", a.troubles, rec.troubles)
			}
		})
	}
}

// The same person begins anew, and the server has not said that they left: another
// session, or another of their devices.
func TestNewSession(t *testing.T) {
	for _, device := range []bool{false, true} {
		meet(t, func(t *testing.T, r *room) {
			ada, bot := generate(t, "Ada"), generate(t, "Bot")
			next := ada
			if device {
				next = generate(t, "Ada")
			}
			rec := r.join("bot", bot, pins(t, ada, next))
			a := r.join("ada", ada, pins(t, bot))
			pass(5 * time.Minute)
			a.cancel()
			<-a.done
			a = r.join("ada", next, pins(t, bot))
			pass(10 * time.Second) // its first hello may be answered before the room knows it
			rec.want(t, map[string]member.Standing{"ada": member.Verified})
			a.want(t, map[string]member.Standing{"bot": member.Verified})
			if got := rec.trouble("ada"); len(got) > 0 != device {
				t.Errorf("device %v: troubles %v", device, got)
			}
		})
	}
}

// The server puts someone who says nothing in a member's place, and does not say
// that the member left.
func TestAttackSilentTakeOver(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot := generate(t, "Ada"), generate(t, "Bot")
		rec := r.join("bot", bot, pins(t, ada))
		a := r.join("ada", ada, pins(t, bot))
		if err := rec.Announce(recording()); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Minute)
		if got := rec.trouble("ada"); len(got) > 0 {
			t.Errorf("troubles %v before", got)
		}
		a.cancel()
		<-a.done
		pass(2 * time.Minute)
		rec.wantTrouble(t, "ada", member.Silent)
	})
}

// A recorder that is away from the room does not blame those who cannot hear it.
func TestRecorderAway(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot := generate(t, "Ada"), generate(t, "Bot")
		rec := r.join("bot", bot, pins(t, ada))
		r.join("ada", ada, pins(t, bot))
		state := recording()
		for _, phase := range []string{"recording", "paused"} {
			state.Phase = phase
			if err := rec.Announce(state); err != nil {
				t.Fatal(err)
			}
			pass(5 * time.Minute)
			rec.away.Store(phase == "recording")
		}
		pass(5 * time.Minute)
		if got := rec.trouble("ada"); len(got) > 0 {
			t.Errorf("troubles %v", got)
		}
		if p := rec.Peer("ada"); p.Standing != member.Verified {
			t.Errorf("ada: %+v", p)
		}
	})
}

// A card that is revoked during the meeting does not count from then on.
func TestRevokedMeanwhile(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot := generate(t, "Ada"), generate(t, "Bot")
		home, err := keys.OpenHome(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		card, err := ada.Card()
		if err != nil {
			t.Fatal(err)
		}
		if err := home.Add(card); err != nil {
			t.Fatal(err)
		}
		rec := r.join("bot", bot, home)
		r.join("ada", ada, pins(t, bot))
		pass(time.Second)
		rec.want(t, map[string]member.Standing{"ada": member.Verified})
		revoked, err := ada.Revoke(card, "lost")
		if err != nil {
			t.Fatal(err)
		}
		if err := home.Revoke(revoked); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		rec.want(t, map[string]member.Standing{"ada": member.Unknown})
		if got := rec.trouble("ada"); len(got) != 1 || got[0] != member.BadCard {
			t.Errorf("troubles %v", got)
		}
	})
}

// The server lists somebody as gone and back, and says again the yes that they took
// back.
func TestAttackConsentAgain(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot := generate(t, "Ada"), generate(t, "Bot")
		rec := r.join("bot", bot, pins(t, ada))
		a := r.join("ada", ada, pins(t, bot))
		if err := rec.Announce(recording()); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		for _, yes := range []bool{false, true, false} {
			if err := a.Answer(t.Context(), "bot", yes); err != nil {
				t.Fatal(err)
			}
			pass(2 * time.Second)
		}
		rec.Left("ada")
		rec.Joined("ada")
		said := r.of("consent", "ada", "bot")
		for range 2 {
			for _, p := range append(r.of("hello", "ada", "bot"), said...) {
				r.inject(p)
			}
			pass(20 * time.Second)
			if p := rec.Peer("ada"); p.Standing != member.Verified || p.Yes || p.Answered.IsZero() {
				t.Errorf("ada: %+v", p)
			}
		}
	})
}

// Whom the server does not list is not believed, whatever stamp it gives them.
func TestAttackUnlisted(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot := generate(t, "Ada"), generate(t, "Bot")
		rec := r.join("bot", bot, pins(t, ada))
		r.join("ada", ada, pins(t, bot))
		rec.Left("ada")
		pass(time.Second)
		for range 10 {
			for _, kind := range []string{"hello", "proof"} {
				for _, p := range r.of(kind, "ada", "bot") {
					r.inject(p)
				}
			}
			rec.want(t, map[string]member.Standing{"ada": member.Unknown})
			pass(time.Second)
		}
		rec.wantTrouble(t, "ada", member.Hidden)
		rec.Joined("ada")
		rec.want(t, map[string]member.Standing{"ada": member.Verified})
	})
}
