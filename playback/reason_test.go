package playback

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/recorder/media"
)

// Each reason of a hole has words of its own, and what was wanted is not missing.
func TestReason(t *testing.T) {
	holes := make(map[string]string)
	files, err := filepath.Glob("../recorder/media/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(v.Names[0].Name, "Hole") || len(v.Values) != 1 {
				return true
			}
			if l, ok := v.Values[0].(*ast.BasicLit); ok && l.Kind == token.STRING {
				holes[v.Names[0].Name], _ = strconv.Unquote(l.Value)
			}
			return true
		})
	}
	if len(holes) < 15 {
		t.Fatalf("found %d reasons: %v", len(holes), holes)
	}
	for name, hole := range holes {
		words := reason(hole)
		if words == "missing" {
			t.Errorf("%s (%s) has no words of its own", name, hole)
		}
		if media.Wanted(hole) && strings.Contains(words, "missing") {
			t.Errorf("%s (%s) was wanted, and is called %q", name, hole, words)
		}
	}
}
