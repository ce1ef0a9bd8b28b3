package bot_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/keys/roomkeys"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// A keyRoom is a room whose members make its keys.
type keyRoom struct {
	*scriptedRoom
	t    *testing.T
	stop sync.WaitGroup
	slow string // whose keys reach the recorder late

	mu     sync.Mutex
	guests map[string]*keyGuest
}

// slowKey is how late keys are. Frames wait for ten seconds.
const slowKey = 5 * time.Second

// A keyGuest is a member who makes a key of its own, and speaks under it.
type keyGuest struct {
	room     *keyRoom
	identity string
	session  *member.Session
	exchange *roomkeys.Exchange
	ring     *frame.Keyring
}

// meetWithKeys gives a recorder such a room.
func (r *recordTest) meetWithKeys(t *testing.T) *keyRoom {
	r.enter(t)
	room := &keyRoom{scriptedRoom: r.room, t: t, guests: make(map[string]*keyGuest)}
	r.config.Meeting = bot.Meeting{RoomKeys: bot.NewRoomKeys(), Join: func(_ context.Context, p bot.Presence) (bot.Room, error) {
		room.presence = p
		return room, nil
	}}
	return room
}

// Send implements bot.Room.
func (r *keyRoom) Send(_ context.Context, _ string, to []string, data []byte) error {
	r.deliver("recorder", strings.Join(to, ""), data)
	return nil
}

func (r *keyRoom) deliver(from, to string, data []byte) {
	r.mu.Lock()
	guests := maps.Clone(r.guests)
	r.mu.Unlock()
	for identity, g := range guests {
		if identity != from && (to == "" || to == identity) {
			g.session.Receive(from, data)
		}
	}
	if from == "recorder" || to != "" && to != "recorder" {
		return
	}
	if from == r.slow && bytes.HasPrefix(data, []byte("sealtape.v1/key\n")) && !bytes.Contains(data, []byte("\nbox: -\n")) {
		time.Sleep(slowKey)
	}
	r.presence.Receive(member.Topic, from, data)
}

// enter lets a member come who has pinned the cards of all trusted ones.
func (r *keyRoom) enter(ctx context.Context, identity string, id *keys.Identity, home *keys.Home) *keyGuest {
	r.t.Helper()
	g := &keyGuest{room: r, identity: identity, ring: frame.NewKeyring(roomkeys.Indexes, frame.KeyOptions{Grace: frame.NoGrace})}
	var err error
	g.session, err = member.New(member.Config{
		Room: "weekly", SID: r.SID, Identity: identity, Key: id, Judge: home,
		Send: func(_ context.Context, to []string, b []byte) error {
			r.deliver(identity, strings.Join(to, ""), b)
			return nil
		},
		Notify: func(e member.Event) { g.exchange.Member(*e.Peer, false) },
		Others: func(from string, b []byte) { g.exchange.Receive(from, b) },
	})
	if err != nil {
		r.t.Fatal(err)
	}
	g.exchange, err = roomkeys.New(roomkeys.Config{
		Room: "weekly", Identity: identity, Nonce: g.session.Nonce(), Card: g.session.CardHash(), Signer: id.Signer(),
		Send: func(_ context.Context, to string, b []byte) error { r.deliver(identity, to, b); return nil },
		Notify: func(e roomkeys.Event) {
			switch {
			case e.Identity != identity:
			case e.Kind == roomkeys.Install:
				_ = g.ring.SetRaw(e.Index, e.Key, frame.HKDF)
			case e.Kind == roomkeys.Retire:
				g.ring.Remove(e.Index)
			}
		},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	others := maps.Clone(r.guests)
	r.guests[identity] = g
	r.mu.Unlock()
	r.stop.Go(func() { g.session.Run(ctx) })
	r.stop.Go(func() { g.exchange.Run(ctx) })
	r.Join(identity, identity)
	g.session.Joined("recorder")
	for name, o := range others {
		o.session.Joined(identity)
		g.session.Joined(name)
	}
	return g
}

// speak publishes a microphone and speaks for so long.
func (g *keyGuest) speak(d time.Duration) {
	track := g.room.Publish(recorder.TrackInfo{ID: "TR_" + g.identity, Participant: g.identity, Name: g.identity, Source: media.Microphone,
		Codec: media.Opus, ClockRate: 48000, Channels: 1, Encrypted: true})
	sender := frame.NewEncrypter(media.Opus, g.ring, 0, 1)
	for n := range int(d / (20 * time.Millisecond)) {
		if index, ok := g.ring.Newest(); ok {
			sender.UseIndex(index)
		}
		sealed, err := sender.Encrypt(nil, []byte{0xf8, byte(n), byte(n >> 8), 7}, uint32(960*n))
		if err != nil {
			g.room.t.Error(err)
			return
		}
		track.Send(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(960 * n), SSRC: 1}, Payload: sealed})
		time.Sleep(20 * time.Millisecond)
	}
	track.End()
}

// agree says yes or no to the recorder, as a client does.
func (g *keyGuest) agree(ctx context.Context, yes bool) {
	p := g.session.Peer("recorder")
	decide := func() error { return g.exchange.Withhold("recorder", roomkeys.NoConsent) }
	if yes {
		decide = func() error { return g.exchange.Allow("recorder", p.State.Recording, p.Digest) }
	}
	if err := decide(); err != nil {
		g.room.t.Error(g.identity, err)
	}
	if err := g.session.Answer(ctx, "recorder", yes); err != nil {
		g.room.t.Error(g.identity, err)
	}
}

// readAll returns all frames' times by participant, and all events.
func (r *recordTest) readAll(rec *archive.Recording) (frames map[string][]time.Duration, events []media.Event) {
	r.Helper()
	frames = make(map[string][]time.Duration)
	for _, seg := range rec.Segments() {
		b, err := rec.ReadSegment(r.Context(), seg.Number)
		if err != nil {
			r.Fatal(err)
		}
		m, err := matroska.NewReader(bytes.NewReader(b))
		if err != nil {
			r.Fatal(err)
		}
		of := make(map[uint64]string)
		for _, tr := range m.Header().Tracks {
			of[tr.UID] = tr.Participant
		}
		for {
			block, err := m.Next()
			if err != nil {
				break
			}
			if block.Event != nil {
				events = append(events, *block.Event)
			} else {
				frames[of[block.Frame.Track]] = append(frames[of[block.Frame.Track]], block.Frame.Time)
			}
		}
	}
	return frames, events
}

// A recorder joins without any key, and opens only what those who agreed send after that,
// until they take it back. A key may be late. What they signed is in the timeline, and
// nothing is missing but what they wanted to be.
func TestRecordRoomKeys(t *testing.T) {
	r := newRecordTest(t)
	people := make(map[string]*keys.Identity)
	homes := make(map[string]*keys.Home)
	recorderCard, err := r.config.Identity.Card()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ada", "ben", "eve"} {
		home, err := keys.OpenHome(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		id, err := home.InitAs(keys.Description{Name: name}, nil)
		if err != nil {
			t.Fatal(err)
		}
		card, err := id.Card()
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{home.Add(recorderCard), r.config.Home.Add(card)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		people[name], homes[name] = id, home
	}
	r.config.Policy.Readers = bot.ReadersNamed
	synctest.Test(t, func(t *testing.T) {
		room := r.meetWithKeys(t)
		room.slow = "ada"
		var mu sync.Mutex
		var said []string
		r.config.Say = func(text string) {
			mu.Lock()
			defer mu.Unlock()
			said = append(said, text)
		}
		ctx, leave := context.WithCancel(t.Context())
		recording, stop := context.WithCancel(t.Context())
		var result bot.Result
		done := make(chan error)
		go func() {
			var err error
			result, err = bot.Record(recording, r.config)
			done <- err
		}()
		synctest.Wait()
		room.Join("gus", "Gus") // whose client knows nothing of keys
		guests := make(map[string]*keyGuest)
		var speaking sync.WaitGroup
		for name := range people {
			guest := room.enter(ctx, name, people[name], homes[name])
			guests[name] = guest
			speaking.Go(func() { guest.speak(14 * time.Second) })
		}
		time.Sleep(4 * time.Second)
		guests["ada"].agree(ctx, true)
		guests["ben"].agree(ctx, false)
		guests["eve"].agree(ctx, true)
		time.Sleep(3 * time.Second) // 7 s
		guests["eve"].agree(ctx, false)
		time.Sleep(3 * time.Second) // 10 s
		guests["eve"].agree(ctx, true)
		speaking.Wait()
		time.Sleep(time.Second)
		code := roomkeys.RoomCode(guests["ada"].exchange.Roster(), guests["ada"].session.Peer("recorder").State.CodeLines("weekly", recorderCard.Key))
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		leave()
		room.stop.Wait()
		n := 0
		for _, text := range said {
			if strings.HasPrefix(text, "Gus") {
				n++
			}
		}
		if n != 1 {
			t.Errorf("of the guest it said %d things: %q", n, said)
		}
		if result.Incomplete || len(result.Holes) != 1 || result.Holes[media.HoleConsent] == 0 {
			t.Errorf("%+v", result.Report)
		}
		frames, events := r.readAll(r.opened(result.ID))
		within := func(who string, from, to time.Duration, wanted bool) {
			t.Helper()
			n := 0
			for _, at := range frames[who] {
				if at >= from && at < to {
					n++
				}
			}
			if most := int((to - from) / (20 * time.Millisecond)); wanted && n < most*9/10 || !wanted && n > 0 {
				t.Errorf("%s: %d frames of %d from %v to %v", who, n, most, from, to)
			}
		}
		s := time.Second
		within("ada", 0, 4*s, false)
		within("ada", 4*s+s/2, 14*s, true)
		within("ben", 0, 20*s, false)
		within("eve", 0, 4*s, false)
		within("eve", 4*s+s/2, 7*s, true)
		within("eve", 7*s+s/10, 10*s, false)
		within("eve", 10*s+s/2, 14*s, true)
		r.checkEvidence(events, result.ID)
		if start := events[0]; start.Type != media.EventStart || start.Reason != media.StartMembers {
			t.Errorf("it begins with %+v", start)
		}
		for _, want := range []string{"ada agreed", "Gus is not recorded: their client does not make keys", "ben is not recorded: they have not agreed", "room code, of 3 people: " + code} {
			if !slices.ContainsFunc(said, func(text string) bool { return strings.HasPrefix(text, want) }) {
				t.Errorf("%q is not among %q", want, said)
			}
		}
	})
}

// checkEvidence checks that cards, states and notes in a timeline fit together.
func (r *recordTest) checkEvidence(events []media.Event, id string) {
	r.Helper()
	cards, states, notes := make(map[string]keys.Card), make(map[string]string), make(map[string][]string)
	for _, e := range events {
		switch e.Type {
		case media.EventCard:
			card, err := keys.ParseCard([]byte(e.Text))
			if err != nil || card.Name != e.Name {
				r.Errorf("the card of %s: %v", e.Participant, err)
			}
			cards[e.Participant] = card
		case media.EventState:
			sum := sha256.Sum256([]byte(e.Text))
			if s, err := member.ReadState(e.Text); err != nil || s.Recording != id || hex.EncodeToString(sum[:]) != e.Name {
				r.Errorf("state %s: %+v, %v", e.Name, s, err)
			}
			states[e.Name] = e.Text
		case media.EventNote:
			card := cards[e.Participant]
			if card.Key == "" {
				r.Fatalf("a note of %s before their card", e.Participant)
			}
			what := e.Reason
			if e.Reason == media.NoteKey {
				k, err := roomkeys.ReadKeyNote([]byte(e.Text), card.Verifier())
				if err != nil || k.From != e.Participant || k.To != "recorder" {
					r.Errorf("a note of %s: %+v, %v", e.Participant, k, err)
				}
				if k.Why != "" {
					what += " " + string(k.Why)
				} else if k.Recording != id || states[k.State.String()] == "" {
					r.Errorf("a key of %s: %+v", e.Participant, k)
				}
			} else {
				c, err := member.ReadConsent([]byte(e.Text), card.Verifier())
				if err != nil || c.From != e.Participant || c.Recording != id {
					r.Errorf("an answer of %s: %+v, %v", e.Participant, c, err)
				}
				if c.Yes {
					what += " yes"
				}
			}
			notes[e.Participant] = append(notes[e.Participant], what)
		}
	}
	for who, want := range map[string][]string{"ada": {"key", "consent yes"}, "ben": {"key consent", "consent"},
		"eve": {"key consent", "key", "consent yes"}} {
		for _, what := range want {
			if !slices.Contains(notes[who], what) {
				r.Errorf("%s signed %q, not %q", who, notes[who], what)
			}
		}
	}
}
