package bot

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
)

// What members say opens under the key of whoever says it, and under one that was
// replaced a moment ago; the recorder seals under the newest.
func TestMemberKeys(t *testing.T) {
	now := time.Now()
	provider := recorder.NewParticipantKeys(keyIndexes, frame.KeyOptions{})
	held := &heldKeys{provider: provider, now: func() time.Time { return now }, rings: make(map[*frame.Keyring]*heldRing)}
	set := func(identity string, index int, raw string) {
		t.Helper()
		if err := provider.Keyring(identity).SetRaw(index, []byte(raw), frame.HKDF); err != nil {
			t.Fatal(err)
		}
	}
	opens := func(sealed []byte, identity string) bool {
		for _, k := range held.of(identity) {
			if _, err := k.Open(sealed); err == nil {
				return true
			}
		}
		return false
	}
	seal := func(identity string) []byte {
		t.Helper()
		b, err := held.of(identity)[0].Seal([]byte("hello"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if got := held.of("ada"); got != nil || len(held.rings) > 0 {
		t.Errorf("%d keys of an empty ring, %d remembered", len(got), len(held.rings))
	}
	set("ada", 0, "the first key of ada")
	set("ben", 0, "the first key of ben")
	first := seal("ada")
	if !opens(first, "ada") || opens(first, "ben") {
		t.Error("a key is not its owner's alone")
	}
	set("ada", 200, "the second key of ada")
	second := seal("ada")
	if !opens(first, "ada") || !opens(second, "ada") {
		t.Error("two keys are not both held")
	}
	provider.Keyring("ada").Remove(0)
	if !opens(first, "ada") {
		t.Error("a key that was removed a moment ago does not open")
	}
	now = now.Add(keyGrace)
	if opens(first, "ada") || !opens(second, "ada") {
		t.Error("a key that was removed opens for ever, or the other does not")
	}
	if memberKeys(nil) != nil {
		t.Error("a room without keys has some")
	}
}
