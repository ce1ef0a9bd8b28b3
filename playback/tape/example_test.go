package tape_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
)

const sealed = "../../testdata/archives/v1/"

// Opens a recording of an archive with the recorder's pinned key and a reader's age
// identity, writes it as a file for any player, and says what it comes to.
func ExampleOpen() {
	ctx := context.Background()
	store, err := dir.Open(sealed + "store") // or s3.Open
	check(err)
	recorder, err := note.NewVerifier(strings.TrimSpace(read("recorder.vkey")))
	check(err)
	me, err := age.ParseIdentities(strings.NewReader(read("ada.txt")))
	check(err)
	t, err := tape.Open(ctx, store, "XHG10JCE9C5ZGAPJMG4E4H8MGR", tape.Options{
		Options: archive.Options{Verifiers: note.VerifierList(recorder), Identities: me},
	})
	check(err)
	s, err := t.Session(ctx)
	check(err)
	out, err := os.MkdirTemp("", "meetings")
	check(err)
	defer os.RemoveAll(out)
	report, err := playback.ExportFile(ctx, s, filepath.Join(out, "meeting.mkv"), playback.ExportOptions{})
	check(err)
	d, err := t.Describe(ctx)
	check(err)
	fmt.Printf("%v exported of a recording that is %s; it opens in %s\n", report.Duration, d.Verdict().Outcome, d.Opens)
	// Output: 8s exported of a recording that is whole; it opens in part
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func read(name string) string {
	b, err := os.ReadFile(sealed + name)
	check(err)
	return string(b)
}
