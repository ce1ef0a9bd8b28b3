package archive

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"

func TestParseName(t *testing.T) {
	for name, want := range map[string]logged{
		"epochs/000001.age":            {kind: Epoch, number: 1},
		"epochs/000012-classic.age":    {kind: Epoch, number: 12, classic: true},
		"epochs/000003-02.age":         {kind: Epoch, number: 3, part: 2},
		"epochs/000003-classic-08.age": {kind: Epoch, number: 3, classic: true, part: 8},
		"epochs/000003-late-0001.age":  {kind: Epoch, number: 3, late: 1},
		"epochs/000003-late-4096.age":  {kind: Epoch, number: 3, late: 4096},
		"segments/000000.age":          {kind: Segment},
		"segments/999999-torn.age":     {kind: Segment, number: maxNumber, torn: true},
		"index/000064.age":             {kind: Index, number: 64},
	} {
		if got, ok := parseName(name); !ok || got != want {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
		if want.String() != name {
			t.Errorf("%+v is named %s, want %s", want, want, name)
		}
	}
	for _, name := range []string{
		"", "head", "log/0000", "epochs/000000.age", "epochs/000001-torn.age", "epochs/1.age", "epochs/000001",
		"segments/00000.age", "segments/0000000.age", "segments/+00001.age", "segments/-00001.age", "segments/000000-classic.age",
		"segments/000000.age.part", "segments/000000-torn-torn.age", "segments/000000-torn", "index/000000-torn.age",
		"/segments/000000.age", "./segments/000000.age", "segments/../epochs/000001.age", "shares/000000.age", "segments/00000٣.age",
		"epochs/000001-01.age", "epochs/000001-09.age", "epochs/000001-2.age", "epochs/000001-02-classic.age", "epochs/000001-002.age",
		"epochs/000001-late-0000.age", "epochs/000001-late-4097.age", "epochs/000001-late-1.age", "epochs/000001-late-00001.age",
		"epochs/000001-late-.age", "epochs/000001-late.age", "epochs/000001-classic-late-0001.age", "epochs/000001-late-0001-classic.age", "segments/000000-late-0001.age",
		"epochs/000001-.age", "epochs/000001--2.age", "epochs/000001-+2.age", "epochs/000001-classic-.age", "segments/000000-02.age",
	} {
		if got, ok := parseName(name); ok {
			t.Errorf("%q was parsed as %+v", name, got)
		}
	}
}

func TestParseLogRefuses(t *testing.T) {
	good := zeros + "  epochs/000001.age\n"
	if _, err := parseLog([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"", "\n", good[:len(good)-1], good + "\n", "\n" + good, good + zeros, strings.Replace(good, "  ", " ", 1),
		strings.Replace(good, "  ", " *", 1), strings.Replace(good, "  ", "   ", 1), strings.Replace(good, "\n", "\r\n", 1),
		"A" + good[1:], "g" + good[1:], good[1:], "0" + good, "\\" + good, strings.Replace(good, "epochs", "head", 1),
		strings.Repeat(good, logLines+1), zeros + "  " + strings.Repeat("a", maxLog),
	} {
		if entries, err := parseLog([]byte(bad)); err == nil {
			t.Errorf("%.150q was parsed as %v", bad, entries)
		}
	}
}

func FuzzParseLog(f *testing.F) {
	f.Add([]byte(zeros + "  epochs/000001.age\n" + zeros + "  segments/000000-torn.age\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, err := parseLog(text)
		if err != nil {
			return
		}
		if got := formatLog(entries); !bytes.Equal(got, text) {
			t.Errorf("%q was parsed as %q", text, got)
		}
		if len(entries) == 0 || len(entries) > logLines {
			t.Errorf("%d entries", len(entries))
		}
		var log logState
		for _, e := range entries {
			_ = log.add(e) // must not panic
		}
	})
}

func TestCheckOrder(t *testing.T) {
	for _, test := range []struct {
		names string
		ok    bool
	}{
		{"epochs/000001", true},
		{"epochs/000001-classic", true},
		{"epochs/000001 epochs/000001-classic segments/000000 index/000000 segments/000001", true},
		{"epochs/000001 segments/000002 segments/000007-torn epochs/000004", true}, // numbers may be left out
		{"epochs/000001 epochs/000001-02 epochs/000001-03 epochs/000001-classic epochs/000001-classic-02 segments/000000 epochs/000002-classic epochs/000002-classic-02", true},
		{"epochs/000001 epochs/000001-classic segments/000000 epochs/000001-late-0001 segments/000001 index/000000 epochs/000001-late-0002 epochs/000002 epochs/000002-late-0001", true},
		{"epochs/000001-late-0001", false},
		{"epochs/000001 epochs/000001-late-0002", false},
		{"epochs/000001 epochs/000001-late-0001 epochs/000001-late-0001", false},
		{"epochs/000001 epochs/000001-late-0001 epochs/000001-late-0003", false},
		{"epochs/000001 epochs/000001-late-0001 epochs/000001-02", false},
		{"epochs/000001 epochs/000001-late-0001 epochs/000001-classic", false},
		{"epochs/000001 epochs/000002 epochs/000001-late-0001", false},
		{"epochs/000001 epochs/000001-late-0001 epochs/000002 epochs/000002-late-0002", false},
		{"epochs/000001-02", false},
		{"epochs/000001 epochs/000002-02", false},
		{"epochs/000001 epochs/000001-03", false},
		{"epochs/000001 epochs/000001-02 epochs/000001-02", false},
		{"epochs/000001 epochs/000001-classic-02", false},
		{"epochs/000001 epochs/000001-classic epochs/000001-02", false},
		{"epochs/000001 segments/000000 epochs/000001-02", false},
		{"segments/000000 epochs/000001", false},
		{"index/000000 epochs/000001", false},
		{"epochs/000001 epochs/000001", false},
		{"epochs/000001-classic epochs/000001", false},
		{"epochs/000001 segments/000000 epochs/000001-classic", false},
		{"epochs/000001 epochs/000001-classic epochs/000001-classic", false},
		{"epochs/000002 epochs/000001", false},
		{"epochs/000001 segments/000001 segments/000000", false},
		{"epochs/000001 segments/000001 segments/000001", false},
		{"epochs/000001 segments/000001 segments/000001-torn", false},
		{"epochs/000001 index/000001 index/000000", false},
	} {
		var log logState
		var err error
		for name := range strings.FieldsSeq(test.names) {
			if err == nil {
				err = log.add(Entry{Name: name + ".age"})
			}
		}
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", test.names, err)
		}
	}
}

// The root must be the one that the Go checksum database's own code computes.
func TestTree(t *testing.T) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, i := range indexes {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	var tr tree
	for n := int64(0); n < 300; n++ {
		want, err := tlog.TreeHash(n, reader)
		if err != nil {
			t.Fatal(err)
		}
		if got := tr.root(); got != want {
			t.Fatalf("root of %d lines is %v, want %v", n, got, want)
		}
		e := Entry{Name: fmt.Sprintf("segments/%06d.age", n), SHA256: [32]byte{byte(n)}}
		hashes, err := tlog.StoredHashes(n, []byte(e.String()), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		tr.add(e)
		if len(tr.roots) > 9 {
			t.Fatalf("keeps %d hashes for %d lines", len(tr.roots), n+1)
		}
	}
}

func TestHeaderSize(t *testing.T) {
	const header = "age-encryption.org/v1\n-> X25519 abc\nbody\n--- mac\n"
	if n, err := headerSize(strings.NewReader(header + "payload\nmore")); err != nil || n != int64(len(header)) {
		t.Errorf("got %d, %v, want %d", n, err, len(header))
	}
	for n := range len(header) {
		if _, err := headerSize(strings.NewReader(header[:n])); err == nil {
			t.Errorf("the first %d bytes have a whole header", n)
		}
	}
	for _, bad := range []string{"", "x" + header, strings.Replace(header, "v1", "v2", 1), strings.Repeat("a", 10_000) + "\n--- \n"} {
		if _, err := headerSize(strings.NewReader(bad)); err == nil {
			t.Errorf("%.60q has a header", bad)
		}
	}
}

func TestCutShort(t *testing.T) {
	for payload, want := range map[int64]bool{
		-1: true, 0: true, 16: true, 31: true, 32: false, 33: false, 16 + chunkSize: false,
		16 + chunkSize + 1: true, 16 + chunkSize + 16: true, 16 + chunkSize + 17: false,
	} {
		if got := cutShort(payload); got != want {
			t.Errorf("payload of %d bytes: %v, want %v", payload, got, want)
		}
	}
}

// Without its corpus a fuzz target tests next to nothing, and says so nowhere.
func TestCorpora(t *testing.T) {
	for _, target := range []string{"FuzzParseHead", "FuzzOpenHead", "FuzzParseLog", "FuzzParseGrant", "FuzzOpenGrant"} {
		files, err := os.ReadDir(filepath.Join("testdata", "fuzz", target))
		if err != nil || len(files) < 5 {
			t.Errorf("%s: %d files, %v", target, len(files), err)
		}
	}
}
