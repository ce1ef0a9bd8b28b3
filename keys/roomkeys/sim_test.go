package roomkeys

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
)

// A world is a simulated room: its server may lose, delay and repeat what is sent.
// All happens in one goroutine, in the order of a seed.
type world struct {
	t       *testing.T
	rand    *rand.Rand
	members map[string]*sim
	past    []*sim // who left
	queue   due
	queued  int
	loss    float64
	delay   func() time.Duration
	repeat  float64 // of what was said before
	said    []delivery
	sent    int
	// tamper, if set, returns what becomes of a packet: nothing, or others.
	tamper func(d delivery) []delivery
	real   bool // HPKE and Ed25519
}

type delivery struct {
	from, to string
	data     []byte
}

// due is what will happen, in order.
type due []happening

type happening struct {
	at time.Time
	n  int
	do func()
}

func (d due) Len() int { return len(d) }
func (d due) Less(i, j int) bool {
	return d[i].at.Before(d[j].at) || d[i].at.Equal(d[j].at) && d[i].n < d[j].n
}
func (d due) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *due) Push(x any)   { *d = append(*d, x.(happening)) }
func (d *due) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

// A sim is a member of a world.
type sim struct {
	*Exchange
	seat     Seat
	key      *cheapKey
	real     *keys.Identity
	recorder bool
	phase    string
	records  string // "" means recordingID
	deaf     bool   // its client cannot tell what opens
	distrust map[string]bool
	agrees   bool
	joined   time.Time
	events   func(Event) // if set, sees all

	rings  map[string]map[int]secret
	using  int
	ever   map[secret]bool // all keys of others that it ever had
	used   []use           // its own
	wrong  map[string][]member.Trouble
	why    map[string]Why
	notes  int
	answer string    // what it last agreed to: a recorder's session, and its recording
	no     time.Time // when it last said so; zero: it agrees, or was never asked
}

type use struct {
	key         secret
	since, till time.Time
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, rand: rand.New(rand.NewPCG(seed, 7)), members: make(map[string]*sim)}
	w.delay = func() time.Duration { return 20 * time.Millisecond }
	return w
}

const recordingID = "ZYXWVTSRQPNMKJHGFEDCBA9876"

// after does something later.
func (w *world) after(d time.Duration, do func()) {
	w.queued++
	heap.Push(&w.queue, happening{time.Now().Add(d), w.queued, do})
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(tickEvery)
		w.happen()
		for _, name := range w.names() {
			s := w.members[name]
			select {
			case <-s.wake:
			default:
				if !w.each(name) {
					continue
				}
			}
			s.Tick()
			s.flush(context.Background())
		}
		if time.Now().UnixMilli()%500 == 0 {
			w.frames()
		}
	}
}

// each reports whether a member looks what is due now. In a large room that is every
// half second, unless something came.
func (w *world) each(name string) bool {
	return len(w.members) < 50 || (time.Now().UnixMilli()/100+int64(name[len(name)-1]))%5 == 0
}

func (w *world) happen() {
	for len(w.queue) > 0 && !w.queue[0].at.After(time.Now()) {
		heap.Pop(&w.queue).(happening).do()
	}
}

func (w *world) names() []string { return slices.Sorted(maps.Keys(w.members)) }

// frames lets each hear the others: the client of who is not deaf says what opens.
func (w *world) frames() {
	for _, from := range w.names() {
		s := w.members[from]
		if s.own.chain == nil {
			continue
		}
		for _, to := range w.names() {
			r := w.members[to]
			if r == s || r.deaf {
				continue
			}
			key, has := r.rings[from][s.using]
			if p := r.peers[from]; has && key != s.rings[from][s.using] && p != nil && p.seat == s.seat {
				w.t.Errorf("%s takes a frame of %s to be under another key", to, from)
			}
			if has && key == s.rings[from][s.using] {
				r.Opened(from, s.using)
			} else if s.mayHear(r) {
				r.Missing(from, s.using)
			}
		}
	}
}

// mayHear reports whether s wants r to have its key.
func (s *sim) mayHear(r *sim) bool {
	if s.distrust[r.seat.Identity] && s.c.Give != GiveProved {
		return false
	}
	return !r.recorder || s.agrees && r.phase == "recording"
}

// join lets somebody in. change may set what is not usual.
func (w *world) join(identity string, change func(*sim, *Config)) *sim {
	w.t.Helper()
	s := &sim{key: &cheapKey{begin(1, 0).secret}, distrust: make(map[string]bool), rings: make(map[string]map[int]secret),
		ever: make(map[secret]bool), wrong: make(map[string][]member.Trouble), why: make(map[string]Why), joined: time.Now()}
	s.seat = Seat{identity, Hash(begin(1, 0).secret), Nonce(begin(1, 0).secret)}
	c := Config{Room: "weekly", Identity: identity, Nonce: s.seat.Nonce, Card: s.seat.Card, Signer: s.key,
		Notify: s.notify, Send: func(_ context.Context, to string, b []byte) error { w.send(s, to, b); return nil }}
	if w.real {
		s.real = generate(w.t, identity)
		c.Signer = s.real.Signer()
	}
	if change != nil {
		change(s, &c)
	}
	x, err := New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	if s.Exchange = x; !w.real {
		x.kem = cheapKEM{}
		x.verifier = func(m member.Peer) note.Verifier {
			return w.members[m.Identity].key
		}
	}
	others := w.names()
	w.members[identity] = s
	for _, name := range others {
		o := w.members[name]
		w.meet(s, o)
		w.meet(o, s)
	}
	return s
}

func generate(t *testing.T, name string) *keys.Identity {
	id, err := keys.Generate(name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// meet lets s hear of o a little later: that is when its proof comes.
func (w *world) meet(s, o *sim) {
	w.after(time.Duration(100+w.rand.IntN(300))*time.Millisecond, func() {
		if w.members[s.seat.Identity] == s && w.members[o.seat.Identity] == o {
			s.see(o)
		}
	})
}

// see tells s how o stands with it.
func (s *sim) see(o *sim) {
	p := member.Peer{Identity: o.seat.Identity, Standing: member.Verified, CardHash: o.seat.Card, Nonce: o.seat.Nonce}
	if s.distrust[o.seat.Identity] {
		p.Standing = member.Claimed
	}
	if o.recorder {
		p.Recorder = true
		p.State = member.State{Phase: o.phase, Recording: o.recording()}
	}
	if o.real != nil {
		card, err := o.real.Card()
		if err != nil {
			panic(err)
		}
		p.Card = card
	}
	s.Member(p, false)
	if o.recorder && s.agrees && s.answer != o.seat.Nonce.String()+o.recording() {
		s.decideAbout(o)
	}
}

// decideAbout tells a recorder what s wants.
func (s *sim) decideAbout(o *sim) {
	if s.agrees {
		p := s.peers[o.seat.Identity]
		if p == nil || p.seat != o.seat {
			return // it is not proved yet
		}
		if err := s.Allow(o.seat.Identity, o.recording(), Hash{1}); err == nil {
			s.answer = o.seat.Nonce.String() + o.recording()
		}
		s.no = time.Time{}
	} else {
		if s.no.IsZero() {
			s.no = time.Now()
		}
		_ = s.Withhold(o.seat.Identity, NoConsent)
	}
}

// decide tells all recorders what s wants, also those of whom it has not heard yet that they
// left.
func (w *world) decide(s *sim) {
	for _, o := range slices.Concat(w.past, slices.Collect(maps.Values(w.members))) {
		if o.recorder && o != s && (w.members[o.seat.Identity] == o || !s.agrees) {
			s.decideAbout(o)
		}
	}
}

func (s *sim) recording() string { return cmp.Or(s.records, recordingID) }

// open returns who refused some time ago, and has keys that a recorder opens. That is half a
// second, but with more than two recorders a few.
func (w *world) open() (wrong []string) {
	all := slices.Concat(w.past, slices.Collect(maps.Values(w.members)))
	all = slices.DeleteFunc(all, func(s *sim) bool { return !s.recorder })
	after := heedWithin
	if len(all) > 2 {
		after += 5 * time.Second
	}
	for _, from := range w.names() {
		s := w.members[from]
		if s.own.chain == nil || s.no.IsZero() || time.Since(s.no) < after {
			continue
		}
		for _, r := range all {
			if r != s && r.ever[s.used[len(s.used)-1].key] {
				wrong = append(wrong, fmt.Sprintf("%v after %s said no, %s opens what they send", time.Since(s.no), from, r.seat.Identity))
			}
		}
	}
	return wrong
}

// leave ends somebody's session. Without bye the others hear of it from the server.
func (w *world) leave(s *sim, bye bool) {
	now := time.Now()
	identity := s.seat.Identity
	if !bye {
		s.outgoing = nil
	}
	delete(w.members, identity)
	w.past = append(w.past, s)
	if len(s.used) > 0 {
		s.used[len(s.used)-1].till = now
	}
	if bye {
		s.events = nil
		ever := s.ever
		s.Bye(context.Background())
		s.ever = ever
	}
	for _, name := range w.names() {
		o := w.members[name]
		w.after(time.Duration(w.rand.IntN(300))*time.Millisecond, func() {
			if w.members[identity] == nil {
				o.Left(identity)
			}
		})
	}
}

func (w *world) send(s *sim, to string, b []byte) {
	names := []string{to}
	if to == "" {
		names = w.names()
	}
	for _, name := range names {
		if name == s.seat.Identity {
			continue
		}
		w.sent++
		d := delivery{s.seat.Identity, name, b}
		out := []delivery{d}
		if w.tamper != nil {
			out = w.tamper(d)
		}
		if w.repeat > 0 {
			w.said = append(w.said, d)
			if w.rand.Float64() < w.repeat {
				out = append(out, w.said[w.rand.IntN(len(w.said))])
			}
		}
		for _, d := range out {
			if w.rand.Float64() >= w.loss {
				w.after(w.delay(), func() { w.deliver(d) })
			}
		}
	}
}

func (w *world) deliver(d delivery) {
	if o := w.members[d.to]; o != nil {
		o.Receive(d.from, d.data)
	}
}

func (s *sim) notify(e Event) {
	if s.events != nil {
		s.events(e)
	}
	ring := s.rings[e.Identity]
	if ring == nil {
		ring = make(map[int]secret)
		s.rings[e.Identity] = ring
	}
	switch e.Kind {
	case Install:
		ring[e.Index] = secret(e.Key)
		if e.Identity != s.seat.Identity {
			s.ever[secret(e.Key)] = true
		}
	case Use:
		now := time.Now()
		if len(s.used) > 0 {
			s.used[len(s.used)-1].till = now
		}
		s.using = e.Index
		s.used = append(s.used, use{key: ring[e.Index], since: now})
	case Retire:
		delete(ring, e.Index)
	case Refused:
		s.wrong[e.Identity] = append(s.wrong[e.Identity], e.Trouble)
	case Given:
		s.notes++
		delete(s.why, e.Identity)
	case Withheld:
		s.why[e.Identity] = e.Why
	}
}

// unsettled returns which members lack a key that they are to have, or have one that
// they are not to have.
func (w *world) unsettled() (wrong []string) {
	for _, from := range w.names() {
		s := w.members[from]
		if s.own.chain == nil {
			continue
		}
		key := s.rings[from][s.using]
		if key == (secret{}) || len(s.rings[from]) != 1 {
			wrong = append(wrong, fmt.Sprintf("%s has %d keys of its own", from, len(s.rings[from])))
		}
		for _, to := range w.names() {
			if to == from {
				continue
			}
			r := w.members[to]
			switch has := r.rings[from][s.using] == key; {
			case s.mayHear(r) && !has:
				wrong = append(wrong, fmt.Sprintf("%s lacks the key of %s", to, from))
			case !s.mayHear(r) && (has || r.ever[key]):
				wrong = append(wrong, fmt.Sprintf("%s has the key of %s", to, from))
			}
		}
		for _, r := range w.past {
			if r.ever[key] {
				wrong = append(wrong, fmt.Sprintf("%s, who left, has the key of %s", r.seat.Identity, from))
			}
		}
	}
	return wrong
}

// early returns who has a key that was out of use before they came.
func (w *world) early() (wrong []string) {
	all := slices.Concat(slices.Collect(maps.Values(w.members)), w.past)
	for _, s := range all {
		for _, u := range s.used {
			if u.till.IsZero() {
				continue
			}
			for _, r := range all {
				if r != s && u.till.Before(r.joined) && r.ever[u.key] {
					wrong = append(wrong, fmt.Sprintf("%s has a key of %s from before it came", r.seat.Identity, s.seat.Identity))
				}
			}
		}
	}
	return wrong
}

// settle waits until all have the keys that they are to have, for so long at most, and
// returns how long it took.
func (w *world) settle(most time.Duration) time.Duration {
	w.t.Helper()
	begun := time.Now()
	for {
		wrong := w.unsettled()
		took := time.Since(begun)
		if len(wrong) == 0 {
			return took
		}
		if took >= most {
			w.t.Fatalf("after %v %d are wrong: %.20q", took, len(wrong), wrong[:min(len(wrong), 5)])
		}
		w.pass(tickEvery)
	}
}
