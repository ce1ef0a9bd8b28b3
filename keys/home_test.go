package keys_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/sealtape/sealtape/keys"
	"golang.org/x/mod/sumdb/note"
)

func openHome(t *testing.T, dir string) *keys.Home {
	t.Helper()
	h, err := keys.OpenHome(dir)
	if err != nil {
		t.Fatal(err)
	}
	h.SetScryptWork(10)
	return h
}

func pass(s string) func() ([]byte, error) {
	return func() ([]byte, error) { return []byte(s), nil }
}

func mustNotAsk(t *testing.T) func() ([]byte, error) {
	return func() ([]byte, error) {
		t.Error("asked for a passphrase")
		return nil, errors.New("none")
	}
}

func TestHome(t *testing.T) {
	for _, withPassphrase := range []bool{true, false} {
		h := openHome(t, filepath.Join(t.TempDir(), "a", "home"))
		if _, err := h.Load(mustNotAsk(t)); !errors.Is(err, keys.ErrNoIdentity) {
			t.Errorf("empty home: %v", err)
		}
		if _, err := h.OwnCard(); !errors.Is(err, keys.ErrNoIdentity) {
			t.Errorf("empty home: %v", err)
		}
		var p []byte
		ask := mustNotAsk(t)
		asked := 0
		if withPassphrase {
			p = []byte("correct horse")
			ask = func() ([]byte, error) { asked++; return p, nil }
		}
		id, err := h.Init("Ada", p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := openHome(t, h.Dir()).Load(ask)
		if err != nil {
			t.Fatal(err)
		}
		if withPassphrase && asked != 1 {
			t.Errorf("asked %d times", asked)
		}
		if h.HasPassphrase() != withPassphrase {
			t.Error("HasPassphrase is wrong")
		}
		if got.Name() != "Ada" || got.Verifier().Name() != id.Verifier().Name() {
			t.Errorf("loaded another identity: %v", got)
		}
		own, err := h.OwnCard()
		if err != nil || own.Key != mustCard(t, id).Key || own.Key != mustCard(t, got).Key {
			t.Errorf("own card: %+v, %v", own, err)
		}
		msg, err := note.Sign(&note.Note{Text: "x\n"}, got.Signer())
		if err != nil {
			t.Fatal(err)
		}
		vs, err := h.Verifiers()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := note.Open(msg, vs); err != nil {
			t.Errorf("one's own card does not count as pinned: %v", err)
		}
		if b, err := seal(got.Recipients()[0]); err != nil {
			t.Error(err)
		} else if _, err := age.Decrypt(bytes.NewReader(b), id.AgeIdentities()...); err != nil {
			t.Error(err)
		}

		if _, err := h.Init("Eve", p); !errors.Is(err, keys.ErrIdentityExists) {
			t.Errorf("second Init: %v", err)
		}
		if again, err := h.OwnCard(); err != nil || again.Key != own.Key {
			t.Errorf("second Init changed the card: %v", err)
		}
		checkModes(t, h.Dir())
	}
}

func mustCard(t *testing.T, id *keys.Identity) keys.Card {
	t.Helper()
	c, err := id.Card()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func seal(r age.Recipient) ([]byte, error) {
	e, err := age.EncryptReader(strings.NewReader("hello"), r)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(e)
}

func open(b []byte, id *keys.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(b), id.AgeIdentities()...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// checkModes checks that nothing in the home is open to others, and that no
// temporary file was left.
func checkModes(t *testing.T, dir string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		if fi.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", p, fi.Mode())
		}
		if strings.HasPrefix(d.Name(), ".") && d.Name() != ".lock" {
			t.Errorf("%s was left behind", p)
		}
		n++
		return nil
	})
	if err != nil || n < 5 {
		t.Fatalf("%d files, %v", n, err)
	}
}

func TestWrongPassphrase(t *testing.T) {
	h := openHome(t, t.TempDir())
	if _, err := h.Init("Ada", []byte{}); err == nil {
		t.Fatal("an empty passphrase was taken")
	}
	if _, err := h.Init("Ada", []byte("right")); err != nil {
		t.Fatal(err)
	}
	for name, ask := range map[string]func() ([]byte, error){
		"wrong": pass("wrong"), "empty": pass(""), "case": pass("Right"), "none": nil,
	} {
		if _, err := h.Load(ask); !errors.Is(err, keys.ErrPassphrase) {
			t.Errorf("%s: %v", name, err)
		}
	}
	cancelled := errors.New("cancelled")
	if _, err := h.Load(func() ([]byte, error) { return nil, cancelled }); !errors.Is(err, cancelled) {
		t.Errorf("an error of the prompt: %v", err)
	}
	if _, err := h.Load(pass("right")); err != nil {
		t.Error(err)
	}
}

// An identity file made to burn memory is refused before it does.
func TestWorkFactorIsBounded(t *testing.T) {
	h := openHome(t, t.TempDir())
	if _, err := h.Init("Ada", []byte("right")); err != nil {
		t.Fatal(err)
	}
	p := filepath.Join(h.Dir(), "identity.age")
	b, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := bytes.Cut(b, []byte(" 10\n"))
	if !ok {
		t.Fatal("no work factor in the header")
	}
	if err := os.WriteFile(p, append(append(head, " 21\n"...), rest...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Load(pass("right")); err == nil || errors.Is(err, keys.ErrPassphrase) {
		t.Errorf("work factor 21: %v", err)
	}
}

func TestSwappedFiles(t *testing.T) {
	dirs := [2]string{t.TempDir(), t.TempDir()}
	tests := []struct {
		file       string
		passphrase []byte
	}{
		{"signer.txt", nil}, {"card.txt", nil}, {"identity.txt", nil},
		{"signer.age", []byte("x")}, {"card.txt", []byte("x")},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			for i := range dirs {
				dirs[i] = t.TempDir()
				if _, err := openHome(t, dirs[i]).Init("Ada", tt.passphrase); err != nil {
					t.Fatal(err)
				}
			}
			b, err := os.ReadFile(filepath.Join(dirs[1], tt.file))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dirs[0], tt.file), b, 0o600); err != nil {
				t.Fatal(err)
			}
			if id, err := openHome(t, dirs[0]).Load(pass("x")); err == nil {
				t.Errorf("a swapped %s passed: %v", tt.file, id)
			}
		})
	}

	// Anyone can seal a signing key to a card, without the passphrase: it must
	// still be the one that the identity file names.
	dir := t.TempDir()
	id, err := openHome(t, dir).Init("Ada", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	skey, _, err := note.GenerateKey(rand.Reader, id.Signer().Name())
	if err != nil {
		t.Fatal(err)
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, id.Recipients()...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, skey+"\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "signer.age"), sealed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openHome(t, dir).Load(pass("x")); err == nil {
		t.Error("a foreign signing key passed")
	}
}

func TestPermissions(t *testing.T) {
	h := openHome(t, t.TempDir())
	if _, err := h.Init("Ada", nil); err != nil {
		t.Fatal(err)
	}
	var perm *keys.PermissionError
	for _, f := range []string{"identity.txt", "signer.txt"} {
		p := filepath.Join(h.Dir(), f)
		if err := os.Chmod(p, 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Load(nil); !errors.As(err, &perm) || perm.Path != p || perm.Want != 0o600 {
			t.Errorf("%s readable by others: %v", f, err)
		}
		if err := os.Chmod(p, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"", "members", "spool"} {
		p := filepath.Join(h.Dir(), d)
		if err := os.Chmod(p, 0o770); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.OpenHome(h.Dir()); !errors.As(err, &perm) || perm.Path != p || perm.Want != 0o700 {
			t.Errorf("%q writable by others: %v", d, err)
		}
		if err := os.Chmod(p, 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMembers(t *testing.T) {
	h := openHome(t, filepath.Join(t.TempDir(), "home"))
	ada, err := h.Init("Ada", nil)
	if err != nil {
		t.Fatal(err)
	}
	bobID, bob, _ := generate(t, "Bob")
	_, zoe, _ := generate(t, "zoë")
	for _, c := range []keys.Card{zoe, bob, bob, mustCard(t, ada)} {
		if err := h.Add(c); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
	got, err := h.Members()
	if err != nil || len(got) != 2 || got[0].Name != "Bob" || got[1].Name != "zoë" {
		t.Fatalf("members %+v, %v", got, err)
	}
	for _, name := range []string{"Bob", "BOB", "Zoë", "ZOË", "ada"} {
		if c, err := h.Member(name); err != nil || !strings.EqualFold(c.Name, name) {
			t.Errorf("%s: %q, %v", name, c.Name, err)
		}
	}
	if c, err := h.Member("Zoe\u0308"); err != nil || c.Name != "zoë" {
		t.Errorf("a decomposed name: %q, %v", c.Name, err)
	}

	_, eve, _ := generate(t, "BOB")
	if err := h.Add(eve); !errors.Is(err, keys.ErrNameTaken) {
		t.Errorf("another key under a pinned name: %v", err)
	}
	_, eve, _ = generate(t, "ada")
	if err := h.Add(eve); !errors.Is(err, keys.ErrNameTaken) {
		t.Errorf("another key under one's own name: %v", err)
	}
	renamed, err := bobID.Forge(func(c *keys.Card) { c.Name = "Robert" })
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Add(renamed); !errors.Is(err, keys.ErrKeyTaken) {
		t.Errorf("a pinned key under another name: %v", err)
	}
	broken := bob
	broken.Name = "Mallory"
	if err := h.Add(broken); !errors.Is(err, keys.ErrBadCard) {
		t.Errorf("a card that was changed: %v", err)
	}
	if err := h.Add(keys.Card{}); !errors.Is(err, keys.ErrBadCard) {
		t.Errorf("the zero card: %v", err)
	}

	newer, err := bobID.Forge(func(c *keys.Card) { c.Created = c.Created.Add(time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Add(newer); err != nil {
		t.Errorf("a newer card: %v", err)
	}
	if c, err := h.Member("Bob"); err != nil || !c.Created.Equal(newer.Created) {
		t.Errorf("the newer card did not replace the older: %v, %v", c.Created, err)
	}
	if err := h.Add(bob); !errors.Is(err, keys.ErrOlderCard) {
		t.Errorf("an older card: %v", err)
	}
	checkModes(t, h.Dir())

	if err := h.Remove("bob", ""); err != nil {
		t.Error(err)
	}
	if err := h.Remove("bob", ""); !errors.Is(err, keys.ErrNoMember) {
		t.Errorf("removed twice: %v", err)
	}
	if err := h.Remove("../identity.txt", ""); !errors.Is(err, keys.ErrNoMember) {
		t.Errorf("a path for a name: %v", err)
	}
	if _, err := h.Member("Bob"); !errors.Is(err, keys.ErrNoMember) {
		t.Errorf("after Remove: %v", err)
	}
	vs, err := h.Verifiers()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vs.Verifier(bob.Verifier().Name(), bob.Verifier().KeyHash()); err == nil {
		t.Error("a removed card still verifies")
	}
	if _, err := vs.Verifier(zoe.Verifier().Name(), zoe.Verifier().KeyHash()); err != nil {
		t.Error(err)
	}
}

func TestInitUnderAPinnedName(t *testing.T) {
	h := openHome(t, t.TempDir())
	_, c, _ := generate(t, "Ada")
	if err := h.Add(c); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Init("ADA", nil); !errors.Is(err, keys.ErrNameTaken) {
		t.Errorf("got %v", err)
	}
}

// What lies in members/ was pinned: a file that changed is not passed over.
func TestDamagedMember(t *testing.T) {
	h := openHome(t, t.TempDir())
	_, bob, b := generate(t, "Bob")
	if err := h.Add(bob); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(h.Dir(), "members", "*.card"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	if name := filepath.Base(files[0]); strings.Contains(strings.ToLower(name), "bob") {
		t.Errorf("the file is named by its content: %s", name)
	}
	if err := os.WriteFile(files[0], b[:len(b)-10], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Members(); !errors.Is(err, keys.ErrBadCard) {
		t.Errorf("a cut card: %v", err)
	}
	_, _, eve := generate(t, "Eve")
	if err := os.WriteFile(files[0], eve, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Members(); !errors.Is(err, keys.ErrBadCard) {
		t.Errorf("another's card under the name: %v", err)
	}
}

// Two processes that pin different keys under one name: one wins.
func TestConcurrentAdd(t *testing.T) {
	h := openHome(t, t.TempDir())
	const n = 8
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		_, c, _ := generate(t, "Bob")
		wg.Go(func() { errs[i] = h.Add(c) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, keys.ErrNameTaken) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d pinned", won)
	}
}

func TestIdentityPrintsNoSecret(t *testing.T) {
	h := openHome(t, t.TempDir())
	id, err := h.Init("Ada", nil)
	if err != nil {
		t.Fatal(err)
	}
	printed := strings.Join([]string{sprint("%v", id), sprint("%+v", id), sprint("%#v", id), sprint("%s", id)}, "\n")
	for _, f := range []string{"identity.txt", "signer.txt"} {
		b, err := os.ReadFile(filepath.Join(h.Dir(), f))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(b)), "\n")
		if secret := lines[len(lines)-1]; strings.Contains(printed, secret) {
			t.Errorf("printed the secret of %s", f)
		}
	}
	if !strings.Contains(printed, "Ada") {
		t.Errorf("printed %q", printed)
	}
}

func sprint(format string, v any) string { return fmt.Sprintf(format, v) }
