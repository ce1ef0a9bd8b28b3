//go:build unix

package dir_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/archive"
)

// What is in the folder but was not put there is not shown, and not followed.
func TestStrangeFiles(t *testing.T) {
	s, path := create(t)
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, s, "ID/head", "head")
	at := func(name string) string { return filepath.Join(path, filepath.FromSlash(name)) }
	for name, err := range map[string]error{
		"temporary":  os.WriteFile(at(".tmp-killed"), []byte("x"), 0o600),
		"temporary2": os.WriteFile(at("ID/.tmp-killed"), []byte("x"), 0o600),
		"bad name":   os.WriteFile(at("ID/no object"), []byte("x"), 0o600),
		"link":       os.Symlink(secret, at("ID/link")),
		"folder":     os.Symlink(outside, at("out")),
		"empty":      os.Mkdir(at("empty"), 0o700),
		"pipe":       syscall.Mkfifo(at("ID/pipe"), 0o600),
	} {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	t.Cleanup(func() { // before the check for temporary files
		os.Remove(at(".tmp-killed"))
		os.Remove(at("ID/.tmp-killed"))
	})
	var got []string
	for info, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, info.Name)
	}
	if !slices.Equal(got, []string{"ID/head"}) {
		t.Errorf("listed %q", got)
	}
	for name, err := range s.Prefixes(t.Context()) {
		if err != nil || name != "ID" {
			t.Errorf("prefix %q, %v", name, err)
		}
	}
	for name, want := range map[string]error{
		"ID/link":    fs.ErrNotExist,
		"out/secret": fs.ErrNotExist,
		"ID/pipe":    fs.ErrNotExist,
		"empty":      fs.ErrNotExist,
	} {
		if r, err := s.Get(t.Context(), name, 0, -1); !errors.Is(err, want) {
			t.Errorf("Get(%s): got %v, want %v", name, err, want)
		} else if err == nil {
			r.Close()
		}
		for _, replace := range []bool{false, true} {
			b := archive.BytesBlob([]byte("new"))
			b.Replace = replace
			if err := s.Put(t.Context(), name, b); err == nil && !(replace && strings.HasPrefix(name, "ID/")) {
				t.Errorf("Put(%s), replace %t: no error", name, replace)
			}
		}
	}
	if data, err := os.ReadFile(secret); err != nil || string(data) != "secret" {
		t.Errorf("the file outside holds %q, %v", data, err)
	}
}

// What is in the place of a recording's folder counts, in its place in the order.
func TestPrefixesOfOthers(t *testing.T) {
	s, path := create(t)
	link, file, other := strings.Repeat("0", 26), "1"+strings.Repeat("0", 25), strings.Repeat("0", 26)+"-1"
	if err := s.Put(t.Context(), other+"/head", archive.BytesBlob(nil)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink(t.TempDir(), filepath.Join(path, link)), os.WriteFile(filepath.Join(path, file), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for name, err := range s.Prefixes(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, name)
	}
	if !slices.Equal(got, []string{other, link, file}) {
		t.Errorf("got %q", got)
	}
	got = nil
	for id, err := range archive.IDs(t.Context(), s) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, id)
	}
	if !slices.Equal(got, []string{link, file}) {
		t.Errorf("IDs %q", got)
	}
}
