package homeserver

import "testing"

// No server has a password sent in the clear.
func TestDiscovered(t *testing.T) {
	for base, ok := range map[string]bool{"https://hs.example.org": true, "http://hs.example.org": false, "hs.example.org": false, "https:": false} {
		if got, err := discovered("example.org", base); (err == nil) != ok || ok && got != base {
			t.Errorf("%q: %q, %v", base, got, err)
		}
	}
}
