package keys_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
)

func TestRotate(t *testing.T) {
	for _, passphrase := range [][]byte{nil, []byte("xyzzy plugh")} {
		h := openHome(t, filepath.Join(t.TempDir(), "home"))
		old, err := h.Init("Ada", passphrase)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := seal(old.Recipients()[0])
		if err != nil {
			t.Fatal(err)
		}
		oldCard := mustCard(t, old)
		friend := openHome(t, t.TempDir())
		add(t, friend, oldCard)

		if passphrase != nil {
			if _, err := h.Rotate([]byte("plugh xyzzy"), time.Time{}); !errors.Is(err, keys.ErrPassphrase) {
				t.Errorf("wrong passphrase: %v", err)
			}
			if _, err := h.Rotate(nil, time.Time{}); err == nil {
				t.Error("rotated into the clear")
			}
		}
		if _, err := h.Rotate(passphrase, time.Time{}); err != nil {
			t.Fatal(err)
		}
		id, err := openHome(t, h.Dir()).Load(pass(string(passphrase)))
		if err != nil {
			t.Fatal(err)
		}
		card := mustCard(t, id)
		if card.Key == oldCard.Key || card.Replaces != oldCard.Key {
			t.Errorf("card %+v", card)
		}
		if got, err := open(sealed, id); err != nil || string(got) != "hello" {
			t.Errorf("what was sealed before does not open: %v", err)
		}
		if got := person(t, h, "Ada"); len(got) != 1 || got[0] != card.Key {
			t.Errorf("counts: %v", got)
		}
		if earlier, err := h.EarlierKeys(); err != nil || len(earlier) != 1 || earlier[0] != oldCard.Key {
			t.Errorf("earlier keys %v, %v", earlier, err)
		}
		if how, err := friend.CanAdd(reread(t, card)); how != keys.Approved || err != nil {
			t.Errorf("a friend: %q, %v", how, err)
		}
		add(t, friend, reread(t, card))
		if got := person(t, friend, "Ada"); len(got) != 1 || got[0] != card.Key {
			t.Errorf("counts for a friend: %v", got)
		}
		checkModes(t, h.Dir())
	}
}

// A key that was revoked vouches for no other, and what it was granted is one's own
// all the same.
func TestRotateRevoked(t *testing.T) {
	h := openHome(t, t.TempDir())
	old, err := h.Init("Ada", nil)
	if err != nil {
		t.Fatal(err)
	}
	oldCard := mustCard(t, old)
	friend := openHome(t, t.TempDir())
	add(t, friend, oldCard)
	revoke(t, h, old, oldCard)
	revoke(t, friend, old, oldCard)
	id, err := h.Rotate(nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	card := reread(t, mustCard(t, id))
	if card.Replaces != "" || card.ApprovedBy(oldCard.Verifier()) {
		t.Errorf("card %+v", card)
	}
	if how, err := friend.CanAdd(card); how != keys.Stranger || err != nil {
		t.Errorf("a friend: %q, %v", how, err)
	}
	h = openHome(t, h.Dir())
	if earlier, err := h.EarlierKeys(); err != nil || len(earlier) != 1 || earlier[0] != oldCard.Key {
		t.Errorf("earlier keys %v, %v", earlier, err)
	}
	if got := person(t, h, "Ada"); len(got) != 1 || got[0] != card.Key {
		t.Errorf("counts: %v", got)
	}
	// And so in a copy of the identity.
	b, err := id.Export([]byte("xyzzy"), 1)
	if err != nil {
		t.Fatal(err)
	}
	if id, err = keys.ParseExport(b, []byte("xyzzy")); err != nil {
		t.Fatal(err)
	}
	other := openHome(t, t.TempDir())
	if err := other.Import(id, nil); err != nil {
		t.Fatal(err)
	}
	if earlier, err := other.EarlierKeys(); err != nil || len(earlier) != 1 || earlier[0] != oldCard.Key {
		t.Errorf("earlier keys in a copy: %v, %v", earlier, err)
	}
}

// A rotation that was broken off at any file it writes is finished when the home
// is opened: nothing is lost in between.
func TestRotateBrokenOff(t *testing.T) {
	h := openHome(t, t.TempDir())
	if _, err := h.Init("Ada", nil); err != nil {
		t.Fatal(err)
	}
	before := readHome(t, h.Dir())
	id, err := h.Rotate(nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	after := readHome(t, h.Dir())
	own := []string{"signer.txt", "card.txt", "identity.txt"}
	for n := range len(own) + 1 {
		dir := t.TempDir()
		openHome(t, dir)
		for _, name := range own {
			writeFile(t, filepath.Join(dir, name), before[name])
		}
		for _, name := range own[:n] {
			writeFile(t, filepath.Join(dir, name), after[name])
		}
		writeFile(t, filepath.Join(dir, "rotation.json"), rotationFile(t, own, after))
		got, err := openHome(t, dir).Load(mustNotAsk(t))
		if err != nil || mustCard(t, got).Key != mustCard(t, id).Key {
			t.Errorf("broken off after %d files: %v, %v", n, got, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "rotation.json")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the rotation is still there: %v", err)
		}
	}
	for _, bad := range []string{"", "x", `[{"Name":"../../etc/passwd","Data":"eA=="}]`, `[{"Name":"heads/x","Data":""}]`} {
		dir := t.TempDir()
		openHome(t, dir)
		writeFile(t, filepath.Join(dir, "rotation.json"), []byte(bad))
		if _, err := keys.OpenHome(dir); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func readHome(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	for _, name := range []string{"signer.txt", "card.txt", "identity.txt"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = b
	}
	return files
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// rotationFile is what Rotate writes before it replaces anything.
func rotationFile(t *testing.T, names []string, files map[string][]byte) []byte {
	t.Helper()
	type file struct {
		Name string
		Data []byte
	}
	var all []file
	for _, n := range names {
		all = append(all, file{n, files[n]})
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
