package member_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
)

const recordingID = "0123456789ABCDEFGHJKMNPQRS"

func recording(readers ...member.Reader) member.State {
	return member.State{Phase: "recording", Recording: recordingID, Access: "present", Policy: "verified",
		Keeps: "everyone", Consent: "announce", Store: "s3", StoreURL: "https://s3.example.org/meetings",
		PageURL: "https://meet.example.org/recordings/", Readers: readers}
}

func TestMembersVerifyEachOther(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, ben, eve := generate(t, "Ada"), generate(t, "Ben"), generate(t, "Eve")
		a := r.join("ada", ada, pins(t, ben))
		b := r.join("ben", ben, pins(t, ada))
		e := r.join("eve", eve, pins(t, ada))
		a.Joined("guest") // speaks no protocol
		pass(time.Second)
		a.want(t, map[string]member.Standing{"ben": member.Verified, "eve": member.Claimed, "guest": member.Unknown})
		b.want(t, map[string]member.Standing{"ada": member.Verified, "eve": member.Claimed})
		e.want(t, map[string]member.Standing{"ada": member.Verified, "ben": member.Claimed})
		if got := a.Peer("ben").Card.Name; got != "Ben" {
			t.Errorf("ben's card is of %q", got)
		}
		// Who leaves and comes back proves it anew.
		r.leave(b)
		a.want(t, map[string]member.Standing{"eve": member.Claimed, "guest": member.Unknown})
		r.join("ben", ben, pins(t, ada))
		pass(time.Second)
		a.want(t, map[string]member.Standing{"ben": member.Verified, "eve": member.Claimed, "guest": member.Unknown})
		if len(a.troubles)+len(e.troubles) > 0 {
			t.Errorf("troubles %v %v", a.troubles, e.troubles)
		}
	})
}

// That nothing can be sent where one is not is no warning; that it fails otherwise is.
func TestAwayIsNoWarning(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{{fmt.Errorf("%w: the room is over", member.ErrAway), false}, {errors.New("no buffer"), true}} {
		meet(t, func(t *testing.T, r *room) {
			var log bytes.Buffer
			s, err := member.New(member.Config{Room: "weekly", SID: func() string { return "RM_weekly" }, Identity: "bot", Key: generate(t, "Bot"), Judge: pins(t),
				Send: func(context.Context, []string, []byte) error { return tt.err },
				Log:  slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); s.Run(ctx) }()
			pass(time.Second)
			cancel()
			<-done
			if got := strings.Contains(log.String(), "was not sent"); got != tt.want {
				t.Errorf("%v: %q", tt.err, log.String())
			}
		})
	}
}

func TestRecorderTellsAll(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, ben, bot := generate(t, "Ada"), generate(t, "Ben"), generate(t, "Bot")
		rec := r.join("bot", bot, pins(t, ada))
		a := r.join("ada", ada, pins(t, bot))
		pass(time.Second)
		card, err := ada.Card()
		if err != nil {
			t.Fatal(err)
		}
		state := recording(member.Reader{Fingerprint: card.Fingerprint(), Name: "Ada"}, member.Reader{Name: "age1pq1abc…"})
		if err := rec.Announce(state); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		b := r.join("ben", ben, pins(t, bot)) // comes late
		pass(time.Second)
		for _, p := range []*person{a, b} {
			got := p.Peer("bot")
			if !got.Recorder || !got.State.Equal(state) || got.Code != rec.Code() || len(strings.Split(got.Code, "-")) != 6 {
				t.Errorf("%s heard %+v, code %q, want %q", p.identity, got.State, got.Code, rec.Code())
			}
			if !rec.Peer(p.identity).Seen {
				t.Errorf("%s did not confirm", p.identity)
			}
		}
		// Other readers, another code.
		before := rec.Code()
		state.Readers = state.Readers[:1]
		if err := rec.Announce(state); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if a.Peer("bot").Code != rec.Code() || rec.Code() == before {
			t.Errorf("code %q, was %q, ada sees %q", rec.Code(), before, a.Peer("bot").Code)
		}
		if err := a.Answer(t.Context(), "bot", true); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)
		if p := rec.Peer("ada"); !p.Yes || p.Answered.IsZero() {
			t.Errorf("consent %+v", p)
		}
		if err := a.Answer(t.Context(), "bot", false); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if p := rec.Peer("ada"); p.Yes || p.Answered.IsZero() {
			t.Errorf("after the withdrawal %+v", p)
		}
		if err := a.Answer(t.Context(), "ben", true); err == nil {
			t.Error("an answer to who is no recorder")
		}
		// Nobody is silent in an honest room, for however long.
		pass(10 * time.Minute)
		if len(a.troubles)+len(b.troubles)+len(rec.troubles) > 0 {
			t.Errorf("troubles %v %v %v", a.troubles, b.troubles, rec.troubles)
		}
	})
}

// A list of readers that fits no message arrives in parts, in any order.
func TestManyReaders(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot := generate(t, "Ada"), generate(t, "Bot")
		rec, a := r.join("bot", bot, pins(t, ada)), r.join("ada", ada, pins(t, bot))
		pass(time.Second)
		state := recording()
		for n := range 512 {
			state.Readers = append(state.Readers, member.Reader{Fingerprint: keys.Fingerprint{byte(n >> 8), byte(n), 1}, Name: fmt.Sprintf("%d %s", n, strings.Repeat("ü", 60))})
		}
		var held []packet
		r.tampering(func(p packet) []packet {
			if p.kind() != "recorder" {
				return []packet{p}
			}
			if len(held) < 5 {
				held = append(held, p)
				return nil
			}
			out := append(held, p)
			slices.Reverse(out)
			held = nil
			return out
		})
		if err := rec.Announce(state); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		r.tampering(nil)
		pass(time.Minute)
		if got := a.Peer("bot"); !got.State.Equal(state) || got.Code != rec.Code() {
			t.Errorf("%d readers came, code %q, want %q", len(got.State.Readers), got.Code, rec.Code())
		}
		if !rec.Peer("ada").Seen || len(a.troubles)+len(rec.troubles) > 0 {
			t.Errorf("seen %v, troubles %v %v", rec.Peer("ada").Seen, a.troubles, rec.troubles)
		}
		state.Readers = append(state.Readers, make([]member.Reader, 600)...)
		if err := rec.Announce(state); err == nil {
			t.Error("1,112 readers")
		}
	})
}

func TestStateThatCannotBeTold(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		rec := r.join("bot", generate(t, "Bot"), judge{})
		for _, change := range []func(*member.State){
			func(s *member.State) { s.Phase = "resting" },
			func(s *member.State) { s.Recording = "x" },
			func(s *member.State) { s.Store = "s3://bucket/secret" },
			func(s *member.State) { s.StoreURL = "s3://bucket" },
			func(s *member.State) { s.PageURL = "https://meet.example.org/#secret" },
			func(s *member.State) { s.Consent = "" },
			func(s *member.State) { s.Readers = []member.Reader{{Name: strings.Repeat("x", 513)}} },
		} {
			s := recording()
			change(&s)
			if err := rec.Announce(s); err == nil {
				t.Errorf("told %+v", s)
			}
		}
	})
}

// What is lost is said again; what is lost for good is reported.
func TestLoss(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot := generate(t, "Ada"), generate(t, "Bot")
		lost := 0
		r.tampering(func(p packet) []packet {
			if lost++; lost <= 5 {
				return nil
			}
			return []packet{p}
		})
		rec, a := r.join("bot", bot, pins(t, ada)), r.join("ada", ada, pins(t, bot))
		pass(35 * time.Second)
		a.want(t, map[string]member.Standing{"bot": member.Verified})
		rec.want(t, map[string]member.Standing{"ada": member.Verified})
		if len(a.troubles)+len(rec.troubles) > 0 {
			t.Errorf("troubles %v %v", a.troubles, rec.troubles)
		}
	})
}

// Nothing secret is in any message.
func TestNothingSecret(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot := generate(t, "Ada"), generate(t, "Bot")
		rec, a := r.join("bot", bot, pins(t, ada)), r.join("ada", ada, pins(t, bot))
		pass(time.Second)
		if err := rec.Announce(recording()); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if err := a.Answer(t.Context(), "bot", true); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if len(r.seen) < 8 {
			t.Fatalf("%d packets", len(r.seen))
		}
		for _, p := range r.seen {
			if bytes.Contains(p.data, []byte("SECRET")) || bytes.Contains(p.data, []byte("PRIVATE")) || len(p.data) > member.MaxMessage {
				t.Errorf("a packet of %d bytes: %.60q", len(p.data), p.data)
			}
		}
	})
}

// A faultyJudge panics at one card.
type faultyJudge struct {
	judge
	key   string
	calls *int
}

func (j faultyJudge) CanAdd(c keys.Card) (keys.Acquaintance, error) {
	if c.Key == j.key {
		if *j.calls++; *j.calls%3 != 0 {
			panic("a fault")
		}
	}
	return j.judge.CanAdd(c)
}

// A member with whom something is wrong that nobody thought of has to begin anew, in
// whatever goroutine that was. The others are followed as before.
func TestFaultCostsOneMember(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, ben, eve := generate(t, "Ada"), generate(t, "Ben"), generate(t, "Eve")
		card, err := eve.Card()
		if err != nil {
			t.Fatal(err)
		}
		calls := 0
		a := r.join("ada", ada, faultyJudge{pins(t, ben), card.Key, &calls})
		r.join("eve", eve, pins(t, ada))
		r.join("ben", ben, pins(t, ada))
		for range 60 {
			pass(time.Second)
			if got := a.Peer("ben").Standing; got != member.Verified {
				t.Fatalf("ben is %s", got)
			}
		}
		if calls < 6 {
			t.Errorf("eve's card was looked at %d times", calls)
		}
	})
}
