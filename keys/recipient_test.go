package keys_test

import (
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/plugin"
	"github.com/sealtape/sealtape/keys"
)

// An ordinary public key made for this test; its secret half is gone.
const sshRecipient = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPuluhSIQCGqk1E+bCurnYFSv5zgoN4twqjMQKOZPPO/"

var pluginRecipient = plugin.EncodeRecipient("example", []byte("anything"))

func TestParseRecipient(t *testing.T) {
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	x, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, in    string
		ok          bool
		postQuantum bool
	}{
		{"hybrid", hybrid.Recipient().String(), true, true},
		{"hybrid in spaces", "  " + hybrid.Recipient().String() + "\n", true, true},
		{"x25519", x.Recipient().String(), true, false},
		{"ssh", sshRecipient, true, false},
		{"ssh with a comment", sshRecipient + " ada@laptop", true, false},
		{"plugin", pluginRecipient, true, false},
		{"two lines", sshRecipient + "\n" + sshRecipient, false, false},
		{"hybrid secret", hybrid.String(), false, false},
		{"x25519 secret", x.String(), false, false},
		{"cut", hybrid.Recipient().String()[:1000], false, false},
		{"bad plugin name", "age1../../bin/sh1qqqq", false, false},
		{"github", "github:ada", false, false},
		{"empty", "", false, false},
		{"long", "age1pq1" + strings.Repeat("q", 10<<10), false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := keys.ParseRecipient(tt.in)
			if (err == nil) != tt.ok || (r != nil) != tt.ok {
				t.Fatalf("got %v, %v", r, err)
			}
			if err != nil && len(tt.in) > 4 && strings.Contains(err.Error(), tt.in) {
				t.Errorf("the error repeats what may be a secret: %v", err)
			}
			if tt.ok && keys.PostQuantum(strings.TrimSpace(tt.in)) != tt.postQuantum {
				t.Errorf("PostQuantum is %v", !tt.postQuantum)
			}
		})
	}
}
