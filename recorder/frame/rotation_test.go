package frame

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// Keys may be replaced at one index faster than frames arrive.
func TestKeyringRotatesFasterThanFrames(t *testing.T) {
	now := epoch
	sender := ring(t, "key 0", KeyOptions{})
	k := ring(t, "key 0", KeyOptions{Grace: 5 * time.Second, Now: func() time.Time { return now }})
	e, d := NewEncrypter(media.Opus, sender, 0, 1), NewDecrypter(media.Opus, k)
	var frames [][]byte
	for i := range 7 {
		key := fmt.Sprintf("key %d", i)
		set(t, sender, 0, key)
		set(t, k, 0, key)
		now = now.Add(time.Second)
		frames = append(frames, seal(t, e, key, uint32(i)))
	}
	// Six keys were replaced, the last four within the grace.
	for i, frame := range frames {
		got, err := d.Decrypt(nil, frame)
		if i < 2 {
			if !errors.Is(err, ErrAuth) {
				t.Errorf("key %d: %q, %v", i, got, err)
			}
		} else if err != nil || string(got) != fmt.Sprintf("key %d", i) {
			t.Errorf("key %d: %q, %v", i, got, err)
		}
	}
	if n := len(k.load(0).previous); n > maxPrevious {
		t.Errorf("%d replaced keys are kept", n)
	}
}

// A participant's tracks go through a ratchet at their own pace: those that are
// behind the first one are not lost.
func TestKeyringRatchetsTracksApart(t *testing.T) {
	sender := ring(t, "k", KeyOptions{RatchetWindow: 1})
	k := ring(t, "k", KeyOptions{RatchetWindow: 8})
	audio, video := NewEncrypter(media.Opus, sender, 0, 1), NewEncrypter(media.VP8, sender, 0, 2)
	ears, eyes := NewDecrypter(media.Opus, k), NewDecrypter(media.VP8, k)
	var slow [][]byte
	for i := range 4 {
		slow = append(slow, seal(t, video, "\x01picture", uint32(i)))
		if err := sender.Ratchet(0); err != nil {
			t.Fatal(err)
		}
	}
	before := k.Version()
	if _, err := ears.Decrypt(nil, seal(t, audio, "sound", 0)); err != nil {
		t.Fatal(err)
	}
	if k.Version() == before {
		t.Error("the ratchet did not change the version")
	}
	for i, frame := range slow {
		if _, err := eyes.Decrypt(nil, frame); err != nil {
			t.Errorf("picture of step %d: %v", i, err)
		}
	}
}

// One track's flood leaves the tries of the others alone.
func TestRatchetBudgetIsPerTrack(t *testing.T) {
	now := epoch
	clock := func() time.Time { return now }
	sender := ring(t, "k", KeyOptions{RatchetWindow: 1})
	k := ring(t, "k", KeyOptions{RatchetWindow: 8, Now: clock})
	noise := seal(t, NewEncrypter(media.Opus, ring(t, "x", KeyOptions{}), 0, 3), "noise", 0)
	bad, good := NewDecrypter(media.Opus, k), NewDecrypter(media.Opus, k)
	for range 1000 {
		if _, err := bad.Decrypt(nil, noise); !errors.Is(err, ErrAuth) {
			t.Fatal(err)
		}
	}
	if bad.tries.tries != ratchetTries {
		t.Errorf("%d tries in one second, want %d", bad.tries.tries, ratchetTries)
	}
	if err := sender.Ratchet(0); err != nil {
		t.Fatal(err)
	}
	frame := seal(t, NewEncrypter(media.Opus, sender, 0, 1), "sound", 0)
	if _, err := good.Decrypt(nil, frame); err != nil {
		t.Errorf("in the middle of another track's flood: %v", err)
	}
}

func TestKeyringRemove(t *testing.T) {
	now := epoch
	sender := ring(t, "k", KeyOptions{})
	k := ring(t, "k", KeyOptions{Grace: time.Second, Now: func() time.Time { return now }})
	e, d := NewEncrypter(media.Opus, sender, 0, 1), NewDecrypter(media.Opus, k)
	underWay, late := seal(t, e, "under way", 0), seal(t, e, "late", 1)
	k.Remove(-1)
	k.Remove(3) // nothing there
	if i, ok := k.Newest(); i != 0 || !ok {
		t.Errorf("newest is %d, %v", i, ok)
	}
	k.Remove(16) // index 0
	if _, ok := k.Newest(); ok || k.Has(0) || k.Key(0) != nil {
		t.Error("the key is still there")
	}
	if _, err := NewEncrypter(media.Opus, k, 0, 1).Encrypt(nil, []byte("x"), 0); !errors.Is(err, ErrNoKey) {
		t.Errorf("encrypting under it: %v", err)
	}
	if err := k.Ratchet(0); !errors.Is(err, ErrNoKey) {
		t.Errorf("ratcheting it: %v", err)
	}
	if _, err := d.Decrypt(nil, underWay); err != nil {
		t.Errorf("within the grace: %v", err)
	}
	now = now.Add(time.Second)
	if _, err := d.Decrypt(nil, late); !errors.Is(err, ErrNoKey) {
		t.Errorf("after the grace: %v", err)
	}
	set(t, k, 0, "k")
	if _, err := d.Decrypt(nil, late); err != nil {
		t.Errorf("after the key came back: %v", err)
	}
}

func TestKeyringTellsOfChanges(t *testing.T) {
	k := NewKeyring(0, KeyOptions{RatchetWindow: 1})
	for _, change := range []struct {
		name string
		make func()
		want bool
	}{
		{"set", func() { set(t, k, 1, "a") }, true},
		{"set again", func() { set(t, k, 1, "a") }, false},
		{"replace", func() { set(t, k, 1, "b") }, true},
		{"ratchet", func() {
			if err := k.Ratchet(1); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"remove", func() { k.Remove(1) }, true},
		{"remove again", func() { k.Remove(1) }, false},
		{"clear", k.Clear, true},
	} {
		version, changed := k.Version(), k.Changed()
		change.make()
		told := false
		select {
		case <-changed:
			told = true
		default:
		}
		if told != change.want || (k.Version() != version) != change.want {
			t.Errorf("%s: told %v, version %d after %d", change.name, told, k.Version(), version)
		}
	}
}

// An index is never given up, however much failed there.
func TestKeyringIndexNeverDies(t *testing.T) {
	k := ring(t, "k", KeyOptions{})
	noise := seal(t, NewEncrypter(media.Opus, ring(t, "x", KeyOptions{}), 0, 3), "noise", 0)
	d := NewDecrypter(media.Opus, k)
	for range 10_000 {
		if _, err := d.Decrypt(nil, noise); !errors.Is(err, ErrAuth) {
			t.Fatal(err)
		}
	}
	if _, err := d.Decrypt(nil, seal(t, NewEncrypter(media.Opus, k, 0, 1), "sound", 0)); err != nil {
		t.Error(err)
	}
}

func TestKeyringKey(t *testing.T) {
	for _, size := range []int{16, 32} {
		k := NewKeyring(0, KeyOptions{Size: size})
		if k.Key(0) != nil {
			t.Error("a key in an empty ring")
		}
		if err := k.SetPassphrase(0, []byte("password")); err != nil {
			t.Fatal(err)
		}
		want := unhex(t, "421890b1557504a8ea1a90c253b419e4")
		got := k.Key(0)
		if len(got) != size || !bytes.Equal(got[:16], want) {
			t.Errorf("key is %x", got)
		}
		inside := k.load(0).current.secret
		clear(got) // a copy
		if bytes.Equal(inside[:16], got[:16]) {
			t.Error("the caller overwrote the ring's key")
		}
		k.Clear()
		if !bytes.Equal(inside, make([]byte, size)) {
			t.Error("the key outlives Clear")
		}
	}
}

// A key under another salt is another key.
func TestKeyringSalt(t *testing.T) {
	k := NewKeyring(0, KeyOptions{Salt: "\x00\x01\x02\x03\x04\x05\x06\x07"})
	if err := k.SetRaw(0, unhex(t, "000102030405060708090a0b0c0d0e0f"), PBKDF2); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%x", k.Key(0)); got != "a658cd52efbacadfecdfe0a0dc574ec3" {
		t.Errorf("key is %s", got)
	}
}
