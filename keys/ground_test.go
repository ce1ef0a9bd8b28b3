package keys_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/keys"
)

func revoke(t *testing.T, h *keys.Home, by *keys.Identity, c keys.Card) {
	t.Helper()
	r, err := by.Revoke(c, "stolen")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Revoke(r); err != nil {
		t.Fatal(err)
	}
}

func successor(t *testing.T, id *keys.Identity) *keys.Identity {
	t.Helper()
	id, err := id.Successor(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func state(t *testing.T, h *keys.Home, key string) error {
	t.Helper()
	pins, err := h.Pins()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pins {
		if p.Key == key {
			return p.Live(time.Now())
		}
	}
	t.Fatal("not pinned")
	return nil
}

// A thief of a key makes it a successor, and that one a device. All of it ends with
// the stolen key, whoever revokes that, and its owner comes back by words.
func TestThiefsSuccessor(t *testing.T) {
	for _, from := range []string{"the key itself", "another device"} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			h := openHome(t, dir)
			stolen, stolenCard, _ := generate(t, "Ada")
			tablet, tabletCard, _ := generate(t, "Ada")
			add(t, h, stolenCard)
			// Its words were compared, though the stolen key could have approved it.
			if err := h.AddCompared(approve(t, stolen, tabletCard)); err != nil {
				t.Fatal(err)
			}
			thief := successor(t, stolen)
			device, _, _ := generate(t, "Ada")
			deviceCard := approve(t, thief, mustCard(t, device))
			add(t, h, reread(t, mustCard(t, thief)), deviceCard)
			// A card that is renewed carries no approval, and counts all the same.
			time.Sleep(time.Minute)
			renewed, err := thief.Renew(time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			add(t, h, reread(t, mustCard(t, renewed)))
			if got := person(t, h, "Ada"); len(got) != 3 {
				t.Fatalf("before: %d cards count", len(got))
			}

			by := stolen
			if from == "another device" {
				by = tablet
			}
			revoke(t, h, by, stolenCard)
			if err := state(t, h, stolenCard.Key); !errors.Is(err, keys.ErrRevoked) {
				t.Errorf("the stolen key: %v", err)
			}
			for name, c := range map[string]keys.Card{"successor": mustCard(t, renewed), "its device": deviceCard} {
				if err := state(t, h, c.Key); !errors.Is(err, keys.ErrDoubted) {
					t.Errorf("by %s: the thief's %s: %v", from, name, err)
				}
				if _, err := h.CanAdd(c); !errors.Is(err, keys.ErrNameTaken) {
					t.Errorf("the thief's %s can be added: %v", name, err)
				}
				if err := h.Add(c); !errors.Is(err, keys.ErrNameTaken) {
					t.Errorf("the thief's %s was added: %v", name, err)
				}
			}
			if got := person(t, h, "Ada"); len(got) != 1 || got[0] != tabletCard.Key {
				t.Errorf("counts: %v", got)
			}
			r, err := thief.Revoke(tabletCard, "")
			if err != nil {
				t.Fatal(err)
			}
			if err := h.Revoke(r); !errors.Is(err, keys.ErrBadRevocation) {
				t.Errorf("the thief revokes: %v", err)
			}
			// The other device replaces what was stolen, and nobody compares words.
			again, _, _ := generate(t, "Ada")
			add(t, h, approve(t, tablet, mustCard(t, again)))
			if got := person(t, h, "Ada"); len(got) != 2 {
				t.Errorf("%d cards count in the end", len(got))
			}
		})
	}
}

// Where all that is pinned of somebody was revoked, or counted by it alone, their next
// card is a stranger's: by words. So is the one that is doubted.
func TestBackByWords(t *testing.T) {
	h := openHome(t, t.TempDir())
	laptop, laptopCard, _ := generate(t, "Ada")
	phone, _, _ := generate(t, "Ada")
	phoneCard := approve(t, laptop, mustCard(t, phone))
	add(t, h, laptopCard, phoneCard)
	_, fresh, _ := generate(t, "ada")
	if _, err := h.CanAdd(fresh); !errors.Is(err, keys.ErrNameTaken) {
		t.Errorf("before: %v", err)
	}
	revoke(t, h, laptop, laptopCard)
	if _, err := h.Person("Ada"); !errors.Is(err, keys.ErrDoubted) && !errors.Is(err, keys.ErrRevoked) {
		t.Errorf("Person: %v", err)
	}
	for _, c := range []keys.Card{phoneCard, fresh} {
		if how, err := h.CanAdd(c); how != keys.Stranger || err != nil {
			t.Errorf("%s: %q, %v", c.Label(), how, err)
		}
	}
	add(t, h, phoneCard)
	if got := person(t, h, "Ada"); len(got) != 1 || got[0] != phoneCard.Key {
		t.Errorf("counts: %v", got)
	}
	if _, err := h.CanAdd(fresh); !errors.Is(err, keys.ErrNameTaken) {
		t.Errorf("beside the phone: %v", err)
	}
	add(t, h, approve(t, phone, fresh))
	// What is unpinned vouches for nothing.
	revoke(t, h, phone, phoneCard)
	if err := state(t, h, fresh.Key); !errors.Is(err, keys.ErrDoubted) {
		t.Errorf("after the phone: %v", err)
	}
	add(t, h, fresh)
	if got := person(t, h, "Ada"); len(got) != 1 || got[0] != fresh.Key {
		t.Errorf("counts: %v", got)
	}
}

func TestUnpinnedVouchesForNothing(t *testing.T) {
	h := openHome(t, t.TempDir())
	first, err := keys.GenerateAs(keys.Description{Name: "Ada", Device: "first"})
	if err != nil {
		t.Fatal(err)
	}
	second, _, _ := generate(t, "Ada")
	card := approve(t, first, mustCard(t, second))
	add(t, h, mustCard(t, first), card)
	if err := h.Remove("Ada", "first"); err != nil {
		t.Fatal(err)
	}
	if err := state(t, h, card.Key); !errors.Is(err, keys.ErrDoubted) {
		t.Errorf("%v", err)
	}
}

// Add that a crash broke off after any file leaves the old key or the new one, and
// can be done again.
func TestAddBrokenOff(t *testing.T) {
	old, oldCard, _ := generate(t, "Ada")
	next := reread(t, mustCard(t, successor(t, old)))
	before, after := members(t, oldCard), members(t, oldCard, next)
	var order []string // in which Add writes
	for _, ext := range []string{".ground", ".card", ".replaced"} {
		for name := range after {
			if filepath.Ext(name) == ext && before[name] == nil {
				order = append(order, name)
			}
		}
	}
	if len(order) != 3 {
		t.Fatalf("Add wrote %q", order)
	}
	for n := range len(order) + 1 {
		h := openHome(t, t.TempDir())
		for name, b := range before {
			writeFile(t, filepath.Join(h.Dir(), "members", name), b)
		}
		for _, name := range order[:n] {
			writeFile(t, filepath.Join(h.Dir(), "members", name), after[name])
		}
		want := oldCard.Key
		if n >= 2 {
			want = next.Key
		}
		if got := person(t, h, "Ada"); len(got) != 1 || got[0] != want {
			t.Errorf("broken off after %d files: %d cards count", n, len(got))
		}
		add(t, h, next)
		if got := person(t, h, "Ada"); len(got) != 1 || got[0] != next.Key {
			t.Errorf("again after %d files: %d cards count", n, len(got))
		}
		for name, b := range after {
			if got, err := os.ReadFile(filepath.Join(h.Dir(), "members", name)); err != nil || !bytes.Equal(got, b) {
				t.Errorf("again after %d files: %s: %v", n, name, err)
			}
		}
	}
}

// members returns the files of a home in which the cards were added.
func members(t *testing.T, cards ...keys.Card) map[string][]byte {
	t.Helper()
	h := openHome(t, t.TempDir())
	add(t, h, cards...)
	dir := filepath.Join(h.Dir(), "members")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string][]byte)
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// CanAdd looks at each pin, but reads and checks only those whose files changed.
func TestCanAddReadsNoPinTwice(t *testing.T) {
	h := openHome(t, t.TempDir())
	const pins = 20
	for i := range pins {
		_, c, _ := generate(t, fmt.Sprintf("Member %d", i))
		add(t, h, c)
	}
	dir := filepath.Join(h.Dir(), "members")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	for _, e := range entries {
		if err := os.Chtimes(filepath.Join(dir, e.Name()), old, old); err != nil {
			t.Fatal(err)
		}
	}
	_, stranger, _ := generate(t, "Zoe")
	allocs := testing.AllocsPerRun(5, func() {
		if how, err := h.CanAdd(stranger); how != keys.Stranger || err != nil {
			t.Errorf("%q, %v", how, err)
		}
	})
	_, _, card := generate(t, "Zoe")
	once := testing.AllocsPerRun(5, func() {
		if _, err := keys.ParseCard(card); err != nil {
			t.Error(err)
		}
	})
	t.Logf("%.0f allocations with %d pins; to read a card takes %.0f", allocs, pins, once)
	if allocs > pins*once/2 {
		t.Errorf("%.0f allocations: to read a card takes %.0f", allocs, once)
	}
	// What changes is seen.
	_, bob, _ := generate(t, "Bob")
	add(t, h, bob)
	if how, err := h.CanAdd(bob); how != keys.Known || err != nil {
		t.Errorf("%q, %v", how, err)
	}
}

func TestDamagedGround(t *testing.T) {
	h := openHome(t, t.TempDir())
	_, bob, _ := generate(t, "Bob")
	add(t, h, bob)
	files, err := filepath.Glob(filepath.Join(h.Dir(), "members", "*.ground"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	for _, bad := range []string{"words", "word\n", "approved x\n", "\n"} {
		writeFile(t, files[0], []byte(bad))
		if _, err := h.Pins(); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	if err := state(t, h, bob.Key); !errors.Is(err, keys.ErrDoubted) {
		t.Errorf("without a ground: %v", err)
	}
}

// What was exported and imported knows its earlier keys, also once it was renewed.
func TestExportKeepsEarlierKeys(t *testing.T) {
	dirs := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	synctest.Test(t, func(t *testing.T) { exportKeepsEarlierKeys(t, dirs) })
}

func exportKeepsEarlierKeys(t *testing.T, dirs []string) {
	secret := []byte("xyzzy plugh")
	h := openHome(t, dirs[0])
	h.SetScryptWork(10)
	if _, err := h.Init("Ada", secret); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := h.Rotate(secret, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	want, err := h.EarlierKeys()
	if err != nil || len(want) != 2 {
		t.Fatal(want, err)
	}
	for _, dir := range dirs[1:] { // exported from the home, and from what was imported
		id, err := h.Load(pass(string(secret)))
		if err != nil {
			t.Fatal(err)
		}
		b, err := id.Export(secret, 10)
		if err != nil {
			t.Fatal(err)
		}
		if id, err = keys.ParseExport(b, secret); err != nil {
			t.Fatal(err)
		}
		h = openHome(t, dir)
		h.SetScryptWork(10)
		if err := h.Import(id, secret); err != nil {
			t.Fatal(err)
		}
		got, err := h.EarlierKeys()
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("earlier keys %v, %v, want %v", got, err, want)
		}
		vs, err := h.Verifiers()
		if err != nil {
			t.Fatal(err)
		}
		pins, err := h.Pins()
		if err != nil || len(pins) != 3 {
			t.Errorf("%d pins, %v", len(pins), err)
		}
		for _, p := range pins {
			if _, err := vs.Verifier(p.Verifier().Name(), p.Verifier().KeyHash()); err != nil || p.Doubted {
				t.Errorf("%s: %v, doubted %t", p.Key, err, p.Doubted)
			}
		}
		time.Sleep(time.Minute)
		if id, err = h.Load(pass(string(secret))); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Renew(id, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
}

// A card that counted by a key that was revoked comes back by its words, also where
// another of its owner's counts: then by nothing else.
func TestBackByWordsBesideAnother(t *testing.T) {
	h := openHome(t, t.TempDir())
	a, aCard, _ := generate(t, "Ada")
	b, bCard, _ := generate(t, "Ada")
	_, cCard, _ := generate(t, "Ada")
	add(t, h, aCard, approve(t, a, bCard), approve(t, b, cCard))
	revoke(t, h, b, bCard)
	if _, err := h.CanAdd(cCard); !errors.Is(err, keys.ErrNameTaken) || !errors.Is(err, keys.ErrDoubted) {
		t.Errorf("CanAdd: %v", err)
	}
	if err := h.Add(cCard); !errors.Is(err, keys.ErrNameTaken) {
		t.Errorf("Add: %v", err)
	}
	if err := h.AddCompared(cCard); err != nil {
		t.Error(err)
	}
	if got := person(t, h, "Ada"); len(got) != 2 {
		t.Errorf("counts: %v", got)
	}
	if _, fresh, _ := generate(t, "Ada"); !errors.Is(h.AddCompared(fresh), keys.ErrNameTaken) {
		t.Error("a card that nobody knew was taken")
	}
}

// What was exported and imported knows which keys of its holder were revoked: its own,
// an earlier one, and that of another device, also one that no card is pinned of.
func TestExportKeepsRevocations(t *testing.T) {
	h := openHome(t, t.TempDir())
	old, err := h.Init("Ada", nil)
	if err != nil {
		t.Fatal(err)
	}
	oldCard := mustCard(t, old)
	phone, phoneCard, _ := generate(t, "Ada")
	tablet, tabletCard, _ := generate(t, "Ada")
	bob, bobCard, _ := generate(t, "Bob")
	add(t, h, approve(t, old, phoneCard), bobCard)
	id, err := h.Rotate(nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	card := mustCard(t, id)
	revoke(t, h, phone, phoneCard)
	revoke(t, h, id, oldCard) // by another key than its own
	revoke(t, h, tablet, tabletCard)
	revoke(t, h, id, card)
	revoke(t, h, bob, bobCard)
	for range 2 { // exported from the home, and from what was imported
		if id, err = h.Load(nil); err != nil {
			t.Fatal(err)
		}
		b, err := id.Export([]byte("xyzzy"), 1)
		if err != nil {
			t.Fatal(err)
		}
		if id, err = keys.ParseExport(b, []byte("xyzzy")); err != nil {
			t.Fatal(err)
		}
		h = openHome(t, t.TempDir())
		if err := h.Import(id, nil); err != nil {
			t.Fatal(err)
		}
		pins, err := h.Pins()
		if err != nil || len(pins) != 2 {
			t.Fatalf("%d pins, %v", len(pins), err)
		}
		for _, p := range pins {
			if p.Revoked == nil {
				t.Errorf("%s is not revoked", p.Key)
			}
		}
		for _, c := range []keys.Card{phoneCard, tabletCard} {
			if _, err := h.CanAdd(c); !errors.Is(err, keys.ErrRevoked) {
				t.Errorf("a device that was revoked: %v", err)
			}
		}
		if _, err := h.CanAdd(bobCard); err != nil {
			t.Errorf("of another name: %v", err)
		}
	}
}

// A file that revokes keys of others is no exported identity.
func TestExportOfForeignRevocation(t *testing.T) {
	id, _, _ := generate(t, "Ada")
	bob, bobCard, _ := generate(t, "Bob")
	r, err := bob.Revoke(bobCard, "")
	if err != nil {
		t.Fatal(err)
	}
	id.AddRevocation(r)
	b, err := id.Export([]byte("xyzzy"), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.ParseExport(b, []byte("xyzzy")); !errors.Is(err, keys.ErrOtherName) {
		t.Errorf("got %v", err)
	}
}
