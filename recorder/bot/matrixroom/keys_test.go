package matrixroom

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/media"
)

// Keys go into the ring of the device that they came from. The one before goes when its time
// is over, and all of a device that is not to be trusted at once.
func TestKeys(t *testing.T) {
	on(t, nil, func(s *stage) {
		s.announce()
		ring := s.rings.Keyring(ada)
		key := func(index int) func(*matrix.CallEvent) {
			return func(e *matrix.CallEvent) { e.Index, e.Key = index, []byte("0123456789abcdef") }
		}
		s.call.tell(matrix.Keyed, caller("ada", "A", one), key(0))
		s.call.tell(matrix.Keyed, caller("ada", "A", one), key(1))
		if !ring.Has(0) || !ring.Has(1) {
			t.Error("a key is missing")
		}
		if atLiveKit := s.sfu("wss://one.hs/jwt").config.Keys; atLiveKit.Keyring("hash of "+ada) != ring || atLiveKit.Keyring("own hash") != s.rings.Keyring("@bot:hs:BOT") || atLiveKit.Keyring("mallory") == ring {
			t.Error("LiveKit's identities have other rings")
		}
		if own, ok := s.rings.Keyring("@bot:hs:BOT").Newest(); !ok || own != 0 {
			t.Error("the recorder has no key of its own")
		}
		// Somebody left, who had it.
		s.call.tell(matrix.OwnKey, matrix.Caller{}, key(1))
		if own, ok := s.rings.Keyring("@bot:hs:BOT").Newest(); !ok || own != 1 || !s.rings.Keyring("@bot:hs:BOT").Has(0) {
			t.Errorf("the recorder's newest key is %d", own)
		}
		time.Sleep(keyGrace + 2*time.Second)
		if ring.Has(0) || !ring.Has(1) {
			t.Error("the key before is still there, or the present one is not")
		}
		if own := s.rings.Keyring("@bot:hs:BOT"); own.Has(0) || !own.Has(1) {
			t.Error("the recorder's key before is still there, or the present one is not")
		}
		// Back to an index: what is in use stays.
		s.call.tell(matrix.Keyed, caller("ada", "A", one), key(0))
		s.call.tell(matrix.Keyed, caller("ada", "A", one), key(1))
		s.call.tell(matrix.Keyed, caller("ada", "A", one), key(0))
		time.Sleep(keyGrace + 2*time.Second)
		if !ring.Has(0) || ring.Has(1) {
			t.Error("the key in use is gone, or the one before is not")
		}
		untrusted := caller("ada", "A", one)
		untrusted.Standing = matrix.Unsigned
		s.call.tell(matrix.Stood, untrusted, func(e *matrix.CallEvent) { e.Reason = "the master key changed" })
		s.call.tell(matrix.Keyed, untrusted, key(2))
		if _, ok := ring.Newest(); ok || ring.Has(0) || ring.Has(2) {
			t.Error("keys of a device that is not to be trusted are used")
		}
		s.call.tell(matrix.Stood, caller("ada", "A", one), func(e *matrix.CallEvent) { e.Reason = "it is hers again" })
		if !ring.Has(0) || ring.Has(1) || ring.Has(2) {
			t.Error("not the keys are back that came while the device was to be trusted")
		}
		s.call.tell(matrix.Stood, untrusted, func(e *matrix.CallEvent) { e.Reason = "the master key changed" })
		if e := s.next(is(recorder.EventStanding, ada)); e.At.IsZero() {
			t.Errorf("%+v", e)
		}
		if said := s.says(); !strings.Contains(said[len(said)-1], "ada (@ada:hs) is not recorded") || !strings.Contains(said[len(said)-1], "master key changed") {
			t.Errorf("said %q", said)
		}
	})
}

// opens reports whether a ring opens what is sealed under a key.
func opens(t *testing.T, ring *frame.Keyring, index int, key string) bool {
	t.Helper()
	sender := frame.NewKeyring(256, frame.KeyOptions{})
	if err := sender.SetRaw(index, []byte(key), frame.HKDF); err != nil {
		t.Fatal(err)
	}
	sealed, err := frame.NewEncrypter(media.Opus, sender, index, 1).Encrypt(nil, []byte("frame"), 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = frame.NewDecrypter(media.Opus, ring).Decrypt(nil, sealed)
	return err == nil
}

// Somebody who comes back begins with another key at the same index: what was sealed before is
// on its way for a while.
func TestComesBackAtTheSameIndex(t *testing.T) {
	on(t, nil, func(s *stage) {
		s.announce()
		for _, key := range []string{"the first key 16", "another key 1616"} {
			s.call.tell(matrix.Keyed, caller("ada", "A", one), func(e *matrix.CallEvent) { e.Key = []byte(key) })
		}
		ring := s.rings.Keyring(ada)
		if !opens(t, ring, 0, "another key 1616") || !opens(t, ring, 0, "the first key 16") {
			t.Error("one of the keys does not open")
		}
	})
}

// That somebody is in the call, the homeserver says: nobody reads before their device has
// shown that it is there.
func TestReadsOnceKeyed(t *testing.T) {
	on(t, func(c *Config) { c.Members = map[string][]keys.Card{"@ada:hs": {{Name: "Ada"}}} }, func(s *stage) {
		s.announce()
		verified := caller("ada", "A", one)
		verified.Standing = matrix.Verified
		s.call.tell(matrix.Stood, verified)
		if k := s.known(ada); k.Standing != recorder.StandingClaimed || len(k.Cards) != 0 {
			t.Errorf("without a key Ada is %+v", k)
		}
		s.next(is(recorder.EventStanding, ada))
		s.call.tell(matrix.Keyed, verified, func(e *matrix.CallEvent) { e.Key = []byte("0123456789abcdef") })
		if k := s.known(ada); k.Standing != media.VerifiedByMatrix || len(k.Cards) != 1 {
			t.Errorf("with one she is %+v", k)
		}
		s.next(is(recorder.EventStanding, ada))
		// What a server calls the recorder does not make it hear a member under its own key.
		s.mu.Lock()
		s.own["hash of "+ada] = true
		s.mu.Unlock()
		if s.sfu("wss://one.hs/jwt").config.Keys.Keyring("hash of "+ada) != s.rings.Keyring(ada) {
			t.Error("a member's identity has the recorder's ring")
		}
	})
}

// Who comes and goes without end, each time as another device, takes no ring from who comes then,
// and is told of a few times only.
func TestDevicesWithoutEnd(t *testing.T) {
	on(t, nil, func(s *stage) {
		key := func(e *matrix.CallEvent) { e.Key = []byte("0123456789abcdef") }
		for i := range 5000 {
			eve := caller("eve", fmt.Sprint(i))
			unsigned := eve
			unsigned.Standing = matrix.Unsigned
			s.call.tell(matrix.Came, unsigned, func(e *matrix.CallEvent) { e.Reason = "it is nobody's" })
			if i%2 == 0 {
				s.call.tell(matrix.Stood, eve)
				s.call.tell(matrix.Keyed, eve, key)
			}
			s.call.tell(matrix.Left, eve)
		}
		s.call.tell(matrix.Came, caller("ben", "B", one))
		s.call.tell(matrix.Keyed, caller("ben", "B", one), key)
		if !s.rings.Keyring(ben).Has(0) {
			t.Error("who is honest has no ring")
		}
		if n := len(s.says()); n > 2*maxSaidOf {
			t.Errorf("%d times somebody was told", n)
		}
		for i := 1; i < 5000; i += 2 {
			if s.rings.Lookup(fmt.Sprintf("@eve:hs:%d", i)) != nil {
				t.Error("who never sent a key has a ring")
				break
			}
		}
		time.Sleep(keyGrace + 2*time.Second)
		for i := range 5000 {
			if s.rings.Lookup(fmt.Sprintf("@eve:hs:%d", i)) != nil {
				t.Error("who left keeps a ring")
				break
			}
		}
	})
}

// A key of the last visit opens for a while in the next one, and no longer; unless it comes again.
func TestKeyOfTheLastVisit(t *testing.T) {
	on(t, nil, func(s *stage) {
		s.announce()
		key := func(index int) func(*matrix.CallEvent) {
			return func(e *matrix.CallEvent) { e.Index, e.Key = index, []byte("0123456789abcdef") }
		}
		back := func() {
			s.call.tell(matrix.Left, caller("ada", "A", one))
			s.call.tell(matrix.Came, caller("ada", "A", one))
		}
		s.call.tell(matrix.Came, caller("ben", "B", one))
		ring := s.rings.Keyring(ada)
		s.call.tell(matrix.Keyed, caller("ada", "A", one), key(5))
		back()
		s.call.tell(matrix.Keyed, caller("ada", "A", one), key(6))
		if !ring.Has(5) || !ring.Has(6) {
			t.Error("a key is missing")
		}
		time.Sleep(keyGrace + 2*time.Second)
		if ring.Has(5) || !ring.Has(6) {
			t.Error("the key of the last visit is still there, or the present one is not")
		}
		for range 3 { // without end, so that nothing would ever go
			back()
			s.call.tell(matrix.Keyed, caller("ada", "A", one), key(7))
			time.Sleep(keyGrace / 2)
		}
		if ring.Has(6) || !ring.Has(7) {
			t.Error("who comes and goes keeps the key of a visit before")
		}
		s.call.tell(matrix.Keyed, caller("ada", "A", one), key(6))
		back()
		s.call.tell(matrix.Keyed, caller("ada", "A", one), key(6))
		time.Sleep(keyGrace + 2*time.Second)
		if !ring.Has(6) {
			t.Error("a key that came again is gone")
		}
		s.call.tell(matrix.Left, caller("ada", "A", one))
		time.Sleep(keyGrace + 2*time.Second)
		if ring.Has(6) || s.rings.Lookup(ada) != nil {
			t.Error("who left keeps a ring")
		}
	})
}
