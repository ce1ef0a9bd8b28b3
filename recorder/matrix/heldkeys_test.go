package matrix

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

func held(index int, key byte, sent int64, received time.Time) *heldKey {
	return &heldKey{MediaKey: rtc.MediaKey{Member: "M", Index: index, Key: bytes.Repeat([]byte{key}, 16), Sent: sent}, identity: "I", signing: "S", received: received}
}

// The newest key of each index is kept, for a while.
func TestHeldKeys(t *testing.T) {
	now := time.Now()
	h := newHeldKeys()
	who := holder{"@ada:meet.test", "I", "S"}
	keys := func() string {
		var out []string
		for _, k := range h.byHolder[who] {
			out = append(out, fmt.Sprintf("%d=%d", k.Index, k.Key[0]))
		}
		return strings.Join(out, " ")
	}
	put := func(k *heldKey, want bool) {
		t.Helper()
		if got := h.put(who.user, true, k); got != want {
			t.Errorf("putting key %d under %d is news: %v; there are %s", k.Key[0], k.Index, got, keys())
		}
	}
	put(held(0, 1, 100, now.Add(-time.Hour)), true)
	put(held(0, 1, 101, now), false) // the same
	put(held(0, 2, 99, now), false)  // delayed by somebody until after its successor
	put(held(0, 3, 102, now.Add(-time.Minute)), true)
	put(held(1, 4, 103, now), true)
	put(held(0, 5, 0, now), true) // says no time
	if got := keys(); got != "1=4 0=5" {
		t.Errorf("kept are %s", got)
	}
	for i := range 3 * maxHeld {
		put(held(i%256, 9, int64(200+i), now.Add(-time.Minute)), true)
	}
	if len(h.byHolder[who]) != maxHeld {
		t.Errorf("%d keys of a device are kept", len(h.byHolder[who]))
	}
	put(held(200, 6, 1000, now), true)
	h.left(who, now)
	if got := keys(); got != "200=6" {
		t.Errorf("after a leave there are %s", got)
	}
	h.expire(now.Add(holdFor+time.Second), func(holder) bool { return true })
	if got := keys(); got != "200=6" {
		t.Errorf("of a member there are %s", got)
	}
	h.expire(now.Add(holdFor+time.Second), func(holder) bool { return false })
	if len(h.byHolder) != 0 {
		t.Error("a key for nobody is kept for ever")
	}
	// Nobody can fill the list, and those who are not in the room not even half of it.
	flood := func(user id.UserID, joined bool, n int) {
		for i := range n {
			k := held(0, 1, 1, now)
			k.identity = id.Curve25519(fmt.Sprint(i))
			if !joined {
				user = id.UserID(fmt.Sprint(i))
			}
			h.put(user, joined, k)
		}
	}
	flood("@eve:meet.test", true, 2*maxHoldersOf)
	if len(h.byHolder) != maxHoldersOf {
		t.Errorf("one user has %d devices that sent keys", len(h.byHolder))
	}
	flood("", false, 2*maxHolders)
	if len(h.byHolder) != maxStrangers {
		t.Errorf("with strangers %d devices sent keys", len(h.byHolder))
	}
	put(held(0, 1, 1, now), true)
}

// A device that is hidden and shown again, or joins by another membership, gets back the key that
// it uses, and not those of long ago: who left may have them.
func TestRegive(t *testing.T) {
	begun := time.Now()
	h, who := newHeldKeys(), holder{"@ada:meet.test", "I", "S"}
	for i := range 6 {
		k := held(i, byte(i), int64(100+i), begun.Add(time.Duration(i)*time.Minute))
		k.given = true
		h.put(who.user, true, k)
	}
	also := held(5, 5, 105, begun.Add(5*time.Minute)) // the same, of another membership
	also.Member = "N"
	h.put(who.user, true, also)
	regiven := func(after time.Duration) string {
		h.regive(who, begun.Add(after))
		var out []string
		for _, k := range h.byHolder[who] {
			if k.given {
				t.Errorf("key %d does not wait", k.Index)
			}
			out = append(out, fmt.Sprint(k.Index))
		}
		return strings.Join(out, " ")
	}
	if got := regiven(5*time.Minute + 10*time.Second); got != "4 5 5" {
		t.Errorf("just after a change, keys %s are handed on", got)
	}
	if got := regiven(time.Hour); got != "5 5" {
		t.Errorf("later, keys %s are handed on", got)
	}
}
