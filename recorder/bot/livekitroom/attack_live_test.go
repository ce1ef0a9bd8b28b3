package livekitroom_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/archive/storetest"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/keys/roomkeys"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/bot/livekitroom"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// A spy keeps all that a recorder gets: every frame, and every key.
type spy struct {
	keys *livekitroom.Keys

	mu     sync.Mutex
	frames map[string][]spiedFrame // by sender
	held   map[string][][]byte     // AES keys, by sender
	watch  sync.WaitGroup
	end    chan struct{}
}

type spiedFrame struct {
	at   time.Time
	data []byte
}

type spiedRoom struct {
	bot.Room
	spy *spy
}

func (r spiedRoom) Accept(ctx context.Context) (recorder.RoomEvent, error) {
	e, err := r.Room.Accept(ctx)
	if err == nil && e.Type == media.EventTrack {
		r.spy.follow(e.Track.Info().Participant)
		e.Track = spiedTrack{e.Track, r.spy}
	}
	return e, err
}

type spiedTrack struct {
	recorder.Track
	spy *spy
}

func (t spiedTrack) Read() (recorder.Packet, error) {
	p, err := t.Track.Read()
	if err == nil && len(p.RTP.Payload) > 0 {
		t.spy.mu.Lock()
		defer t.spy.mu.Unlock()
		who := t.Info().Participant
		t.spy.frames[who] = append(t.spy.frames[who], spiedFrame{p.Arrival, slices.Clone(p.RTP.Payload)})
	}
	return p, err
}

// follow keeps each key that is ever in the ring of a sender.
func (s *spy) follow(identity string) {
	ring := s.keys.Keyring(identity)
	s.watch.Go(func() {
		for {
			changed := ring.Changed()
			for index := range roomkeys.Indexes {
				if key := ring.Key(index); key != nil {
					s.mu.Lock()
					s.held[identity] = append(s.held[identity], key)
					s.mu.Unlock()
				}
			}
			select {
			case <-changed:
			case <-s.end:
				return
			}
		}
	})
}

// opens reports whether a key opens a frame of Opus.
func opens(key, data []byte) bool {
	const iv, trailer = 12, 14
	if len(data) < 1+16+trailer {
		return false
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return false
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return false
	}
	n := len(data) - trailer
	_, err = gcm.Open(nil, data[n:n+iv], data[1:n], data[:1])
	return err == nil
}

// openedBy reports whether any of the keys opens a frame of Opus.
func openedBy(keys [][]byte, data []byte) bool {
	return slices.ContainsFunc(keys, func(key []byte) bool { return opens(key, data) })
}

// count returns how many frames of a sender came.
func (s *spy) count(sender string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.frames[sender])
}

// all returns each key that was in any ring.
func (s *spy) all() (keys [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, held := range s.held {
		keys = append(keys, held...)
	}
	return keys
}

// turned reports whether the last frames of a sender, of those after the first n, are such
// as the keys open, or none of them, and when the last one came.
func (s *spy) turned(sender string, n int, keys [][]byte, open bool) (at time.Time, ok bool) {
	const some = 5
	s.mu.Lock()
	frames := s.frames[sender]
	s.mu.Unlock()
	if len(frames) < n+some {
		return at, false
	}
	for _, f := range frames[len(frames)-some:] {
		if openedBy(keys, f.data) != open {
			return at, false
		}
	}
	return frames[len(frames)-1].at, true
}

// opened counts the frames of a sender that came in a span, and those of them that any of
// the keys opens.
func (s *spy) opened(sender string, from, to time.Time, keys [][]byte) (opened, all int) {
	for _, f := range s.frames[sender] {
		if f.at.Before(from) || !f.at.Before(to) {
			continue
		}
		all++
		if openedBy(keys, f.data) {
			opened++
		}
	}
	return opened, all
}

// TestRecorderOpensOnlyWhatItWasGiven: all that a recorder ever received opens no frame of
// a member who said no, nor of any from before they agreed or after they took it back. The
// keys of a member who left open nothing any more. Nobody sends under a guest's passphrase.
// How soon keys change is held by the simulated rooms of keys/roomkeys.
func TestRecorderOpensOnlyWhatItWasGiven(t *testing.T) {
	t.Parallel()
	sample.Live(t)
	ctx := sample.Context(t)
	lk, err := servers.StartLiveKit(ctx, servers.LiveKitConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lk.Stop(); err != nil {
			t.Error(err)
		}
	})
	homes := make(map[string]*keys.Home)
	ids := make(map[string]*keys.Identity)
	for _, name := range []string{"recorder", "ada", "ben", "eve", "cy"} {
		home, err := keys.OpenHome(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		d := keys.Description{Name: name}
		if name == "recorder" {
			d.Role = keys.Recorder
		}
		if ids[name], err = home.InitAs(d, nil); err != nil {
			t.Fatal(err)
		}
		homes[name] = home
	}
	for name, home := range homes {
		for other, id := range ids {
			card, err := id.Card()
			if err != nil {
				t.Fatal(err)
			}
			if other != name {
				if err := home.Add(card); err != nil {
					t.Fatal(err)
				}
			}
		}
	}

	s := &spy{keys: livekitroom.MemberKeys(), frames: make(map[string][]spiedFrame), held: make(map[string][][]byte), end: make(chan struct{})}
	meeting := livekitroom.Meeting(livekit.Config{URL: lk.URL, APIKey: lk.APIKey, APISecret: lk.APISecret, Room: "weekly", Identity: "recorder"}, s.keys)
	enter := meeting.Join
	meeting.Join = func(ctx context.Context, p bot.Presence) (bot.Room, error) {
		room, err := enter(ctx, p)
		if err != nil {
			return nil, err
		}
		return spiedRoom{room, s}, nil
	}
	card, err := ids["recorder"].Card()
	if err != nil {
		t.Fatal(err)
	}
	recording, stop := context.WithCancel(ctx)
	defer stop()
	var result bot.Result
	done := make(chan error, 1)
	go func() {
		var err error
		result, err = bot.Record(recording, bot.Config{Meeting: meeting, Home: homes["recorder"], Identity: ids["recorder"],
			Stores: []bot.Store{{Store: new(storetest.Mem), Name: "memory"}}, Readers: bot.CardReaders(card)})
		done <- err
	}()

	join := func(c members.Config) *members.Member {
		t.Helper()
		c.URL, c.APIKey, c.APISecret, c.Room, c.Audio = lk.URL, lk.APIKey, lk.APISecret, "weekly", fixtures.Speech(0)
		if c.Passphrase == "" {
			c.Key, c.Judge, c.RoomKeys = ids[c.Identity], homes[c.Identity], true
		}
		m, err := members.Join(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := m.Leave(); err != nil {
				t.Error(err)
			}
		})
		return m
	}
	people := make(map[string]*members.Member)
	for _, name := range []string{"ada", "ben", "eve", "cy"} {
		people[name] = join(members.Config{Identity: name})
	}
	const guestPassphrase = "a passphrase that a guest brought"
	join(members.Config{Identity: "gus", Passphrase: guestPassphrase})
	until := func(what string, m *members.Member, cond func() bool) {
		t.Helper()
		if err := m.Wait(ctx, cond); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	for name, m := range people {
		until(name+" sees the recorder", m, func() bool {
			p := m.Session().Peer("recorder")
			return p.Standing == member.Verified && p.State.Phase == "recording"
		})
	}
	say := func(who string, yes bool) (at time.Time) {
		t.Helper()
		at = time.Now()
		if err := people[who].Answer(ctx, "recorder", yes); err != nil {
			t.Fatalf("%s: %v", who, err)
		}
		return at
	}
	poll := func(what string, cond func() bool) {
		t.Helper()
		for !cond() {
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
				t.Fatalf("waited in vain: %s", what)
			}
		}
	}
	more := func(who string) { // a second of what they say
		t.Helper()
		n := s.count(who) + 50
		poll("more of "+who, func() bool { return s.count(who) >= n })
	}
	turns := func(who string, keys func() [][]byte, open bool) (at time.Time) {
		t.Helper()
		n := s.count(who)
		poll(fmt.Sprintf("what %s says opens: %t", who, open), func() (ok bool) {
			at, ok = s.turned(who, n, keys(), open)
			return ok
		})
		return at
	}
	more("ada") // of what nobody may open
	more("eve")
	agreed := map[string]time.Time{"ada": say("ada", true), "eve": say("eve", true), "cy": say("cy", true)}
	say("ben", false)
	opened := map[string]time.Time{"ada": turns("ada", s.all, true), "eve": turns("eve", s.all, true)}
	turns("cy", s.all, true)
	more("eve")
	withdrew := say("eve", false)
	shut := turns("eve", s.all, false)
	if shut.Sub(withdrew) > 2*time.Minute { // the simulated rooms of roomkeys hold seconds
		t.Errorf("what Eve took back was shut after %v", shut.Sub(withdrew))
	}
	more("eve")
	again := say("eve", true)
	reopens := turns("eve", s.all, true)
	more("eve")
	left := time.Now()
	known := people["cy"].Held()
	if err := people["cy"].Leave(); err != nil {
		t.Error(err)
	}
	cys := aesKeys(t, known, "ada")
	changed := turns("ada", func() [][]byte { return cys }, false)
	if changed.Sub(left) > 2*time.Minute {
		t.Errorf("keys were changed %v after who had them left", changed.Sub(left))
	}
	more("ada")
	more("ben")
	more("gus")
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	end := time.Now()
	close(s.end)
	s.watch.Wait()

	all := s.all()
	for _, of := range []struct {
		who      string
		from, to time.Time
		keys     [][]byte
		opens    bool
		what     string
	}{
		{"ada", time.Time{}, agreed["ada"], all, false, "from before she agreed"},
		{"ada", opened["ada"], end, all, true, "from after that"},
		{"ben", time.Time{}, end, all, false, "of who said no"},
		{"eve", time.Time{}, agreed["eve"], all, false, "from before she agreed"},
		{"eve", opened["eve"], withdrew, all, true, "while she agreed"},
		{"eve", shut, again, all, false, "while she did not"},
		{"eve", reopens, end, all, true, "when she did again"},
		{"gus", time.Time{}, end, all, false, "of a guest without keys"},
		{"ada", agreed["ada"], left, cys, true, "by who was there"},
		{"ada", changed, end, cys, false, "by who has left"},
		{"ada", time.Time{}, end, [][]byte{passphraseKey(t, guestPassphrase)}, false, "by a guest's passphrase"},
		{"gus", time.Time{}, end, [][]byte{passphraseKey(t, guestPassphrase)}, true, "by his own"},
	} {
		opened, all := s.opened(of.who, of.from, of.to, of.keys)
		if all < 25 || of.opens && opened < all*9/10 || !of.opens && opened > 0 {
			t.Errorf("of %d frames of %s %s, %d open, want any: %t", all, of.who, of.what, opened, of.opens)
		}
	}
	for reason, d := range result.Holes {
		busy := reason == media.HoleLoss || reason == media.HoleStart // as a machine is that has much to do
		if !media.Wanted(reason) && !busy && d >= media.WideHole {
			t.Errorf("%v are missing: %s", d, reason)
		}
	}
	if result.Holes[media.HoleConsent] == 0 || result.Frames == 0 {
		t.Errorf("%+v", result.Report)
	}
	for name, m := range people {
		for _, e := range m.KeyEvents() {
			if e.Kind == roomkeys.Refused {
				t.Errorf("%s: %s of %s: %s", name, e.Trouble, e.Identity, e.Detail)
			}
		}
	}
}

// aesKeys returns the keys of a sender as frames are encrypted under them.
func aesKeys(t *testing.T, held []members.HeldKey, identity string) (all [][]byte) {
	t.Helper()
	for _, h := range held {
		if h.Identity != identity {
			continue
		}
		ring := frame.NewKeyring(roomkeys.Indexes, frame.KeyOptions{})
		if err := ring.SetRaw(h.Index, h.Key, frame.HKDF); err != nil {
			t.Fatal(err)
		}
		all = append(all, ring.Key(h.Index))
	}
	return all
}

func passphraseKey(t *testing.T, passphrase string) []byte {
	t.Helper()
	ring := frame.NewKeyring(0, frame.KeyOptions{})
	if err := ring.SetPassphrase(0, []byte(passphrase)); err != nil {
		t.Fatal(err)
	}
	return ring.Key(0)
}
