package archive_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
)

// Verifies every recording of a store against the key of its recorder. It takes no key
// that opens them.
func ExampleVerify() {
	ctx := context.Background()
	store, err := dir.Open("../testdata/archives/v1/store") // or s3.Open
	check(err)
	recorder, err := note.NewVerifier(read("../testdata/archives/v1/recorder.vkey"))
	check(err)
	for id, err := range archive.IDs(ctx, store) {
		check(err)
		r, err := archive.Verify(ctx, store, id, archive.Options{Verifiers: note.VerifierList(recorder)}, nil)
		check(err)
		fmt.Println(id, r.Head.State, "objects:", r.Objects, "problems:", r.Problems)
	}
	// Output:
	// TP33CGDV64FH3VAPTPMS89SJK4 cut objects: 3 problems: 0
	// XHG10JCE9C5ZGAPJMG4E4H8MGR closed objects: 13 problems: 0
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// read returns the one line of a file.
func read(path string) string {
	b, err := os.ReadFile(path)
	check(err)
	return strings.TrimSpace(string(b))
}
