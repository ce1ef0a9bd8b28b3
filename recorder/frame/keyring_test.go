package frame

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// epoch is an arbitrary time to count from.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// ring returns a keyring with one raw key at index 0. HKDF keeps tests quick.
func ring(t testing.TB, raw string, o KeyOptions) *Keyring {
	t.Helper()
	k := NewKeyring(0, o)
	set(t, k, 0, raw)
	return k
}

func set(t testing.TB, k *Keyring, index int, raw string) {
	t.Helper()
	if err := k.SetRaw(index, []byte(raw), HKDF); err != nil {
		t.Fatal(err)
	}
}

func seal(t testing.TB, e *Encrypter, frame string, timestamp uint32) []byte {
	t.Helper()
	sealed, err := e.Encrypt(nil, []byte(frame), timestamp)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestKeyringIndexes(t *testing.T) {
	k := NewKeyring(0, KeyOptions{})
	set(t, k, 17, "one") // modulo 16, as clients set it
	for i := range 300 {
		if got, want := k.Has(i), i == 1; got != want { // no modulo for what frames say
			t.Errorf("Has(%d) = %v", i, got)
		}
	}
	if err := k.SetRaw(-1, []byte("x"), HKDF); err == nil {
		t.Error("negative index accepted")
	}
	if err := k.SetPassphrase(0, nil); err == nil {
		t.Error("empty passphrase accepted")
	}
	if err := NewKeyring(0, KeyOptions{Size: 24}).SetRaw(0, []byte("x"), HKDF); err == nil {
		t.Error("key size 24 accepted")
	}
	if n := len(NewKeyring(1000, KeyOptions{}).slots); n != 256 {
		t.Errorf("ring of %d", n)
	}
	raw := []byte("secret")
	if err := k.SetRaw(2, raw, HKDF); err != nil || string(raw) != "secret" {
		t.Errorf("the caller's key became %q (%v)", raw, err)
	}
	k.Clear()
	if k.Has(1) || k.Has(2) {
		t.Error("keys are still there after Clear")
	}
}

func TestKeyringGrace(t *testing.T) {
	now := epoch
	sender := ring(t, "old", KeyOptions{})
	k := ring(t, "old", KeyOptions{Grace: 5 * time.Second, Now: func() time.Time { return now }})
	e, d := NewEncrypter(media.Opus, sender, 0, 1), NewDecrypter(media.Opus, k)
	open := func(frame []byte) error {
		t.Helper()
		_, err := d.Decrypt(nil, frame)
		return err
	}
	before := seal(t, e, "before", 0)
	underWay := seal(t, e, "under way", 1)
	tooLate := seal(t, e, "too late", 2)
	if err := open(before); err != nil {
		t.Fatal(err)
	}
	set(t, sender, 0, "new")
	set(t, k, 0, "new")
	set(t, k, 0, "new") // again: the old one must stay
	now = now.Add(4999 * time.Millisecond)
	if err := open(underWay); err != nil {
		t.Errorf("under the previous key: %v", err)
	}
	if err := open(before); !errors.Is(err, ErrReplay) {
		t.Errorf("replay under the previous key: %v", err)
	}
	if err := open(seal(t, e, "new", 3)); err != nil {
		t.Errorf("under the new key: %v", err)
	}
	now = now.Add(time.Millisecond)
	if err := open(tooLate); !errors.Is(err, ErrAuth) {
		t.Errorf("after the grace: %v", err)
	}
	if s := k.load(0); len(s.previous) != 0 {
		t.Error("the previous key is kept after its grace")
	}
	if err := open(seal(t, e, "still", 4)); err != nil {
		t.Error(err)
	}
}

func TestKeyringRatchet(t *testing.T) {
	now := epoch
	clock := func() time.Time { return now }
	for _, window := range []int{1, 8, 16} {
		t.Run(fmt.Sprint(window), func(t *testing.T) {
			sender := ring(t, "k", KeyOptions{RatchetWindow: 1})
			k := ring(t, "k", KeyOptions{RatchetWindow: window, Now: clock})
			e, d := NewEncrypter(media.Opus, sender, 0, 1), NewDecrypter(media.Opus, k)
			first := seal(t, e, "first", 0)
			for range window {
				if err := sender.Ratchet(0); err != nil {
					t.Fatal(err)
				}
			}
			// Each failing frame pays for a few steps; then it fits.
			tries := 0
			for {
				tries++
				_, err := d.Decrypt(nil, seal(t, e, "ahead", uint32(tries)))
				if err == nil {
					break
				}
				if !errors.Is(err, ErrAuth) || tries > (window+ratchetSteps-1)/ratchetSteps {
					t.Fatalf("try %d: %v", tries, err)
				}
			}
			if _, err := d.Decrypt(nil, first); err != nil {
				t.Errorf("within the grace: %v", err)
			}
			// One step beyond the old window is within the new one.
			if err := sender.Ratchet(0); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Decrypt(nil, seal(t, e, "more", 99)); err != nil {
				t.Error(err)
			}
		})
	}
	k := ring(t, "k", KeyOptions{})
	if err := k.Ratchet(0); err == nil {
		t.Error("ratchet without a window")
	}
	if err := k.Ratchet(1); !errors.Is(err, ErrNoKey) {
		t.Errorf("ratchet without a key: %v", err)
	}
	sender := ring(t, "k", KeyOptions{RatchetWindow: 1})
	if err := sender.Ratchet(0); err != nil {
		t.Fatal(err)
	}
	frame := seal(t, NewEncrypter(media.Opus, sender, 0, 1), "ahead", 0)
	if _, err := NewDecrypter(media.Opus, k).Decrypt(nil, frame); !errors.Is(err, ErrAuth) {
		t.Errorf("window 0 opened a ratcheted frame: %v", err)
	}
}

// A flood of frames that do not authenticate derives one window of keys and
// then tries only so many frames a second.
func TestKeyringRatchetFlood(t *testing.T) {
	const window = 16
	now := epoch
	k := ring(t, "k", KeyOptions{RatchetWindow: window, Now: func() time.Time { return now }})
	stranger := ring(t, "other", KeyOptions{})
	e, d := NewEncrypter(media.Opus, stranger, 0, 1), NewDecrypter(media.Opus, k)
	current := k.load(0).current
	for i := range 5000 {
		if _, err := d.Decrypt(nil, seal(t, e, "noise", uint32(i))); !errors.Is(err, ErrAuth) {
			t.Fatal(err)
		}
	}
	if k.ids != 1+window {
		t.Errorf("%d keys derived, want %d", k.ids-1, window)
	}
	if len(current.ahead) != window {
		t.Errorf("%d keys kept", len(current.ahead))
	}
	sender := ring(t, "k", KeyOptions{RatchetWindow: 1})
	if err := sender.Ratchet(0); err != nil {
		t.Fatal(err)
	}
	e = NewEncrypter(media.Opus, sender, 0, 2)
	if _, err := d.Decrypt(nil, seal(t, e, "real", 0)); !errors.Is(err, ErrAuth) {
		t.Errorf("in the middle of the flood: %v", err)
	}
	now = now.Add(time.Second)
	if _, err := d.Decrypt(nil, seal(t, e, "real", 1)); err != nil {
		t.Errorf("a second later: %v", err)
	}
}

func TestKeyringWipes(t *testing.T) {
	k := ring(t, "first", KeyOptions{RatchetWindow: 4})
	old := k.load(0).current
	material := old.material
	if string(material) != "first" {
		t.Fatalf("material is %q", material)
	}
	set(t, k, 0, "second")
	if !bytes.Equal(material, make([]byte, 5)) || old.material != nil {
		t.Errorf("replaced material is %q", material)
	}
	material = k.load(0).current.material
	k.Clear()
	if !bytes.Equal(material, make([]byte, 6)) {
		t.Errorf("cleared material is %q", material)
	}
	k = ring(t, "first", KeyOptions{})
	if k.load(0).current.material != nil {
		t.Error("material is kept without a ratchet")
	}
}

// Run with -race: tracks of one participant share a ring while keys change.
func TestKeyringConcurrent(t *testing.T) {
	k := ring(t, "key 0", KeyOptions{RatchetWindow: 3})
	var wg sync.WaitGroup
	for track := range 4 {
		wg.Go(func() {
			sender := ring(t, "key 0", KeyOptions{RatchetWindow: 1})
			e, d := NewEncrypter(media.Opus, sender, 0, uint32(track)), NewDecrypter(media.Opus, k)
			for i := range 200 {
				frame, err := e.Encrypt(nil, []byte("frame"), uint32(i))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := d.Decrypt(nil, frame); err == nil && string(got) != "frame" {
					t.Errorf("got %q", got)
				} else if err != nil && !errors.Is(err, ErrAuth) {
					t.Error(err)
				}
				if i%50 == 49 {
					if err := sender.Ratchet(0); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for i := range 50 {
		set(t, k, 0, fmt.Sprintf("key %d", i%3))
	}
	wg.Wait()
}
