package keys_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/sample"
)

// A recipient of a plugin seals through the plugin's program, and what it
// sealed the plugin's identity opens. No prompt of it can hold up a recorder.
func TestPluginRecipient(t *testing.T) {
	sample.Live(t)
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "github.com/sealtape/sealtape/testdata/witness/age-plugin-sealtapetest")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("could not build the plugin: %v\n%s", err, out)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	secret, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}

	encode := func(data string) string { return plugin.EncodeRecipient("sealtapetest", []byte(data)) }
	r, err := keys.ParseRecipient("  " + encode(secret.Recipient().String()) + "\n")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := seal(r)
	if err != nil {
		t.Fatal(err)
	}
	id, err := plugin.NewIdentity(plugin.EncodeIdentity("sealtapetest", []byte(secret.String())), &plugin.ClientUI{})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := age.Decrypt(bytes.NewReader(sealed), id)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := io.ReadAll(plain); err != nil || string(out) != "hello" {
		t.Errorf("the plugin's identity reads %q, %v", out, err)
	}
	if _, err := age.Decrypt(bytes.NewReader(sealed), secret); err == nil {
		t.Error("sealed without the plugin")
	}

	r, err = keys.ParseRecipient(encode("ask " + secret.Recipient().String()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal(r); err == nil {
		t.Error("a plugin got an answer from nobody")
	}
}

// The identity file holds age's own keys only: a home never starts a plugin. A
// reader with a plugin identity opens recordings with age itself.
func TestHomeHoldsNoPluginIdentity(t *testing.T) {
	h := openHome(t, t.TempDir())
	if _, err := h.Init("Zoë", nil); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(h.Dir(), "identity.txt")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, plugin.EncodeIdentity("sealtapetest", []byte("x"))+"\n"...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Load(nil); err == nil || !strings.Contains(err.Error(), "malformed") {
		t.Errorf("Load: %v", err)
	}
}
