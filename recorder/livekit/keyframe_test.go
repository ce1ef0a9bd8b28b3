package livekit

import (
	"testing"
	"time"
)

func TestKeyAsker(t *testing.T) {
	type step struct {
		at   int // milliseconds after the track began
		seq  uint16
		key  bool
		want bool // the recorder wishes for one, no packet comes
		asks bool
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"the server asks first", []step{{at: 0, want: true}, {at: 100, seq: 5, key: true}, {at: 1100, seq: 6}}},
		{"it has asked in vain", []step{{at: 0, want: true}, {at: 100, seq: 5}, {at: 1000, seq: 6, asks: true}, {at: 1200, seq: 7}, {at: 1700, want: true, asks: true}}},
		{"a packet is missing", []step{{at: 2000, seq: 65534}, {at: 2010, seq: 0}, {at: 2500, seq: 1}, {at: 2510, seq: 2, asks: true},
			{at: 3000, seq: 3}, {at: 3110, seq: 4, asks: true}, {at: 3200, seq: 5, key: true}, {at: 4000, seq: 6}}},
		{"it comes late", []step{{at: 2000, seq: 1}, {at: 2010, seq: 3}, {at: 2400, seq: 2}, {at: 2900, seq: 4}}},
		{"a packet of the key frame is missing", []step{{at: 2000, seq: 1}, {at: 2010, seq: 3}, {at: 2020, seq: 4, key: true}, {at: 2030, seq: 6},
			{at: 2520, seq: 7}, {at: 2530, seq: 8, asks: true}}},
		// What is given up after its key frame has come is no reason to ask.
		{"healed", []step{{at: 2000, seq: 1}, {at: 2010, seq: 3}, {at: 2510, seq: 4, asks: true}, {at: 2600, seq: 5, key: true},
			{at: 3010, want: true}, {at: 3200, seq: 6}, {at: 3400, seq: 7}}},
		// A wish just after a key frame is for another one.
		{"again", []step{{at: 2000, seq: 1, key: true}, {at: 2100, want: true}, {at: 2400, seq: 2}, {at: 2500, seq: 3, asks: true}, {at: 3200, seq: 4}}},
		{"thousands are missing", []step{{at: 2000, seq: 1}, {at: 2010, seq: 20000}, {at: 2510, seq: 20001, asks: true}}},
		{"no key frame comes", []step{{at: 2000, seq: 1}, {at: 2010, seq: 3}, {at: 4900, seq: 4, asks: true}, {at: 5010, seq: 5}, {at: 6000, seq: 6},
			{at: 6010, want: true, asks: true}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			k := keyAsker{began: start}
			for _, s := range c.steps {
				now := start.Add(time.Duration(s.at) * time.Millisecond)
				asks := false
				if s.want {
					asks = k.want(now)
				} else {
					asks = k.packet(s.seq, s.key, now)
				}
				if asks != s.asks {
					t.Errorf("at %d ms: asks %v, want %v", s.at, asks, s.asks)
				}
				if len(k.missing) > maxMissing {
					t.Fatalf("%d missing", len(k.missing))
				}
			}
		})
	}
}

func TestVP8Key(t *testing.T) {
	for _, c := range []struct {
		payload []byte
		key     bool
	}{
		{nil, false},
		{[]byte{0x10}, false},
		{[]byte{0x10, 0x10}, true},
		{[]byte{0x10, 0x11}, false},
		{[]byte{0x00, 0x10}, false},            // a later packet
		{[]byte{0x11, 0x10}, false},            // a later partition
		{[]byte{0x90, 0x80, 0x7f, 0x10}, true}, // short picture ID
		{[]byte{0x90, 0x80, 0xff, 0xff, 0x10}, true},
		{[]byte{0x90, 0xf0, 0xff, 0xff, 0x01, 0x21, 0x10}, true},
		{[]byte{0x90, 0xf0, 0xff, 0xff, 0x01, 0x20, 0x11}, false},
		{[]byte{0x90, 0xe0, 0xff, 0xff, 0x01, 0x20, 0x10}, true},
		{[]byte{0x90, 0x80, 0xff}, false}, // cut off
	} {
		if got := vp8Key(c.payload); got != c.key {
			t.Errorf("%x: %v", c.payload, got)
		}
	}
}
