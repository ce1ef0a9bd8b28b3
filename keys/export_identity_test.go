package keys_test

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/sample"
)

// A browser that an identity was imported to exports what it knew of earlier keys and of
// those that were revoked.
func TestExportThroughABrowser(t *testing.T) {
	sample.Live(t)
	h := openHome(t, t.TempDir())
	old, err := h.Init("Ada", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Rotate(nil, time.Time{}); err != nil {
		t.Fatal(err)
	}
	revoke(t, h, old, mustCard(t, old))
	id, err := h.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := id.Export([]byte("xyzzy"), 10)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/identity.mjs", "xyzzy")
	cmd.Stdin = bytes.NewReader(b)
	if b, err = cmd.Output(); err != nil {
		t.Fatalf("node, with which the tests run: %v", err)
	}
	if id, err = keys.ParseExport(b, []byte("xyzzy")); err != nil {
		t.Fatal(err)
	}
	h = openHome(t, t.TempDir())
	if err := h.Import(id, nil); err != nil {
		t.Fatal(err)
	}
	if pins, err := h.Pins(); err != nil || len(pins) != 2 || pins[1].Revoked == nil {
		t.Errorf("%+v, %v", pins, err)
	}
}

func TestExport(t *testing.T) {
	id, card, _ := generate(t, "Zoë Ng")
	secret := []byte("xyzzy plugh")
	b, err := id.Export(secret, 10)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.ParseExport(b, []byte("plugh xyzzy")); !errors.Is(err, keys.ErrPassphrase) {
		t.Errorf("wrong passphrase: %v", err)
	}
	got, err := keys.ParseExport(b, secret)
	if err != nil {
		t.Fatal(err)
	}
	h := openHome(t, filepath.Join(t.TempDir(), "home"))
	if err := h.Import(got, secret); err != nil {
		t.Fatal(err)
	}
	if err := h.Import(got, secret); !errors.Is(err, keys.ErrIdentityExists) {
		t.Errorf("second import: %v", err)
	}
	loaded, err := h.Load(pass(string(secret)))
	if err != nil {
		t.Fatal(err)
	}
	if mustCard(t, loaded).Key != card.Key || loaded.Name() != "Zoë Ng" {
		t.Errorf("loaded %v", loaded)
	}
	sealed, err := seal(card.AgeRecipients()[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(sealed, loaded); err != nil {
		t.Error(err)
	}

	// To age itself it is an identity file under a passphrase.
	scrypt, err := age.NewScryptIdentity(string(secret))
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(b)), scrypt)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil || len(ids) != 1 {
		t.Errorf("age reads %d identities, %v", len(ids), err)
	}
	for _, bad := range [][]byte{nil, []byte("x"), b[:len(b)/2], bytes.Repeat([]byte("x"), keys.MaxExport+1)} {
		if _, err := keys.ParseExport(bad, secret); err == nil {
			t.Errorf("%.20q was taken", bad)
		}
	}
}
