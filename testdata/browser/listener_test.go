package browser_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	protologger "github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/webrtc/v4"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/keys/roomkeys"
	"github.com/sealtape/sealtape/testdata/browser"
	"github.com/sealtape/sealtape/testdata/servers"
)

// A listener is a member in Go, by LiveKit's SDK and keys/roomkeys: it hears the
// microphones of others as far as it has their keys, and notes under which index they
// send.
type listener struct {
	session  *member.Session
	exchange *roomkeys.Exchange
	rings    *roomkeys.Rings
	id       *keys.Identity
	card     []byte
	words    string
	leave    func(bye bool)

	mu      sync.Mutex
	changed chan struct{}
	pinned  map[string]bool // by key of the card
	sounds  map[string]*sound
	held    map[string]map[int]string  // by identity and index
	ever    map[string]map[string]bool // all keys, by identity
	why     map[string]roomkeys.Why
	wrong   []string
}

// A sound is what came of somebody's microphone.
type sound struct {
	opened, closed int // frames
	index          int // of the last one
}

// CanAdd: it knows the cards that it pinned.
func (l *listener) CanAdd(c keys.Card) (keys.Acquaintance, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pinned[c.Key] {
		return keys.Known, nil
	}
	return keys.Stranger, nil
}

// note changes what it knows.
func (l *listener) note(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *listener) until(t *testing.T, ctx context.Context, what string, cond func() bool) {
	t.Helper()
	begun := time.Now()
	for {
		l.mu.Lock()
		ok, changed := cond(), l.changed
		l.mu.Unlock()
		if ok {
			tookLong(t, begun, what)
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			l.mu.Lock()
			defer l.mu.Unlock()
			t.Fatalf("%s: %v; sounds %+v, why %v, wrong %v", what, ctx.Err(), l.sounds, l.why, l.wrong)
		}
	}
}

// sound returns what came of somebody so far.
func (l *listener) sound(identity string) sound {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.sounds[identity]; s != nil {
		return *s
	}
	return sound{}
}

// hears waits until so many more frames of somebody opened.
func (l *listener) hears(t *testing.T, ctx context.Context, identity string, frames int) {
	t.Helper()
	from := l.sound(identity).opened
	l.until(t, ctx, fmt.Sprintf("%d frames of %s", frames, identity), func() bool {
		return l.sounds[identity] != nil && l.sounds[identity].opened >= from+frames
	})
}

// deaf holds that no more frames of somebody open, while many come.
func (l *listener) deaf(t *testing.T, ctx context.Context, identity, what string) {
	t.Helper()
	closed := func(more int) {
		from := l.sound(identity).closed
		l.until(t, ctx, what+": frames that do not open", func() bool { return l.sounds[identity] != nil && l.sounds[identity].closed >= from+more })
	}
	closed(1) // what was on its way has come
	opened := l.sound(identity).opened
	closed(25)
	if got := l.sound(identity).opened; got > opened {
		t.Errorf("%s: %d frames of %s opened", what, got-opened, identity)
	}
}

func listen(t *testing.T, ctx context.Context, s *servers.LiveKit, identity string, role keys.Role) *listener {
	t.Helper()
	id, err := keys.GenerateAs(keys.Description{Name: strings.ToUpper(identity), Role: role})
	if err != nil {
		t.Fatal(err)
	}
	card, err := id.Card()
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{id: id, words: card.Fingerprint().String(), changed: make(chan struct{}), pinned: make(map[string]bool), sounds: make(map[string]*sound),
		held: make(map[string]map[int]string), ever: make(map[string]map[string]bool), why: make(map[string]roomkeys.Why)}
	if l.card, err = card.Marshal(); err != nil {
		t.Fatal(err)
	}
	if l.rings, err = roomkeys.NewRings(16, func(identity string, index int) { go l.exchange.Missing(identity, index) }); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	begun := func() bool {
		select {
		case <-ready:
			return true
		default:
			return false
		}
	}
	cb := lksdk.NewRoomCallback()
	cb.OnParticipantConnected = func(p *lksdk.RemoteParticipant) {
		if begun() {
			l.session.Joined(p.Identity())
		}
	}
	cb.OnParticipantDisconnected = func(p *lksdk.RemoteParticipant) {
		if begun() {
			l.session.Left(p.Identity())
			l.exchange.Left(p.Identity())
		}
	}
	cb.OnDataPacket = func(data lksdk.DataPacket, from lksdk.DataReceiveParams) {
		if p, ok := data.(*lksdk.UserDataPacket); ok && p.Topic == member.Topic && begun() {
			l.session.Receive(from.SenderIdentity, p.Payload)
		}
	}
	cb.OnTrackSubscribed = func(track *webrtc.TrackRemote, _ *lksdk.RemoteTrackPublication, p *lksdk.RemoteParticipant) {
		if track.Kind() == webrtc.RTPCodecTypeAudio {
			go func() {
				<-ready
				l.hear(t, p.Identity(), track)
			}()
		}
	}
	room := lksdk.NewRoom(cb)
	err = room.JoinWithContext(ctx, s.URL, lksdk.ConnectInfo{APIKey: s.APIKey, APISecret: s.APISecret, RoomName: t.Name(), ParticipantIdentity: identity},
		lksdk.WithLogger(protologger.GetDiscardLogger()))
	if err != nil {
		t.Fatal(err)
	}
	send := func(to []string, packet []byte) error {
		return room.LocalParticipant.PublishDataPacket(lksdk.UserData(packet), lksdk.WithDataPublishTopic(member.Topic),
			lksdk.WithDataPublishReliable(true), lksdk.WithDataPublishDestination(to))
	}
	sid := room.SID()
	l.session, err = member.New(member.Config{Room: room.Name(), SID: func() string { return sid }, Identity: identity, Key: id, Judge: l,
		Send: func(_ context.Context, to []string, packet []byte) error { return send(to, packet) },
		Notify: func(e member.Event) {
			if e.Peer != nil {
				l.exchange.Member(*e.Peer, false)
			}
			if e.Trouble != "" {
				go l.note(func() { l.wrong = append(l.wrong, fmt.Sprint(e.Identity, ": ", e.Trouble, " ", e.Detail)) })
			}
		},
		Others: func(from string, message []byte) { l.exchange.Receive(from, message) }})
	if err != nil {
		t.Fatal(err)
	}
	l.exchange, err = roomkeys.New(roomkeys.Config{Room: room.Name(), Identity: identity, Nonce: l.session.Nonce(), Card: l.session.CardHash(), Signer: id.Signer(),
		Listen: role == keys.Recorder, Notify: l.take,
		Send: func(_ context.Context, to string, packet []byte) error {
			if to == "" {
				return send(nil, packet)
			}
			return send([]string{to}, packet)
		}})
	if err != nil {
		t.Fatal(err)
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { l.session.Run(run) })
	running.Go(func() { l.exchange.Run(run) })
	close(ready)
	for _, p := range room.GetRemoteParticipants() {
		l.session.Joined(p.Identity())
	}
	var once sync.Once
	l.leave = func(bye bool) {
		once.Do(func() {
			cancel()
			running.Wait()
			if bye {
				l.exchange.Bye(ctx)
			}
			room.Disconnect()
		})
	}
	t.Cleanup(func() { l.leave(true) })
	return l
}

// take does what an event of its exchange says.
func (l *listener) take(e roomkeys.Event) {
	l.note(func() {
		switch e.Kind {
		case roomkeys.Install:
			if l.ever[e.Identity] == nil {
				l.ever[e.Identity], l.held[e.Identity] = make(map[string]bool), make(map[int]string)
			}
			l.ever[e.Identity][string(e.Key)], l.held[e.Identity][e.Index] = true, string(e.Key)
		case roomkeys.Given:
			delete(l.why, e.Identity)
		case roomkeys.Withheld:
			l.why[e.Identity] = e.Why
		case roomkeys.Refused:
			l.wrong = append(l.wrong, fmt.Sprint(e.Identity, ": ", e.Trouble, " ", e.Detail))
		}
	})
	if err := l.rings.Take(e); err != nil {
		panic(err) // keys have the right length
	}
}

// key returns the key of somebody's last frame.
func (l *listener) key(identity string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[identity][l.sounds[identity].index]
}

// hear decrypts what comes of a microphone: each packet is a frame.
func (l *listener) hear(t *testing.T, identity string, track *webrtc.TrackRemote) {
	d, err := lksdk.NewFrameDecryptor(l.rings.Provider(identity), lksdk.CodecOpus, nil)
	if err != nil {
		t.Error(err)
		return
	}
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		if len(p.Payload) < 16 {
			continue // silence that the server makes up
		}
		index := int(p.Payload[len(p.Payload)-1])
		_, err = d.DecryptFrame(p.Payload)
		if err == nil {
			l.exchange.Opened(identity, index)
		}
		l.note(func() {
			s := l.sounds[identity]
			if s == nil {
				s = &sound{}
				l.sounds[identity] = s
			}
			if s.index = index; err == nil {
				s.opened++
			} else {
				s.closed++
			}
		})
	}
}

// pin makes it trust a browser's card.
func (l *listener) pin(t *testing.T, m *browser.Member) {
	t.Helper()
	c := cardOf(t, m)
	l.note(func() { l.pinned[c.Key] = true })
}

func cardOf(t *testing.T, m *browser.Member) keys.Card {
	t.Helper()
	c, err := keys.ParseCard([]byte(m.State().Membership.Card))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// befriend makes two browsers trust each other.
func befriend(t *testing.T, ctx context.Context, a, b *browser.Member) {
	t.Helper()
	for _, two := range [][2]*browser.Member{{a, b}, {b, a}} {
		other := two[1].State().Membership
		if err := two[0].Pin(ctx, []byte(other.Card), other.Fingerprint); err != nil {
			t.Fatal(err)
		}
	}
}

func given(peer string) func(browser.State) bool {
	return func(s browser.State) bool {
		p := s.Membership.Peers[peer]
		return p.Mine == "given" && p.Theirs == "given"
	}
}

// sameCode is whether a page has the room code of a member in Go.
func sameCode(l *listener, recorder string) func(browser.State) bool {
	return func(s browser.State) bool {
		return s.Membership.RoomCode == roomkeys.RoomCode(l.exchange.Roster(), recorder)
	}
}

func hears(peer string, hz float64) func(browser.State) bool {
	return func(s browser.State) bool {
		r, ok := s.Heard(peer)
		return ok && math.Abs(r.Hz-hz) < 12 && r.Level > -40
	}
}
