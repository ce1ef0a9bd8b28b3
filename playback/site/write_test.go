package site

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
)

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "player")
	c := testConfig()
	first := build(t, c)
	if _, err := first.Write(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "robots.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c.Program = []byte("\x00asm a later one")
	s := build(t, c)
	if _, err := s.Write(dir); err != nil {
		t.Fatal(err)
	}
	for _, f := range append(s.Files, s.Hosting...) {
		if data, err := os.ReadFile(filepath.Join(dir, f.Name)); err != nil || string(data) != string(f.Data) {
			t.Errorf("%s: %v, %d bytes", f.Name, err, len(data))
		}
		if info, err := os.Stat(filepath.Join(dir, f.Name)); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v, %v", f.Name, err, info)
		}
	}
	if sums, err := os.ReadFile(filepath.Join(dir, SumsName)); err != nil || !strings.HasPrefix(string(sums), s.Sum()+"  index.html\n") {
		t.Errorf("%v, %s", err, sums)
	}
	if _, err := os.Stat(filepath.Join(dir, first.Files[4].Name)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the program before: %v", err)
	}
	for _, name := range []string{"robots.txt", "index.html.gz"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".tmp-*")); err != nil || len(left) > 0 {
		t.Errorf("%v, left over: %q", err, left)
	}
	small, err := os.ReadFile(filepath.Join(dir, "index.html.br"))
	if err != nil {
		t.Fatal(err)
	}
	if index, err := io.ReadAll(brotli.NewReader(bytes.NewReader(small))); err != nil || !bytes.Equal(index, s.Files[0].Data) {
		t.Errorf("%v, %d bytes", err, len(index))
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(other); !errors.Is(err, ErrNotOurs) {
		t.Errorf("error %v", err)
	}
}

// TestWriteAgain: what is there compressed already is not compressed again, unless it is
// something else.
func TestWriteAgain(t *testing.T) {
	dir, c := t.TempDir(), testConfig()
	c.Program = bytes.Repeat([]byte("\x00asm program "), 1000)
	s := build(t, c)
	if _, err := s.Write(dir); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, s.Files[4].Name) + ".br"
	pack := func(data []byte) []byte {
		var b bytes.Buffer
		if err := writeAll(brotli.NewWriterLevel(&b, 0), data); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	c.Stores = append(c.Stores, "https://other.example.org")
	for what, tt := range map[string]struct {
		there []byte
		kept  bool
	}{
		"as it is": {pack(c.Program), true}, "less": {pack(c.Program[1:]), false}, "more": {pack(append(bytes.Clone(c.Program), ' ')), false}, "nothing": {nil, false},
	} {
		if err := os.WriteFile(name, tt.there, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := build(t, c).Write(dir); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil || bytes.Equal(got, tt.there) != tt.kept || !packs(".br", got, c.Program) {
			t.Errorf("%s: %v, %d bytes, were %d", what, err, len(got), len(tt.there))
		}
	}
}

// TestHosting: each host is told all headers.
func TestHosting(t *testing.T) {
	c := testConfig()
	s := build(t, c)
	if len(s.Hosting) != 3 {
		t.Fatalf("%d hosts", len(s.Hosting))
	}
	for _, f := range s.Hosting {
		text := string(f.Data)
		if strings.HasSuffix(f.Name, ".json") {
			var v any
			if err := json.Unmarshal(f.Data, &v); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
			text = strings.NewReplacer(`"FrameOption"`, "X-Frame-Options", "ContentTypeOptions", "X-Content-Type-Options nosniff",
				`"ContentSecurityPolicy"`, "Content-Security-Policy", `"ReferrerPolicy"`, "Referrer-Policy").Replace(text)
		}
		for _, h := range c.headers(s.policy) {
			if !strings.Contains(text, h.name) || !strings.Contains(text, h.value) {
				t.Errorf("%s has no %s: %s", f.Name, h.name, h.value)
			}
		}
		if strings.Contains(text, "'unsafe-inline'") {
			t.Errorf("%s: %s", f.Name, text)
		}
	}
}
