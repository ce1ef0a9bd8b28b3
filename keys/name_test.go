package keys_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/sample"
)

// lowOrderRecipient is the X25519 point zero, to which nothing can be sealed.
const lowOrderRecipient = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z"

// nameVectors are the names of testdata/names.json.
type nameVectors struct {
	Same, Different   [][2]string
	Accepted, Refused []string
}

func readNames(t *testing.T) (v nameVectors) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "names.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Same) < 10 || len(v.Different) < 5 || len(v.Accepted) < 10 || len(v.Refused) < 10 {
		t.Fatal("there are fewer than there were")
	}
	return v
}

func TestNameVectors(t *testing.T) {
	v := readNames(t)
	for _, p := range v.Same {
		if !keys.SameName(p[0], p[1]) {
			t.Errorf("%q and %q are two names", p[0], p[1])
		}
	}
	for _, p := range v.Different {
		if keys.SameName(p[0], p[1]) {
			t.Errorf("%q and %q are one name", p[0], p[1])
		}
	}
	for _, s := range v.Accepted {
		if err := keys.CheckName(s); err != nil {
			t.Errorf("%+q: %v", s, err)
		}
	}
	for _, s := range v.Refused {
		if err := keys.CheckName(s); !errors.Is(err, keys.ErrBadName) {
			t.Errorf("%+q: %v", s, err)
		}
	}
}

// The tables are what they say they are, of every code point, as long as this Go has
// those of the same version; a later one differs in what was not assigned then.
func TestUnicodeTables(t *testing.T) {
	fold := cases.Fold()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		printable, mark := keys.PrintableAndMark(r)
		if !printable && mark {
			t.Fatalf("%U is a mark and cannot be printed", r)
		}
		if printable && !unicode.IsPrint(r) || unicode.Version == "15.0.0" && printable != unicode.IsPrint(r) {
			t.Fatalf("%U: printable %t", r, printable)
		}
		if printable && mark != unicode.IsMark(r) {
			t.Fatalf("%U: mark %t", r, mark)
		}
		if !printable {
			continue
		}
		if r >= 0x13a0 && r <= 0x13f5 {
			// Cherokee folds to its capitals, which stay; x/text v0.42.0 swaps the two.
			if got := keys.FoldName(string(r)); got != string(r) {
				t.Fatalf("%U folds to %+q", r, got)
			}
			continue
		}
		want := norm.NFC.String(fold.String(norm.NFC.String(string(r))))
		if got := keys.FoldName(string(r)); got != want {
			t.Fatalf("%U folds to %+q, want %+q", r, got, want)
		}
	}
}

// The tables of browsers are those of Go, byte for byte.
func TestUnicodeTablesAgree(t *testing.T) {
	js, err := os.ReadFile(filepath.Join("web", "unicode.js"))
	if err != nil {
		t.Fatal(err)
	}
	var tables []string
	var table strings.Builder
	for line := range strings.Lines(string(js)) {
		s, ok := strings.CutPrefix(line, "  + '")
		if !ok {
			continue
		}
		s, end := strings.CutSuffix(s, "';\n")
		table.WriteString(strings.TrimSuffix(s, "'\n"))
		if end {
			tables = append(tables, table.String())
			table.Reset()
		}
	}
	if want := keys.UnicodeTables(); fmt.Sprint(tables) != fmt.Sprint(want) {
		t.Errorf("the tables differ; go generate makes both")
	}
}

// Browsers say of the shared names what Go says, and of every code point, whichever
// version of Unicode they have themselves.
func TestNamesAgree(t *testing.T) {
	sample.Live(t)
	v := readNames(t)
	pairs := slices.Concat(v.Same, v.Different)
	var all []string
	for _, p := range pairs {
		all = append(all, p[0], p[1])
	}
	all = slices.Concat(all, v.Accepted, v.Refused)
	in, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/names.mjs")
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node, with which the tests run: %v", err)
	}
	var js struct {
		Folded []string
		OK     []bool
		Sum    string
	}
	if err := json.Unmarshal(out, &js); err != nil || len(js.Folded) != len(all) || len(js.OK) != len(all) {
		t.Fatalf("%.100q: %v", out, err)
	}
	for i, s := range all {
		// What is no name has no form: x/text puts joiners into many marks in a row.
		if got := js.Folded[i]; i < 2*len(pairs)+len(v.Accepted) && got != keys.FoldName(s) {
			t.Errorf("%+q folds to %+q in JavaScript, to %+q in Go", s, got, keys.FoldName(s))
		}
		if err := keys.CheckName(s); (err == nil) != js.OK[i] {
			t.Errorf("%+q: Go says %v, JavaScript takes it: %t", s, err, js.OK[i])
		}
	}
	sum := sha256.New()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if printable, mark := keys.PrintableAndMark(r); printable {
			fmt.Fprintf(sum, "%x %t %t %x\n", r, mark, keys.CheckName("x"+string(r)) == nil, keys.FoldName(string(r)))
		}
	}
	if want := fmt.Sprintf("%x", sum.Sum(nil)); js.Sum != want {
		t.Errorf("the code points give %s in JavaScript, want %s", js.Sum, want)
	}
}
