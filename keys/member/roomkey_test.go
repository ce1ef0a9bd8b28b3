package member_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys/member"
)

func roomKey(t *testing.T, n byte) *member.RoomKey {
	t.Helper()
	k, err := member.NewRoomKey(bytes.Repeat([]byte{n}, 16))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// In a room with keys all is sealed, and all that works without keys works.
func TestSealedRoom(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		r.key.Store(roomKey(t, 1))
		rec, a := asked(t, r)
		rec.want(t, map[string]member.Standing{"ada": member.Verified})
		a.want(t, map[string]member.Standing{"bot": member.Verified})
		if err := a.says(t, true, time.Second); err != nil {
			t.Error(err)
		}
		rec.wantAnswer(t, "yes")
		for _, p := range r.seen {
			if !bytes.HasPrefix(p.data, []byte("sealtape.v1/sealed\n")) || bytes.Contains(p.data, []byte("nonce: ")) {
				t.Errorf("a packet in the clear: %.60q", p.data)
			}
		}
		if len(a.troubles)+len(rec.troubles) > 0 {
			t.Errorf("troubles %v %v", a.troubles, rec.troubles)
		}
	})
}

// A room of the same name: on another server, which passes on what is said; and,
// where that server takes the same SID, under another key, by one who has both.
func TestAttackNamesake(t *testing.T) {
	for _, tt := range []struct {
		name      string
		keys, sid bool // both rooms' are the same
		want      member.Trouble
	}{
		{"no keys", true, false, member.OtherRoom},
		{"another server", true, false, member.OtherRoom},
		{"another key", false, true, member.OtherKey},
		{"both", false, false, member.OtherRoom},
	} {
		t.Run(tt.name, func(t *testing.T) {
			meet(t, func(t *testing.T, here *room) {
				ada, bot := generate(t, "Ada"), generate(t, "Bot")
				there := newRoom(t, here.name)
				if tt.name != "no keys" {
					here.key.Store(roomKey(t, 1))
					there.key.Store(roomKey(t, 1))
				}
				if !tt.keys {
					there.key.Store(roomKey(t, 2))
				}
				if !tt.sid {
					there.sid.Store("RM_other")
				}
				rec := here.join("bot", bot, pins(t, ada))
				a := there.join("ada", ada, pins(t, bot))
				pass := func(from, to *room, p packet) {
					if from.key.Load() != nil {
						message, err := from.key.Load().Open(p.data)
						if err != nil {
							t.Error(err)
						}
						if p.data, err = to.key.Load().Seal(message); err != nil {
							t.Error(err)
						}
					}
					to.inject(p)
				}
				for range 60 {
					rec.Joined("ada")
					a.Joined("bot")
					for _, p := range there.take("ada", "bot") {
						pass(there, here, p)
					}
					for _, p := range here.take("bot", "ada") {
						pass(here, there, p)
					}
					time.Sleep(time.Second)
				}
				rec.want(t, map[string]member.Standing{"ada": member.Unknown})
				a.want(t, map[string]member.Standing{"bot": member.Unknown})
				rec.wantTrouble(t, "ada", tt.want)
				a.wantTrouble(t, "bot", tt.want)
				there.close()
			})
		})
	}
}

// In a room with keys nothing counts that came in the clear, and nothing under
// another key: but for a no.
func TestAttackPlaintext(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		r.key.Store(roomKey(t, 1))
		rec, a := asked(t, r)
		if err := a.says(t, true, time.Second); err != nil {
			t.Fatal(err)
		}
		open := func(p packet) packet {
			message, err := r.key.Load().Open(p.data)
			if err != nil {
				t.Error(err)
			}
			return packet{p.from, p.to, message}
		}
		// The server lets Ada go and come, and says in the clear what she said.
		said := slices.Clone(r.seen)
		rec.Left("ada")
		rec.Joined("ada")
		r.tampering(func(packet) []packet { return nil })
		for _, p := range said {
			if p.to == "bot" {
				r.inject(open(p))
			}
		}
		rec.want(t, map[string]member.Standing{"ada": member.Unknown})
		rec.wantAnswer(t, "")
		if got := rec.trouble("ada"); strings.Count(strings.Join(names(got), " "), "plaintext") != 1 {
			t.Errorf("troubles %v", got)
		}
		r.tampering(nil)
		pass(time.Minute)
		rec.wantAnswer(t, "yes") // as her client says again
		// A no in the clear counts.
		r.tampering(func(p packet) []packet { return []packet{open(p)} })
		_ = a.says(t, false, time.Second)
		rec.wantAnswer(t, "no")
		r.tampering(nil)
		// Under another key there is nothing but noise.
		other := roomKey(t, 2)
		for range 20 {
			b, err := other.Seal([]byte("sealtape.v1/hello\n"))
			if err != nil {
				t.Fatal(err)
			}
			r.inject(packet{"eve", "bot", b})
			pass(time.Second)
		}
		if got := rec.trouble("eve"); strings.Count(strings.Join(names(got), " "), "other-key") != 1 {
			t.Errorf("troubles %v of another key", got)
		}
	})
}

func names(troubles []member.Trouble) (s []string) {
	for _, t := range troubles {
		s = append(s, string(t))
	}
	return s
}

// A key that changes, or comes late, and a SID that is not known at first, cost
// nobody their proof.
func TestKeyChanges(t *testing.T) {
	meet(t, func(t *testing.T, r *room) {
		r.key.Store(roomKey(t, 1))
		ada, bot, ben := generate(t, "Ada"), generate(t, "Bot"), generate(t, "Ben")
		sid := r.sid.Swap("")
		rec, a := r.join("bot", bot, pins(t, ada, ben)), r.join("ada", ada, pins(t, bot))
		pass(time.Second)
		rec.want(t, map[string]member.Standing{"ada": member.Unknown})
		r.sid.Store(sid)
		pass(10 * time.Second)
		rec.want(t, map[string]member.Standing{"ada": member.Verified})
		r.key.Store(roomKey(t, 2))
		b := r.join("ben", ben, pins(t, bot))
		pass(10 * time.Second)
		rec.want(t, map[string]member.Standing{"ada": member.Verified, "ben": member.Verified})
		if len(a.troubles)+len(b.troubles)+len(rec.troubles) > 0 {
			t.Errorf("troubles %v %v %v", a.troubles, b.troubles, rec.troubles)
		}
	})
}
