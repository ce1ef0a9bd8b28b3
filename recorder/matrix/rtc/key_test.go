package rtc

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
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
		{"matrix-js-sdk 43", KeysType, whole, true},
		{"unpadded", KeysType, strings.Replace(whole, "KEY", strings.TrimRight(someKey, "="), 1), true},
		{"no ID", KeysType, strings.Replace(whole, `"id":"M",`, ``, 1), true},
		{"no time", KeysType, strings.Replace(whole, `,"sent_ts":1800000000000`, ``, 1), true},
		{"a fraction of a millisecond", KeysType, strings.Replace(whole, `1800000000000`, `1800000000000.5`, 1), true},
		{"MSC4143", rtcKeyType, newest, true},
		{"no device", KeysType, strings.Replace(whole, `,"claimed_device_id":"DEV"`, ``, 1), false},
		{"no index", KeysType, strings.Replace(whole, `"index":3,`, ``, 1), false},
		{"index -1", KeysType, strings.Replace(whole, `:3,`, `:-1,`, 1), false},
		{"index 256", KeysType, strings.Replace(whole, `:3,`, `:256,`, 1), false},
		{"index 0.5", KeysType, strings.Replace(whole, `:3,`, `:0.5,`, 1), false},
		{"no room", KeysType, strings.Replace(whole, `"room_id":"!r",`, ``, 1), false},
		{"15 bytes", KeysType, strings.Replace(whole, "KEY", base64.StdEncoding.EncodeToString(make([]byte, 15)), 1), false},
		{"65 bytes", KeysType, strings.Replace(whole, "KEY", base64.StdEncoding.EncodeToString(make([]byte, 65)), 1), false},
		{"no base64", KeysType, strings.Replace(whole, "KEY", "????????????????????????", 1), false},
		{"a list of keys", KeysType, strings.Replace(strings.Replace(whole, `{"index"`, `[{"index"`, 1), `"},"member"`, `"}],"member"`, 1), false},
		{"another format", rtcKeyType, strings.Replace(newest, `"format":0`, `"format":1`, 1), false},
		{"another type", "m.dummy", whole, false},
		{"nothing", KeysType, ``, false},
	} {
		k, err := ReadKey(test.kind, json.RawMessage(strings.Replace(test.content, "KEY", someKey, 1)))
		if (err == nil) != test.ok {
			t.Errorf("%s: %+v, %v", test.name, k, err)
		}
		if err == nil && (k.Index != 3 || len(k.Key) != 16 || k.Room != "!r") {
			t.Errorf("%s: %+v", test.name, k)
		}
	}
}

// FuzzKey: whatever a message says, a key is one, under an index.
func FuzzKey(f *testing.F) {
	f.Add(true, `{"keys":{"index":0,"key":"`+someKey+`"},"member":{"claimed_device_id":"D"},"room_id":"!r"}`)
	f.Fuzz(func(t *testing.T, old bool, content string) {
		kind := rtcKeyType
		if old {
			kind = KeysType
		}
		k, err := ReadKey(kind, json.RawMessage(content))
		if err == nil && (k.Index < 0 || k.Index > 255 || len(k.Key) < minKey || len(k.Key) > maxKey || k.Room == "" || len(k.Member) > maxName || len(k.Claimed) > maxName) {
			t.Errorf("read %+v", k)
		}
	})
}
