package frame

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

func TestOpenData(t *testing.T) {
	now := epoch
	o := KeyOptions{Size: 32, RatchetWindow: 8, Grace: time.Second, Now: func() time.Time { return now }}
	sender, k := ring(t, "one", o), ring(t, "one", o)
	iv := make([]byte, ivSize)
	seal := func(index int) []byte {
		iv[0]++
		return sender.load(index).current.aead.Seal(nil, iv, []byte("hello"), nil)
	}
	check := func(name string, index uint32, sealed []byte, want error) {
		t.Helper()
		got, err := k.OpenData(index, iv, sealed)
		if !errors.Is(err, want) || err == nil && !bytes.Equal(got, []byte("hello")) {
			t.Errorf("%s: %q, %v, want %v", name, got, err, want)
		}
	}
	check("shared key", 0, seal(0), nil)
	check("empty", 0, nil, ErrShort)
	check("no key", 1, seal(0), ErrNoKey)
	check("beyond all rings", 1<<32-1, seal(0), ErrNoKey)
	if _, err := k.OpenData(0, iv[:11], seal(0)); !errors.Is(err, ErrShort) {
		t.Errorf("short IV: %v", err)
	}
	forged := seal(0)
	forged[3] ^= 1
	check("forged", 0, forged, ErrAuth)
	old := seal(0)
	set(t, k, 0, "two")
	check("replaced a moment ago", 0, old, nil)
	now = now.Add(time.Second)
	check("replaced long ago", 0, old, ErrAuth)
	set(t, sender, 0, "two")
	for range 3 {
		if err := sender.Ratchet(0); err != nil {
			t.Fatal(err)
		}
	}
	check("ratcheted", 0, seal(0), nil)
	ids := k.ids
	for range 10_000 {
		k.OpenData(0, iv, forged)
	}
	if k.ids > ids+8 {
		t.Errorf("a flood made %d keys", k.ids-ids)
	}
	k.Remove(0)
	now = now.Add(time.Second)
	check("removed", 0, seal(0), ErrNoKey)
}
