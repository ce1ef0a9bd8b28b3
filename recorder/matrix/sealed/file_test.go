package sealed

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"

	"filippo.io/age"
)

func newFolder(t *testing.T) Folder {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return Folder{Dir: t.TempDir(), Identities: []age.Identity{key}, Recipients: []age.Recipient{key.Recipient()}}
}

// A file is one process's, and is opened by those it was sealed to.
func TestFile(t *testing.T) {
	folder := newFolder(t)
	if held, err := folder.Held("@Ada:meet.test"); held || err != nil {
		t.Errorf("held by somebody: %v, %v", held, err)
	}
	f, err := folder.Hold("@Ada:meet.test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := folder.Hold("@Ada:meet.test"); !errors.Is(err, ErrHeld) {
		t.Errorf("held twice: %v", err)
	}
	if held, err := folder.Held("@Ada:meet.test"); !held || err != nil {
		t.Errorf("held by this process: %v, %v", held, err)
	}
	if _, err := f.Load(); !errors.Is(err, ErrNoAccount) {
		t.Errorf("before anything was saved: %v", err)
	}
	for _, text := range []string{"a first secret", "a second"} {
		if err := f.Save([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := f.Load(); err != nil || string(got) != text {
			t.Errorf("loaded %q, %v", got, err)
		}
	}
	if got, err := folder.Read("@Ada:meet.test"); err != nil || string(got) != "a second" {
		t.Errorf("read %q, %v", got, err)
	}
	other := newFolder(t)
	other.Dir = folder.Dir
	if _, err := other.Read("@Ada:meet.test"); !errors.Is(err, ErrOtherHome) {
		t.Errorf("with another identity: %v", err)
	}
	b, err := os.ReadFile(f.path)
	if err != nil || bytes.Contains(b, []byte("second")) {
		t.Fatalf("not sealed: %v", err)
	}
	if _, err := open(bytes.NewReader(b[:len(b)-5]), folder.Identities); !errors.Is(err, ErrDamaged) {
		t.Errorf("cut: %v", err)
	}
	if _, err := os.Stat(f.path + ".new"); err == nil {
		t.Error("there is a second file")
	}
	if err := errors.Join(f.Remove(), f.Remove(), f.Close()); err != nil {
		t.Error(err)
	}
	if _, err := folder.Read("@Ada:meet.test"); !errors.Is(err, ErrNoAccount) {
		t.Errorf("after it was removed: %v", err)
	}
}

// The names of files say whose they are, on all file systems.
func TestUsers(t *testing.T) {
	folder := newFolder(t)
	if users, err := folder.Users(); err != nil || len(users) != 0 {
		t.Errorf("%v, %v", users, err)
	}
	want := []string{"@.a/b=c:[::1]:8448", "@Ada:meet.test", "@recorder:meet.test"}
	for _, user := range want {
		f, err := folder.Hold(user)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Save([]byte("x")), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if users, err := folder.Users(); err != nil || !slices.Equal(users, want) {
		t.Errorf("%q, %v", users, err)
	}
	for _, name := range []string{"=", "=4", "=zz", "a=4"} {
		if user, ok := userOf(name); ok {
			t.Errorf("%q is taken for %q", name, user)
		}
	}
}

// Whatever a file holds, opening it ends in an error or in what was sealed.
func FuzzOpen(f *testing.F) {
	key, err := age.ParseX25519Identity("AGE-SECRET-KEY-184JMZMVQH3E6U0PSL869004Y3U2NYV7R30EU99CSEDNPH02YUVFSZW44VU")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("age-encryption.org/v1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		plain, err := open(bytes.NewReader(b), []age.Identity{key})
		if err != nil && (plain != nil || !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrOtherHome)) || len(plain) > MaxSize {
			t.Errorf("%d bytes, %v", len(plain), err)
		}
	})
}
