package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"

	"github.com/sealtape/sealtape/playback/site"
	"github.com/sealtape/sealtape/playback/web"
	"github.com/sealtape/sealtape/testdata/sample"
)

// What browsers are to fetch at most, in bytes.
const (
	mostProgram = 8_900_000
	mostPacked  = 2_450_000 // by gzip
	mostVisit   = 2_000_000 // the page and the program, as they are served
	mostQuickly = 2_340_000 // the same by a level of brotli that takes a second, not half a minute
)

// build compiles the program from the module in a folder.
func build(ctx context.Context, module string, env ...string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "sealtape-web-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "sealtape.wasm")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, "./cmd/sealtape-web")
	cmd.Dir = module
	cmd.Env = append(append(os.Environ(), "GOOS=js", "GOARCH=wasm", "GOFLAGS="), env...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, text)
	}
	return os.ReadFile(out)
}

// program is the compiled program, which all tests share.
var program = sync.OnceValues(func() ([]byte, error) { return build(context.Background(), "../..") })

func compiled(t testing.TB) []byte {
	t.Helper()
	b, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestReproducible: the program is the same, wherever the source is.
func TestReproducible(t *testing.T) {
	sample.Live(t)
	elsewhere := copied(t)
	var env []string
	if sample.All() {
		env = append(env, "GOCACHE="+t.TempDir()) // nothing is taken from the first build
	}
	again, err := build(t.Context(), elsewhere, env...)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := sha256.Sum256(compiled(t)), sha256.Sum256(again); a != b {
		t.Errorf("%x here, %x in another folder", a, b)
	}
}

// copied copies the parts of the module that the program is built from.
func copied(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f",
		`{{if and .Module .Module.Main}}{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{range .EmbedFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{end}}`, ".")
	list.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	files := append(strings.Fields(string(out)), filepath.Join(root, "go.mod"), filepath.Join(root, "go.sum"))
	if len(files) < 100 {
		t.Fatalf("%d files", len(files))
	}
	for _, name := range files {
		rel, err := filepath.Rel(root, name)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, rel)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestSize: what a first visit fetches stays small. Unless every case is to run, it is packed
// quickly, and may be larger by as much as that makes it.
func TestSize(t *testing.T) {
	sample.Live(t)
	code := compiled(t)
	packed := packedSize(t, code, func(w io.Writer) io.WriteCloser {
		return gzip.NewWriter(w) // which is not the best, and enough
	})
	s, err := site.Build(site.Config{Page: web.Page(), Program: code, Glue: site.Glue(), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	var visit, most int64
	if sample.All() {
		most = mostVisit
		if visit, err = s.Write(filepath.Join(t.TempDir(), "player")); err != nil {
			t.Fatal(err)
		}
	} else {
		most = mostQuickly
		for _, f := range s.Files {
			visit += int64(packedSize(t, f.Data, func(w io.Writer) io.WriteCloser { return brotli.NewWriterLevel(w, 5) }))
		}
	}
	t.Logf("the program has %d bytes, %d by gzip; a first visit takes %d", len(code), packed, visit)
	if len(code) > mostProgram || packed > mostPacked || visit > most {
		t.Errorf("more than %d, %d and %d", mostProgram, mostPacked, most)
	}
}

// packedSize returns how large data are when they are packed.
func packedSize(t *testing.T, data []byte, packer func(io.Writer) io.WriteCloser) int {
	t.Helper()
	var b bytes.Buffer
	w := packer(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

// TestImports: the program has no keys, and no way out but the page.
func TestImports(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", ".")
	list.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 50 {
		t.Fatalf("%d packages", len(deps))
	}
	for _, dep := range deps {
		for _, not := range []string{"net", "net/http", "crypto/tls", "golang.org/x/crypto/ssh", "github.com/sealtape/sealtape/keys", "github.com/sealtape/sealtape/playback/web"} {
			if dep == not || not != "net" && strings.HasPrefix(dep, not+"/") {
				t.Errorf("it needs %s", dep)
			}
		}
	}
}
