package tape_test

import (
	"context"
	"errors"
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
// identity, and writes it as a file for any player.
func ExampleOpen() {
	ctx := context.Background()
	store, err := dir.Open(sealed + "store") // or s3.Open
	check(err)
	recorder, err := note.NewVerifier(strings.TrimSpace(read("recorder.vkey")))
	check(err)
	me, err := age.ParseIdentities(strings.NewReader(read("ada.txt")))
	check(err)
	keys := archive.Options{Verifiers: note.VerifierList(recorder), Identities: me}
	t, err := tape.Open(ctx, store, "XHG10JCE9C5ZGAPJMG4E4H8MGR", tape.Options{Options: keys})
	check(err)
	s, err := t.Session(ctx)
	check(err)
	out := folder()
	defer os.RemoveAll(out)
	report, err := playback.ExportFile(ctx, s, filepath.Join(out, "meeting.mkv"), playback.ExportOptions{})
	check(errors.Join(err, store.Close()))
	fmt.Println(report.Duration, "of", len(report.Tracks), "tracks; incomplete:", report.Incomplete) // ada was not there all the time
	// Output: 8s of 2 tracks; incomplete: true
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

// folder returns a new folder.
func folder() string {
	path, err := os.MkdirTemp("", "meetings")
	check(err)
	return path
}
