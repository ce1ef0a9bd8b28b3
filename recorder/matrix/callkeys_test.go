package matrix

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"
)

var someKey = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 16))

// The messages of matrix-js-sdk 43, of older clients and of the newest text; what
// lacks something is none.
func TestReadKey(t *testing.T) {
	const whole = `{"keys":{"index":3,"key":"KEY"},"member":{"id":"M","claimed_device_id":"DEV"},"room_id":"!r","session":{"application":"m.call","call_id":"","scope":"m.room"},"sent_ts":1800000000000}`
	const newest = `{"room_id":"!r","member_id":"M","media_key":{"index":3,"key":"KEY"},"format":0}`
	for _, test := range []struct {
		name, kind, content string
		ok                  bool
	}{
		{"matrix-js-sdk 43", callKeysType, whole, true},
		{"unpadded", callKeysType, strings.Replace(whole, "KEY", strings.TrimRight(someKey, "="), 1), true},
		{"no ID", callKeysType, strings.Replace(whole, `"id":"M",`, ``, 1), true},
		{"no time", callKeysType, strings.Replace(whole, `,"sent_ts":1800000000000`, ``, 1), true},
		{"a fraction of a millisecond", callKeysType, strings.Replace(whole, `1800000000000`, `1800000000000.5`, 1), true},
		{"MSC4143", rtcKeyType, newest, true},
		{"no device", callKeysType, strings.Replace(whole, `,"claimed_device_id":"DEV"`, ``, 1), false},
		{"no index", callKeysType, strings.Replace(whole, `"index":3,`, ``, 1), false},
		{"index -1", callKeysType, strings.Replace(whole, `:3,`, `:-1,`, 1), false},
		{"index 256", callKeysType, strings.Replace(whole, `:3,`, `:256,`, 1), false},
		{"index 0.5", callKeysType, strings.Replace(whole, `:3,`, `:0.5,`, 1), false},
		{"no room", callKeysType, strings.Replace(whole, `"room_id":"!r",`, ``, 1), false},
		{"15 bytes", callKeysType, strings.Replace(whole, "KEY", base64.StdEncoding.EncodeToString(make([]byte, 15)), 1), false},
		{"65 bytes", callKeysType, strings.Replace(whole, "KEY", base64.StdEncoding.EncodeToString(make([]byte, 65)), 1), false},
		{"no base64", callKeysType, strings.Replace(whole, "KEY", "????????????????????????", 1), false},
		{"a list of keys", callKeysType, strings.Replace(strings.Replace(whole, `{"index"`, `[{"index"`, 1), `"},"member"`, `"}],"member"`, 1), false},
		{"another format", rtcKeyType, strings.Replace(newest, `"format":0`, `"format":1`, 1), false},
		{"another type", "m.dummy", whole, false},
		{"nothing", callKeysType, ``, false},
	} {
		k, err := readKey(test.kind, json.RawMessage(strings.Replace(test.content, "KEY", someKey, 1)))
		if (err == nil) != test.ok {
			t.Errorf("%s: %+v, %v", test.name, k, err)
		}
		if err == nil && (k.index != 3 || len(k.key) != 16 || k.room != "!r") {
			t.Errorf("%s: %+v", test.name, k)
		}
	}
}

func held(index int, key byte, sent int64, received time.Time) *heldKey {
	return &heldKey{mediaKey: mediaKey{member: "M", index: index, key: bytes.Repeat([]byte{key}, 16), sent: sent}, identity: "I", signing: "S", received: received}
}

// The newest key of each index is kept, for a while.
func TestHeldKeys(t *testing.T) {
	now := time.Now()
	h := newHeldKeys()
	who := holder{"@ada:meet.test", "I", "S"}
	keys := func() string {
		var out []string
		for _, k := range h.byHolder[who] {
			out = append(out, fmt.Sprintf("%d=%d", k.index, k.key[0]))
		}
		return strings.Join(out, " ")
	}
	put := func(k *heldKey, want bool) {
		t.Helper()
		if got := h.put(who.user, true, k); got != want {
			t.Errorf("putting key %d under %d is news: %v; there are %s", k.key[0], k.index, got, keys())
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
	flood("@eve:meet.test", true, 2*maxOfUser)
	if len(h.byHolder) != maxOfUser {
		t.Errorf("one user has %d devices that sent keys", len(h.byHolder))
	}
	flood("", false, 2*maxHolders)
	if len(h.byHolder) != maxStrangers {
		t.Errorf("with strangers %d devices sent keys", len(h.byHolder))
	}
	put(held(0, 1, 1, now), true)
}

// FuzzCallKey: whatever a message says, a key is one, under an index.
func FuzzCallKey(f *testing.F) {
	f.Add(true, `{"keys":{"index":0,"key":"`+someKey+`"},"member":{"claimed_device_id":"D"},"room_id":"!r"}`)
	f.Fuzz(func(t *testing.T, old bool, content string) {
		kind := rtcKeyType
		if old {
			kind = callKeysType
		}
		k, err := readKey(kind, json.RawMessage(content))
		if err == nil && (k.index < 0 || k.index > 255 || len(k.key) < minKey || len(k.key) > maxKey || k.room == "" || len(k.member) > maxName || len(k.claimed) > maxName) {
			t.Errorf("read %+v", k)
		}
	})
}
