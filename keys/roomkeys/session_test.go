package roomkeys_test

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/keys/roomkeys"
)

// A hall passes packets between members, as a server does.
type hall struct {
	t       *testing.T
	mu      sync.Mutex
	members map[string]*guest
}

// A guest is a session and an exchange on one connection.
type guest struct {
	identity string
	session  *member.Session
	exchange *roomkeys.Exchange
	stop     context.CancelFunc
	done     sync.WaitGroup

	mu       sync.Mutex
	ring     map[string]map[int][]byte
	using    int
	notes    [][]byte
	troubles []string
}

// pins trusts some cards.
type pins []*keys.Identity

func (p pins) CanAdd(c keys.Card) (keys.Acquaintance, error) {
	if slices.ContainsFunc(p, func(id *keys.Identity) bool { return id.Verifier().Name() == c.Verifier().Name() }) {
		return keys.Known, nil
	}
	return keys.Stranger, nil
}

func (h *hall) join(identity string, id *keys.Identity, trusted ...*keys.Identity) *guest {
	h.t.Helper()
	g := &guest{identity: identity, ring: make(map[string]map[int][]byte)}
	send := func(to string, packet []byte) error {
		h.mu.Lock()
		others := maps.Clone(h.members)
		h.mu.Unlock()
		for name, o := range others {
			if name != identity && (to == "" || to == name) {
				o.session.Receive(identity, packet)
			}
		}
		return nil
	}
	var err error
	g.session, err = member.New(member.Config{
		Room: "weekly", SID: func() string { return "RM_weekly" }, Identity: identity, Key: id, Judge: pins(trusted),
		Send: func(_ context.Context, to []string, b []byte) error { return send(strings.Join(to, ""), b) },
		Notify: func(e member.Event) {
			if e.Peer != nil {
				g.exchange.Member(*e.Peer, false)
			}
		},
		Others: func(from string, b []byte) { g.exchange.Receive(from, b) },
	})
	if err != nil {
		h.t.Fatal(err)
	}
	g.exchange, err = roomkeys.New(roomkeys.Config{
		Room: "weekly", Identity: identity, Nonce: g.session.Nonce(), Card: g.session.CardHash(), Signer: id.Signer(), Notify: g.notify,
		Send: func(_ context.Context, to string, b []byte) error { return send(to, b) },
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.mu.Lock()
	others := maps.Clone(h.members)
	h.members[identity] = g
	h.mu.Unlock()
	ctx, stop := context.WithCancel(h.t.Context())
	g.stop = stop
	g.done.Go(func() { g.session.Run(ctx) })
	g.done.Go(func() { g.exchange.Run(ctx) })
	for name, o := range others {
		o.session.Joined(identity)
		g.session.Joined(name)
	}
	return g
}

func (h *hall) leave(g *guest) {
	h.mu.Lock()
	delete(h.members, g.identity)
	others := maps.Clone(h.members)
	h.mu.Unlock()
	g.stop()
	g.done.Wait()
	for _, o := range others {
		o.session.Left(g.identity)
		o.exchange.Left(g.identity)
	}
}

func (g *guest) notify(e roomkeys.Event) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ring[e.Identity] == nil {
		g.ring[e.Identity] = make(map[int][]byte)
	}
	switch e.Kind {
	case roomkeys.Install:
		g.ring[e.Identity][e.Index] = bytes.Clone(e.Key)
	case roomkeys.Use:
		g.using = e.Index
	case roomkeys.Retire:
		delete(g.ring[e.Identity], e.Index)
	case roomkeys.Given:
		g.notes = append(g.notes, e.Note)
	case roomkeys.Refused:
		g.troubles = append(g.troubles, e.Identity+" "+string(e.Trouble))
	}
}

// hears reports whether g has the key that o encrypts under.
func (g *guest) hears(o *guest) bool {
	o.mu.Lock()
	index, key := o.using, o.ring[o.identity][o.using]
	o.mu.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	return key != nil && bytes.Equal(g.ring[o.identity][index], key)
}

// What sessions prove is what exchanges hand out keys by, on one connection.
func TestOverSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hall{t: t, members: make(map[string]*guest)}
		id := make(map[string]*keys.Identity)
		for _, name := range []string{"Ada", "Ben", "Eve", "Bot"} {
			d := keys.Description{Name: name}
			if name == "Bot" {
				d.Role = keys.Recorder
			}
			var err error
			if id[name], err = keys.GenerateAs(d); err != nil {
				t.Fatal(err)
			}
		}
		ada := h.join("ada", id["Ada"], id["Ben"], id["Bot"])
		ben := h.join("ben", id["Ben"], id["Ada"], id["Bot"])
		eve := h.join("eve", id["Eve"], id["Ada"], id["Ben"])
		bot := h.join("bot", id["Bot"], id["Ada"], id["Ben"])
		state := member.State{Phase: "recording", Recording: "0123456789ABCDEFGHJKMNPQRS", Access: "present", Policy: "verified", Keeps: "everyone", Consent: "ask", Store: "folder"}
		if err := bot.session.Announce(state); err != nil {
			t.Fatal(err)
		}
		want := func(when string, pairs map[[2]*guest]bool) {
			t.Helper()
			for p, hears := range pairs {
				if p[0].hears(p[1]) != hears {
					t.Errorf("%s: %s hears %s: %t", when, p[0].identity, p[1].identity, !hears)
				}
			}
		}
		pass := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		pass(4 * time.Second)
		want("at first", map[[2]*guest]bool{{ada, ben}: true, {ben, ada}: true, {eve, ada}: false, {ada, eve}: true, {bot, ada}: false, {bot, ben}: false})
		peer := ada.session.Peer("bot")
		if err := ada.exchange.Allow("bot", peer.State.Recording, peer.Digest); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		want("after ada's yes", map[[2]*guest]bool{{bot, ada}: true, {bot, ben}: false, {ben, ada}: true})
		if len(bot.notes) < 1 || !slices.ContainsFunc(bot.notes, func(b []byte) bool {
			return bytes.Contains(b, []byte("\nrecording: "+state.Recording+"\nstate: "+roomkeys.Hash(peer.Digest).String()+"\n"))
		}) {
			t.Error("no signed key names the recording and its state")
		}
		state.Phase = "paused"
		if err := bot.session.Announce(state); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second)
		want("in a pause", map[[2]*guest]bool{{bot, ada}: false, {ben, ada}: true})
		ben.exchange.Bye(t.Context())
		h.leave(ben)
		pass(4 * time.Second)
		want("after ben left", map[[2]*guest]bool{{ben, ada}: false, {ada, eve}: true})
		back := h.join("ben", id["Ben"], id["Ada"])
		pass(6 * time.Second)
		want("when ben is back", map[[2]*guest]bool{{back, ada}: true, {ada, back}: true, {ben, ada}: false})
		// All who see one another read the same eight words.
		code := func(g *guest, s member.State) string {
			return roomkeys.RoomCode(g.exchange.Roster(), s.CodeLines("weekly", id["Bot"].Verifier().Name()))
		}
		if a, b := code(ada, ada.session.Peer("bot").State), code(bot, state); a != b || len(strings.Split(a, "-")) != 8 {
			t.Errorf("the room's code is %q for ada, %q for the bot", a, b)
		}
		for _, g := range []*guest{ada, eve, bot, back} {
			if len(g.troubles) > 0 {
				t.Errorf("%s was told %q", g.identity, g.troubles)
			}
			h.leave(g)
		}
	})
}
