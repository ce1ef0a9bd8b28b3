package web

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNoDisk: what is decrypted stays in memory. Nothing here, nor what makes
// the browser's bytes, can so much as name a file, or call out.
func TestNoDisk(t *testing.T) {
	for folder, least := range map[string]int{".": 6, "../player": 10, "../internal/fragment": 4, "../internal/opus": 1, "../tape": 10} {
		files, err := filepath.Glob(folder + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		files = slices.DeleteFunc(files, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
		if len(files) < least {
			t.Errorf("%s has %d files only", folder, len(files))
		}
		for _, name := range files {
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range f.Imports {
				switch p := strings.Trim(spec.Path.Value, `"`); {
				case p == "os", strings.HasPrefix(p, "os/"), p == "syscall", p == "unsafe", p == "plugin",
					strings.HasPrefix(p, "golang.org/x/sys"), strings.HasSuffix(p, "/pprof"), p == "expvar", p == "net/smtp":
					t.Errorf("%s imports %s", name, p)
				}
			}
		}
	}
}
