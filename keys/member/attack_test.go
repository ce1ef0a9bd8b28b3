package member_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys/member"
)

// wantTrouble checks that someone was told a trouble of an identity by name.
func (p *person) wantTrouble(t *testing.T, identity string, want member.Trouble) {
	t.Helper()
	if got := p.trouble(identity); !slices.Contains(got, want) {
		t.Errorf("%s was told %v of %q, want %q among them", p.identity, got, identity, want)
	}
}

// The server joins someone of its own under a member's identity.
func TestAttackUnderAnIdentity(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot, mallory := generate(t, "Ada"), generate(t, "Bot"), generate(t, "Ada")
		rec := r.join("bot", bot, pins(t, ada))
		r.join("ada", mallory, pins(t, bot))
		pass(time.Minute)
		rec.want(t, map[string]member.Standing{"ada": member.Claimed})
		rec.wantTrouble(t, "ada", member.Impostor)
	})
}

// The server lets out the member who is there, and takes its place silently.
func TestAttackTakeOver(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot, mallory := generate(t, "Ada"), generate(t, "Bot"), generate(t, "Mallory")
		rec, a := r.join("bot", bot, pins(t, ada)), r.join("ada", ada, pins(t, bot))
		pass(time.Second)
		a.cancel() // and nobody is told that ada left
		<-a.done
		r.join("ada", mallory, pins(t, bot))
		pass(10 * time.Second)
		rec.want(t, map[string]member.Standing{"ada": member.Claimed}) // and not for who was there
		rec.wantTrouble(t, "ada", member.OtherCard)
		// What ada said in her session does not bring her back.
		for _, kind := range []string{"hello", "proof"} {
			for _, p := range r.of(kind, "ada", "bot") {
				r.inject(p)
			}
		}
		pass(time.Minute)
		if got := rec.Peer("ada"); got.Standing == member.Verified || got.Card.Name != "Mallory" {
			t.Errorf("bot takes ada for %+v", got)
		}
		rec.wantTrouble(t, "ada", member.Stale)
	})
}

// What was said yesterday, in this room by the same people, proves nothing today.
func TestAttackReplay(t *testing.T) {
	ada, bot := generate(t, "Ada"), generate(t, "Bot")
	var yesterday []packet
	meet(t, func(t *testing.T, r *room) {
		rec := r.join("bot", bot, pins(t, ada))
		r.join("ada", ada, pins(t, bot))
		pass(time.Second)
		if err := rec.Announce(recording()); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		yesterday = r.seen
	})
	meet(t, func(t *testing.T, r *room) {
		rec := r.join("bot", bot, pins(t, ada))
		rec.Joined("ada")
		for _, p := range yesterday {
			r.inject(p)
		}
		pass(time.Minute)
		rec.want(t, map[string]member.Standing{"ada": member.Unknown})
		rec.wantTrouble(t, "ada", member.Stale)
		rec.wantTrouble(t, "ada", member.Silent)
	})
	// A day later the clock gives it away, too.
	meet(t, func(t *testing.T, r *room) {
		rec := r.join("bot", bot, pins(t, ada))
		rec.Joined("ada")
		time.Sleep(24 * time.Hour)
		for _, p := range yesterday {
			r.inject(p)
		}
		rec.want(t, map[string]member.Standing{"ada": member.Unknown})
		rec.wantTrouble(t, "ada", member.ClockSkew)
	})
}

// Messages of another room, of another member, and to another member.
func TestAttackElsewhere(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, ben, bot := generate(t, "Ada"), generate(t, "Ben"), generate(t, "Bot")
		rec := r.join("bot", bot, pins(t, ada, ben))
		r.join("ada", ada, pins(t, bot))
		other := newRoom(t, "another")
		other.join("bot", bot, pins(t, ada))
		other.join("carl", ben, pins(t, bot))
		pass(time.Second)
		rec.Joined("carl")
		for _, p := range other.of("hello", "carl", "bot") {
			r.inject(p)
		}
		rec.wantTrouble(t, "carl", member.OtherRoom)
		rec.Joined("dora")
		for _, p := range r.of("hello", "ada", "bot") {
			p.from = "dora"
			r.inject(p)
		}
		rec.wantTrouble(t, "dora", member.OtherIdentity)
		// What was meant for another arrives where a client has no way but to send to all.
		r.join("emil", generate(t, "Emil"), pins(t, bot))
		pass(time.Second)
		for _, kind := range []string{"hello", "proof"} {
			for range 100 {
				for _, p := range r.of(kind, "ada", "emil") {
					p.to = "bot"
					r.inject(p)
				}
			}
		}
		if got := rec.trouble("ada"); len(got) > 0 || rec.Peer("ada").Standing != member.Verified {
			t.Errorf("troubles %v of what was meant for others, ada is %v", got, rec.Peer("ada").Standing)
		}
		if got := rec.Peer("dora").Standing; got != member.Unknown {
			t.Errorf("dora is %v", got)
		}
		other.close()
	})
}

// The server shows members another card in the recorder's name.
func TestAttackSwappedCard(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot, mallory := generate(t, "Ada"), generate(t, "Bot"), generate(t, "Bot")
		// The same session in the recorder's name, with the server's card.
		fake := newRoom(t, "weekly")
		m := fake.join("bot", mallory, pins(t, ada))
		fake.join("ada", generate(t, "Ada"), pins(t, bot))
		pass(time.Second)
		forged := fake.of("hello", "bot", "ada")
		_ = m
		r.tampering(func(p packet) []packet {
			if p.from == "bot" && p.kind() == "hello" {
				return []packet{{p.from, p.to, forged[0].data}}
			}
			return []packet{p}
		})
		rec := r.join("bot", bot, pins(t, ada))
		a := r.join("ada", ada, pins(t, bot))
		pass(time.Minute)
		a.want(t, map[string]member.Standing{"bot": member.Unknown})
		a.wantTrouble(t, "bot", member.Impostor)
		a.wantTrouble(t, "bot", member.BadSignature) // the recorder's own messages
		rec.want(t, map[string]member.Standing{"ada": member.Unknown})
		rec.wantTrouble(t, "ada", member.Stale) // ada answers a question that it did not ask
		fake.close()
	})
}

// The server passes on the recorder's hello with its nonce, but with another card.
func TestAttackSwappedCardSameNonce(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot, mallory := generate(t, "Ada"), generate(t, "Bot"), generate(t, "Bot")
		r.tampering(func(p packet) []packet {
			if p.from == "bot" && p.kind() == "hello" {
				return []packet{{p.from, p.to, member.ForgeHello(t, p.data, mallory)}}
			}
			return []packet{p}
		})
		rec := r.join("bot", bot, pins(t, ada))
		a := r.join("ada", ada, pins(t, bot))
		pass(time.Minute)
		a.wantTrouble(t, "bot", member.Impostor)
		rec.want(t, map[string]member.Standing{"ada": member.Unknown})
		rec.wantTrouble(t, "ada", member.Swapped)
	})
}

// The server adds a reader to what the recorder tells, or takes one away.
func TestAttackReaderAdded(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot := generate(t, "Ada"), generate(t, "Bot")
		rec, a := r.join("bot", bot, pins(t, ada)), r.join("ada", ada, pins(t, bot))
		pass(time.Second)
		extra := []byte("reader: - " + base64.StdEncoding.EncodeToString([]byte("Mallory")) + "\n\n")
		r.tampering(func(p packet) []packet {
			if p.kind() == "recorder" {
				p.data = bytes.Replace(p.data, []byte("\n\n"), append([]byte("\n"), extra...), 1)
			}
			return []packet{p}
		})
		if err := rec.Announce(recording()); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		a.wantTrouble(t, "bot", member.BadSignature)
		if a.Peer("bot").Recorder {
			t.Error("ada believes it")
		}
		rec.wantTrouble(t, "ada", member.Silent)
		if rec.Peer("ada").Seen {
			t.Error("ada confirmed it")
		}
	})
}

// A member says that they record, with a card that is pinned as a member's.
func TestAttackPosingRecorder(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot, mallory := generate(t, "Ada"), generate(t, "Bot"), generate(t, "Mallory")
		rec, a := r.join("bot", bot, pins(t, ada)), r.join("ada", ada, pins(t, bot, mallory))
		m := r.join("mallory", mallory, pins(t, bot))
		if err := rec.Announce(recording()); err != nil {
			t.Fatal(err)
		}
		if err := m.Announce(recording()); err == nil {
			t.Error("a member's card announced a state")
		}
		m.Pose()
		pass(time.Second)
		lie := recording(member.Reader{Name: "Mallory"})
		lie.Recording = "ZZZZZZZZZZZZZZZZZZZZZZZZZZ"
		if err := m.Announce(lie); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		a.want(t, map[string]member.Standing{"bot": member.Verified, "mallory": member.Verified})
		if p := a.Peer("mallory"); p.Recorder || p.Code != "" || p.State.Recording != "" {
			t.Errorf("ada takes mallory for a recorder: %+v", p)
		}
		a.wantTrouble(t, "mallory", member.Impostor)
		if err := a.Answer(t.Context(), "mallory", true); err == nil {
			t.Error("ada answered who poses")
		}
		if got := a.Peer("bot"); !got.Recorder || got.Code != rec.Code() {
			t.Errorf("the recorder is %+v", got)
		}
	})
}

// The server holds back messages.
func TestAttackSuppression(t *testing.T) {
	for _, kind := range []string{"proof", "recorder", "seen", "seen later"} {
		t.Run(kind, func(t *testing.T) {
			meet(t, func(t *testing.T, r *room) {
				ada, bot := generate(t, "Ada"), generate(t, "Bot")
				var hold atomic.Bool
				r.tampering(func(p packet) []packet {
					if hold.Load() && strings.HasPrefix(kind, p.kind()) {
						return nil
					}
					return []packet{p}
				})
				hold.Store(kind == "proof" || kind == "seen")
				rec, a := r.join("bot", bot, pins(t, ada)), r.join("ada", ada, pins(t, bot))
				pass(time.Second)
				if err := rec.Announce(recording()); err != nil {
					t.Fatal(err)
				}
				pass(time.Second)
				hold.Store(true)
				if kind == "seen later" {
					state := recording()
					state.Phase = "paused"
					if !rec.Peer("ada").Seen {
						t.Error("the first state was not confirmed")
					}
					if err := rec.Announce(state); err != nil {
						t.Fatal(err)
					}
				}
				pass(2 * time.Minute)
				switch kind {
				case "proof":
					a.wantTrouble(t, "bot", member.Silent)
					rec.wantTrouble(t, "ada", member.Silent)
				case "recorder":
					a.wantTrouble(t, "bot", member.Silent)
				case "seen", "seen later":
					rec.wantTrouble(t, "ada", member.Silent)
				}
			})
		})
	}
}

// An old state does not take the place of a newer one.
func TestAttackOldState(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot := generate(t, "Ada"), generate(t, "Bot")
		rec, a := r.join("bot", bot, pins(t, ada)), r.join("ada", ada, pins(t, bot))
		pass(time.Second)
		state := recording()
		for _, phase := range []string{"recording", "paused"} {
			state.Phase = phase
			if err := rec.Announce(state); err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
		}
		r.inject(r.of("recorder", "bot", "ada")[0])
		a.wantTrouble(t, "bot", member.Stale)
		if got := a.Peer("bot").State.Phase; got != "paused" {
			t.Errorf("ada believes it is %q", got)
		}
		// Nor does what was said to one count for another session.
		for _, p := range r.of("seen", "ada", "bot") {
			p.data = bytes.Replace(p.data, []byte("sequence: 1"), []byte("sequence: 9"), 1)
			r.inject(p)
		}
		rec.wantTrouble(t, "ada", member.BadSignature)
	})
}

// Floods, giants, other versions, garbage and hidden senders cost nothing much.
func TestAttackNoise(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		ada, bot := generate(t, "Ada"), generate(t, "Bot")
		rec := r.join("bot", bot, pins(t, ada))
		for i, data := range [][]byte{
			nil, []byte("hello"), []byte("sealtape.v1/hello\n\n"), bytes.Repeat([]byte("x"), 1<<20),
			[]byte("sealtape.v1/hello\nroom: d2Vla2x5\nroom: d2Vla2x5\n\n— x AAAA\n"),
		} {
			who := fmt.Sprintf("noise-%d", i)
			r.inject(packet{who, "bot", data})
			rec.wantTrouble(t, who, member.Malformed)
		}
		for range 3 {
			r.inject(packet{"future", "bot", []byte("sealtape.v2/hello\n\n")})
			r.inject(packet{"future", "bot", []byte("sealtape.v1/dance\nx: y\n\n— x AAAA\n")})
		}
		if got := rec.trouble("future"); !slices.Equal(got, []member.Trouble{member.OtherVersion}) {
			t.Errorf("future: %v", got)
		}
		r.inject(packet{"", "bot", []byte("sealtape.v1/hello\n\n")})
		rec.wantTrouble(t, "", member.Hidden)
		for range 1000 {
			r.inject(packet{"", "bot", []byte("x")})
		}
		if got := rec.trouble(""); len(got) > 60 || !slices.Contains(got, member.Flood) {
			t.Errorf("%d troubles of nobody", len(got))
		}

		// A flood is cut, once told, and over when it is.
		for range 1000 {
			r.inject(packet{"flood", "bot", []byte("x")})
		}
		got := rec.trouble("flood")
		if floods := strings.Count(fmt.Sprint(got), string(member.Flood)); floods != 1 || len(got) > 60 {
			t.Errorf("%d troubles of a flood, %d say so", len(got), floods)
		}
		r.join("ada", ada, pins(t, bot))
		pass(time.Second)
		if got := rec.Peer("ada").Standing; got != member.Verified {
			t.Errorf("ada is %v beside the noise", got)
		}
		for n := range 10_000 {
			r.inject(packet{fmt.Sprintf("crowd-%d", n), "bot", []byte("x")})
		}
		if n := len(rec.Peers()); n > 5000 {
			t.Errorf("%d identities are remembered", n)
		}
	})
}
