package roomkeys

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/testdata/sample"
)

// Browsers' exchanges, in simulated rooms of their own. Of those of a seed some are enough
// for a day.
func TestScriptRooms(t *testing.T) {
	sample.Live(t)
	var seeds []string
	for seed := range sample.Cases(t, 3, 1) {
		seeds = append(seeds, strconv.Itoa(seed))
	}
	for _, name := range []string{"exchange", "attack", "recorder", "property", "livekit"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), "node", "testdata/"+name+".test.mjs")
			cmd.Env = append(os.Environ(), "SEALTAPE_SEEDS="+strings.Join(seeds, ","))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			if !bytes.Contains(out, []byte("# fail 0")) || bytes.Contains(out, []byte("# pass 0")) {
				t.Errorf("tests did not run:\n%s", out)
			}
		})
	}
}

// A script is an Exchange of keys/web, in Node.
type script struct {
	t    *testing.T
	in   io.WriteCloser
	seat Seat
	card keys.Card
	send func(to string, packet []byte)

	mu      sync.Mutex
	events  []Event
	code    string
	changed chan struct{}
}

type scriptLine struct {
	Card, Nonce string
	Send        []byte
	To          string
	Event       *Event
	Code        string
}

func startScript(t *testing.T, room, identity string, send func(to string, packet []byte)) *script {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "testdata/bridge.mjs", room, identity)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, in: in, send: send, changed: make(chan struct{}, 1)}
	begun, ended := make(chan bool), make(chan struct{})
	go func() {
		defer close(ended)
		defer close(begun)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			s.line(lines.Bytes(), begun)
		}
	}()
	t.Cleanup(func() {
		_ = in.Close()
		<-ended
		if err := cmd.Wait(); err != nil && t.Context().Err() == nil {
			t.Errorf("node: %v", err)
		}
		if stderr.Len() > 0 {
			t.Errorf("node: %s", stderr.String())
		}
	})
	if !<-begun {
		t.Fatalf("node ended: %s", stderr.String())
	}
	return s
}

func (s *script) line(b []byte, begun chan<- bool) {
	var l scriptLine
	if err := json.Unmarshal(b, &l); err != nil {
		s.t.Errorf("%q: %v", b, err)
		return
	}
	if l.Card != "" {
		c, err := keys.ParseCard([]byte(l.Card))
		nonce, err2 := base64.StdEncoding.DecodeString(l.Nonce)
		if err != nil || err2 != nil {
			s.t.Error(err, err2)
			return
		}
		s.card = c
		s.seat = Seat{"ada", hashOf([]byte(l.Card)), Nonce(nonce)}
		begun <- true
	}
	if l.Send != nil {
		s.send(l.To, l.Send)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.Event != nil {
		s.events = append(s.events, *l.Event)
	}
	if l.Code != "" {
		s.code = l.Code
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *script) do(command string, args map[string]any) {
	s.t.Helper()
	args["command"] = command
	b, err := json.Marshal(args)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.in.Write(append(b, '\n')); err != nil {
		s.t.Fatal(err)
	}
}

// A goMember is a member in Go of a room with a script.
type goMember struct {
	*Exchange
	seat  Seat
	note  []byte
	rings *ringSet
}

// A ringSet is what events installed.
type ringSet struct {
	mu    sync.Mutex
	keys  map[string]map[int]string
	using map[string]int
	said  []Event
}

func (r *ringSet) take(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys[e.Identity] == nil {
		r.keys[e.Identity] = make(map[int]string)
	}
	switch e.Kind {
	case Install:
		r.keys[e.Identity][e.Index] = string(e.Key)
	case Use:
		r.using[e.Identity] = e.Index
	case Retire:
		delete(r.keys[e.Identity], e.Index)
	default:
		e.Note = nil
		r.said = append(r.said, e)
	}
}

func newRingSet() *ringSet {
	return &ringSet{keys: make(map[string]map[int]string), using: make(map[string]int)}
}

// own is the key that somebody encrypts under.
func (r *ringSet) own(identity string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys[identity][r.using[identity]]
}

func (r *ringSet) has(identity, key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.keys[identity] {
		if k == key && key != "" {
			return true
		}
	}
	return false
}

func (r *ringSet) events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.said)
}

// A mixed room has one member in a browser's script, and others in Go.
type mixed struct {
	t     *testing.T
	ada   *script
	rings *ringSet // ada's
	mu    sync.Mutex
	gos   map[string]*goMember
	drop  func(from, to string, packet []byte) bool // called with mu
}

func newMixed(t *testing.T) *mixed {
	w := &mixed{t: t, rings: newRingSet(), gos: make(map[string]*goMember)}
	ready := make(chan struct{})
	w.ada = startScript(t, "weekly", "ada", func(to string, packet []byte) {
		<-ready
		w.pass("ada", to, packet)
	})
	close(ready)
	return w
}

func (w *mixed) pass(from, to string, packet []byte) {
	w.mu.Lock()
	drop := w.drop
	var all []*goMember
	for name, g := range w.gos {
		if name != from && (to == "" || to == name) && (drop == nil || !drop(from, name, packet)) {
			all = append(all, g)
		}
	}
	ada := from != "ada" && (to == "" || to == "ada") && (drop == nil || !drop(from, "ada", packet))
	w.mu.Unlock()
	for _, g := range all {
		g.Receive(from, packet)
	}
	if ada {
		w.ada.do("receive", map[string]any{"from": from, "data": packet})
	}
}

func (w *mixed) join(identity string, change func(*Config)) *goMember {
	w.t.Helper()
	id := generate(w.t, identity)
	card, err := id.Card()
	if err != nil {
		w.t.Fatal(err)
	}
	note, err := card.Marshal()
	if err != nil {
		w.t.Fatal(err)
	}
	g := &goMember{seat: Seat{identity, hashOf(note), Nonce(begin(1, 0).secret)}, note: note, rings: newRingSet()}
	c := Config{Room: "weekly", Identity: identity, Nonce: g.seat.Nonce, Card: g.seat.Card, Signer: id.Signer(), Notify: g.rings.take,
		Send: func(_ context.Context, to string, packet []byte) error { w.pass(identity, to, packet); return nil }}
	if change != nil {
		change(&c)
	}
	if g.Exchange, err = New(c); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() { defer close(done); g.Run(ctx) }()
	w.t.Cleanup(func() { cancel(); <-done })
	w.mu.Lock()
	others := make([]*goMember, 0, len(w.gos))
	for _, o := range w.gos {
		others = append(others, o)
	}
	w.gos[identity] = g
	w.mu.Unlock()
	g.Member(member.Peer{Identity: "ada", Standing: member.Verified, Card: w.ada.card, CardHash: w.ada.seat.Card, Nonce: w.ada.seat.Nonce}, false)
	w.see(g, "", c.Listen)
	for _, o := range others {
		oc, err := keys.ParseCard(o.note)
		if err != nil {
			w.t.Fatal(err)
		}
		g.Member(member.Peer{Identity: o.seat.Identity, Standing: member.Verified, Card: oc, CardHash: o.seat.Card, Nonce: o.seat.Nonce}, false)
		o.Member(member.Peer{Identity: identity, Standing: member.Verified, Card: card, CardHash: g.seat.Card, Nonce: g.seat.Nonce}, c.Listen)
	}
	return g
}

func (w *mixed) see(g *goMember, phase string, recorder bool) {
	recording := ""
	if phase != "" {
		recording = recordingID
	}
	w.ada.do("member", map[string]any{"identity": g.seat.Identity, "standing": "verified", "nonce": g.seat.Nonce.String(), "note": string(g.note),
		"recorder": recorder, "recording": recording, "phase": phase})
}

// until waits for something that both sides' events bring about.
func (w *mixed) until(what string, cond func() bool) {
	w.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ctx := sample.Context(w.t); ; {
		w.ada.mu.Lock()
		events := w.ada.events
		w.ada.events = nil
		w.ada.mu.Unlock()
		for _, e := range events {
			w.rings.take(e)
		}
		if cond() {
			return
		}
		if ctx.Err() != nil {
			w.t.Fatalf("%s: not in time; ada was told %+v", what, w.rings.events())
		}
		<-tick.C
	}
}

// both reports whether two hear each other.
func (w *mixed) both(g *goMember) bool {
	return g.rings.has("ada", w.rings.own("ada")) && w.rings.has(g.seat.Identity, g.rings.own(g.seat.Identity))
}

// A browser's exchange and Go's hand keys to each other, replace them when somebody
// leaves, and ask for what was lost.
func TestScriptExchange(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	w := newMixed(t)
	ben, cleo := w.join("ben", nil), w.join("cleo", nil)
	w.until("all hear one another", func() bool {
		return w.both(ben) && w.both(cleo) && cleo.rings.has("ben", ben.rings.own("ben"))
	})
	w.ada.do("code", map[string]any{})
	want := RoomCode(ben.Roster(), "")
	w.until("the same room code", func() bool {
		w.ada.mu.Lock()
		defer w.ada.mu.Unlock()
		return w.ada.code == want
	})
	had := []string{w.rings.own("ada"), ben.rings.own("ben")}
	// Each direction loses the first key of the fresh chain.
	lost := make(map[string]int)
	w.mu.Lock()
	w.drop = func(from, to string, packet []byte) bool {
		if !bytes.HasPrefix(packet, []byte(typeKey)) || to == "cleo" || lost[from] > 0 {
			return false
		}
		lost[from]++
		return true
	}
	delete(w.gos, "cleo")
	w.mu.Unlock()
	cleo.Bye(t.Context())
	w.until("fresh chains", func() bool {
		return w.rings.own("ada") != had[0] && ben.rings.own("ben") != had[1] && w.both(ben)
	})
	w.mu.Lock()
	if lost["ada"] != 1 || lost["ben"] != 1 {
		t.Errorf("lost were %v", lost)
	}
	w.mu.Unlock()
	for _, e := range append(w.rings.events(), ben.rings.events()...) {
		if e.Kind == Refused {
			t.Errorf("%s: %s: %s", e.Identity, e.Trouble, e.Detail)
		}
	}
}

// A recorder in Go gets the key of a browser that agrees, from then on, and loses it.
func TestScriptConsent(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	w := newMixed(t)
	ben := w.join("ben", nil)
	bot := w.join("bot", func(c *Config) { c.Listen, c.Give = true, GiveProved })
	w.see(bot, "recording", true)
	why := func(want Why) func() bool {
		return func() bool {
			said := bot.rings.events()
			return len(said) > 0 && said[len(said)-1].Kind == Withheld && said[len(said)-1].Why == want
		}
	}
	w.until("no key before a yes", why(NoConsent))
	w.until("ben hears ada", func() bool { return w.both(ben) })
	if bot.rings.has("ada", w.rings.own("ada")) {
		t.Error("the recorder has a key that nobody agreed to")
	}
	w.ada.do("allow", map[string]any{"identity": "bot", "recording": recordingID, "state": strings.Repeat("1", 64)})
	w.until("the recorder has the key", func() bool { return bot.rings.has("ada", w.rings.own("ada")) })
	before := w.rings.own("ada")
	w.ada.do("withhold", map[string]any{"identity": "bot"})
	w.until("a key that the recorder has not", func() bool {
		return w.rings.own("ada") != before && w.both(ben) && !bot.rings.has("ada", w.rings.own("ada"))
	})
	w.until("why", why(NoConsent))
}
