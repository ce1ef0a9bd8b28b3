package livekitroom

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// opens reports whether the ring opens what is sealed under this key.
func opens(t *testing.T, ring *frame.Keyring, o frame.KeyOptions, index int, raw string, d frame.Derivation) bool {
	t.Helper()
	sender := frame.NewKeyring(256, o)
	if err := sender.SetRaw(index, []byte(raw), d); err != nil {
		t.Fatal(err)
	}
	sealed, err := frame.NewEncrypter(media.Opus, sender, index, 1).Encrypt(nil, []byte("frame"), 1)
	if err != nil {
		t.Fatal(err)
	}
	_, err = frame.NewDecrypter(media.Opus, ring).Decrypt(nil, sealed)
	return err == nil
}

func writeKeys(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRoomKeysReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	const format = `{"participants": {"ada": {%s}, "bob": {"0": {"passphrase": "bob's"}}}, "ratchetWindow": %d}`
	o := frame.KeyOptions{RatchetWindow: 8}
	writeKeys(t, path, fmt.Sprintf(format, `"0": {"passphrase": "one"}`, 8))
	k, err := ReadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	ada, bob := k.Keyring("ada"), k.Keyring("bob")
	if !opens(t, ada, o, 0, "one", frame.PBKDF2) || !opens(t, bob, o, 0, "bob's", frame.PBKDF2) || opens(t, bob, o, 0, "one", frame.PBKDF2) {
		t.Fatal("the keys are not those of the file")
	}
	// Bob has ratcheted; reading the same again must not set him back.
	if err := bob.Ratchet(0); err != nil {
		t.Fatal(err)
	}
	version := bob.Version()
	for _, tt := range []struct {
		name, text string
		want       Change
		fails      bool
	}{
		{"the same", fmt.Sprintf(format, `"0": {"passphrase": "one"}`, 8), Change{}, false},
		{"one more", fmt.Sprintf(format, `"0": {"passphrase": "one"}, "9": {"passphrase": "two"}`, 8), Change{Set: 1}, false},
		{"one less, one changed", fmt.Sprintf(format, `"9": {"passphrase": "three"}`, 8), Change{Set: 1, Removed: 1}, false},
		{"broken", `{`, Change{}, true},
		{"another window", fmt.Sprintf(format, `"9": {"passphrase": "four"}`, 7), Change{}, true},
		{"shared", `{"ratchetWindow": 8, "shared": {"9": {"passphrase": "four"}}}`, Change{}, true},
		{"another size", `{"ratchetWindow": 8, "bits": 256, "participants": {}}`, Change{}, true},
	} {
		writeKeys(t, path, tt.text)
		n, err := k.Reload()
		if n != tt.want || (err != nil) != tt.fails {
			t.Errorf("%s: %+v, %v", tt.name, n, err)
		}
		if err != nil && strings.Contains(err.Error(), "four") {
			t.Errorf("%s: the error repeats the file: %v", tt.name, err)
		}
	}
	if bob.Version() != version {
		t.Error("bob's key was set back")
	}
	if !opens(t, ada, o, 9, "three", frame.PBKDF2) || ada.Has(0) {
		t.Error("ada's keys are not those of the file that was taken last")
	}
}
