package member_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
)

// A room passes packets between members, as a LiveKit server does: it stamps them,
// and may do with them what it likes.
type room struct {
	t    *testing.T
	name string
	sid  atomic.Value                   // a string
	key  atomic.Pointer[member.RoomKey] // nil for a room without

	mu      sync.Mutex
	members map[string]*person
	// tamper, if set, returns what becomes of a packet on its way: nothing, or
	// others.
	tamper func(p packet) []packet
	seen   []packet
	away   []packet // to those who are not here
}

type packet struct {
	from, to string // from is the stamp
	data     []byte
}

// A person is a member of a test.
type person struct {
	*member.Session
	id       *keys.Identity
	identity string
	cancel   context.CancelFunc
	done     chan struct{}
	away     atomic.Bool // nothing can be sent

	mu       sync.Mutex
	troubles []member.Event
}

func newRoom(t *testing.T, name string) *room {
	r := &room{t: t, name: name, members: make(map[string]*person)}
	r.sid.Store("RM_" + name)
	return r
}

// A judge pins cards by key, for tests that have no use for a home.
type judge map[string]bool

func (j judge) CanAdd(c keys.Card) (keys.Acquaintance, error) {
	if known, ok := j[c.Key]; ok && known {
		return keys.Known, nil
	}
	if taken, ok := j["name:"+c.Name]; ok && taken {
		return "", keys.ErrNameTaken
	}
	return keys.Stranger, nil
}

// pins returns a judge that has pinned the cards of ids.
func pins(t *testing.T, ids ...*keys.Identity) judge {
	j := make(judge)
	for _, id := range ids {
		c, err := id.Card()
		if err != nil {
			t.Fatal(err)
		}
		j[c.Key], j["name:"+c.Name] = true, true
	}
	return j
}

func generate(t *testing.T, name string) *keys.Identity {
	t.Helper()
	d := keys.Description{Name: name}
	if name == "Bot" {
		d.Role = keys.Recorder
	}
	id, err := keys.GenerateAs(d)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// join lets someone into the room. Those who are there hear of them, and they of those.
func (r *room) join(identity string, id *keys.Identity, j member.Judge) *person {
	r.t.Helper()
	p := &person{id: id, identity: identity, done: make(chan struct{})}
	var keys func(string) []*member.RoomKey
	if r.key.Load() != nil {
		keys = func(string) []*member.RoomKey { return []*member.RoomKey{r.key.Load()} }
	}
	s, err := member.New(member.Config{
		Room: r.name, SID: func() string { return r.sid.Load().(string) }, Keys: keys, Identity: identity, Key: id, Judge: j,
		Send: func(_ context.Context, to []string, data []byte) error {
			if p.away.Load() {
				return errors.New("away")
			}
			r.send(identity, to, data)
			return nil
		},
		Notify: func(e member.Event) {
			if e.Trouble != "" {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.troubles = append(p.troubles, e)
			}
		},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	p.Session = s
	ctx, cancel := context.WithCancel(r.t.Context())
	p.cancel = cancel
	go func() { defer close(p.done); s.Run(ctx) }()
	r.mu.Lock()
	others := maps.Clone(r.members)
	r.members[identity] = p
	r.mu.Unlock()
	for name, o := range others {
		o.Joined(identity)
		s.Joined(name)
	}
	return p
}

// leave ends a member's session.
func (r *room) leave(p *person) {
	p.cancel()
	<-p.done
	r.mu.Lock()
	delete(r.members, p.identity)
	others := maps.Clone(r.members)
	r.mu.Unlock()
	for _, o := range others {
		o.Left(p.identity)
	}
}

func (r *room) close() {
	r.mu.Lock()
	all := slices.Collect(maps.Values(r.members))
	r.mu.Unlock()
	for _, p := range all {
		r.leave(p)
	}
}

// tampering sets what becomes of packets from now on.
func (r *room) tampering(f func(p packet) []packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tamper = f
}

func (r *room) send(from string, to []string, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(to) == 0 || r.members[to[0]] == nil {
		r.away = append(r.away, packet{from: from, data: data})
	}
	if len(to) == 0 {
		for name := range r.members {
			to = append(to, name)
		}
		slices.Sort(to)
	}
	for _, name := range to {
		if name == from {
			continue
		}
		p := packet{from, name, data}
		r.seen = append(r.seen, p)
		out := []packet{p}
		if r.tamper != nil {
			out = r.tamper(p)
		}
		for _, p := range out {
			r.deliver(p)
		}
	}
}

func (r *room) deliver(p packet) {
	if m := r.members[p.to]; m != nil {
		m.Receive(p.from, p.data)
	}
}

// inject delivers a packet of the server's own making.
func (r *room) inject(p packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deliver(p)
}

// kind returns the type of a packet's message.
func (p packet) kind() string {
	line, _, _ := strings.Cut(string(p.data), "\n")
	return strings.TrimPrefix(line, "sealtape.v1/")
}

// of returns the packets of one type that were sent.
func (r *room) of(kind, from, to string) (packets []packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.seen {
		if p.kind() == kind && p.from == from && p.to == to {
			packets = append(packets, p)
		}
	}
	return packets
}

// want checks how others stand with someone.
func (p *person) want(t *testing.T, standing map[string]member.Standing) {
	t.Helper()
	got := make(map[string]member.Standing)
	for _, o := range p.Peers() {
		got[o.Identity] = o.Standing
	}
	if !maps.Equal(got, standing) {
		t.Errorf("%s sees %v, want %v", p.identity, got, standing)
	}
}

// trouble returns the names of what someone was told is wrong with an identity.
func (p *person) trouble(identity string) (names []member.Trouble) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.troubles {
		if e.Identity == identity {
			names = append(names, e.Trouble)
		}
	}
	return names
}

// meet runs a test in a room, with time that passes only where all wait.
func meet(t *testing.T, f func(t *testing.T, r *room)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, "weekly")
		f(t, r)
		r.close()
	})
}

// pass lets some time pass, and all that it brings happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// take returns the packets from one to another, whom the room need not have, that
// were sent since it was called last.
func (r *room) take(from, to string) (packets []packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.away {
		packets = append(packets, packet{from, to, p.data})
	}
	r.away = nil
	return packets
}
