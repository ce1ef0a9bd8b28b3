//go:build unix

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

// scriptCommands are what the scripts do besides running sealtape.
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"exits":       exitsCmd,
	"fingerprint": fingerprintCmd,
	"recipient":   recipientCmd,
	"replace":     replaceCmd,
	"damage":      damageCmd,
	"capture":     captureCmd,
	"mode":        modeCmd,
	"prefix":      prefixCmd,
	"recorded":    recordedCmd,
	"leftovers":   leftoversCmd,
	"protect":     protectCmd,
}

// exitsCmd runs "exits CODE PROGRAM ARG...", which fails the script unless the
// exit code is CODE: exit codes are a contract, and "! exec" takes any but 0.
func exitsCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); err != nil {
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func readCard(ts *testscript.TestScript, neg bool, args []string) keys.Card {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: FILE VARIABLE")
	}
	c, err := keys.ParseCard([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	return c
}

// fingerprintCmd sets a variable to the fingerprint of a card.
func fingerprintCmd(ts *testscript.TestScript, neg bool, args []string) {
	ts.Setenv(args[1], readCard(ts, neg, args).Fingerprint().String())
}

// recipientCmd sets a variable to the first recipient of a card.
func recipientCmd(ts *testscript.TestScript, neg bool, args []string) {
	ts.Setenv(args[1], readCard(ts, neg, args).Recipients[0])
}

// replaceCmd replaces the first OLD in FILE by NEW.
func replaceCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace FILE OLD NEW")
	}
	b := []byte(ts.ReadFile(args[0]))
	out := bytes.Replace(b, []byte(args[1]), []byte(args[2]), 1)
	if bytes.Equal(b, out) {
		ts.Fatalf("%s holds no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out, 0o600))
}

// damageCmd flips a bit in the middle of a file, or of the first file in a
// folder.
func damageCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage PATH")
	}
	p := ts.MkAbs(args[0])
	if files, err := filepath.Glob(filepath.Join(p, "*")); err == nil && len(files) > 0 {
		p = files[0]
	} else if files, err := filepath.Glob(p); err == nil && len(files) > 0 {
		p = files[0]
	}
	b, err := os.ReadFile(p)
	ts.Check(err)
	b[len(b)/2] ^= 1
	ts.Check(os.WriteFile(p, b, 0o600))
}

// captureCmd sets a variable to the first line of the last standard output.
func captureCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: capture VARIABLE")
	}
	line, _, _ := strings.Cut(ts.ReadFile("stdout"), "\n")
	if line == "" {
		ts.Fatalf("nothing on standard output")
	}
	ts.Setenv(args[0], line)
}

// modeCmd checks the mode bits of files.
func modeCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: mode OCTAL FILE...")
	}
	for _, f := range args[1:] {
		fi, err := os.Stat(ts.MkAbs(f))
		ts.Check(err)
		if got := strconv.FormatUint(uint64(fi.Mode().Perm()), 8); got != args[0] {
			ts.Fatalf("%s has mode %s, want %s", f, got, args[0])
		}
	}
}

// prefixCmd sets a variable to the shortest start of ID that OTHER has not, in
// lower case.
func prefixCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: prefix ID OTHER VARIABLE")
	}
	n := 1
	for strings.HasPrefix(args[1], args[0][:n]) {
		n++
	}
	ts.Setenv(args[2], strings.ToLower(args[0][:n]))
}

// recordedCmd notes in HOME that it recorded ID, as record does.
func recordedCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: recorded HOME ID TIME")
	}
	start, err := time.Parse(time.RFC3339, args[2])
	ts.Check(err)
	h, err := keys.OpenHome(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(access.NoteRecorded(h, args[1], start))
}

// leftoversCmd fails if there is a file that was to be renamed or removed.
func leftoversCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: leftovers FOLDER")
	}
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), ".sealtape-*"))
	ts.Check(err)
	if len(files) > 0 {
		ts.Fatalf("left behind: %v", files)
	}
}

// protectCmd puts the identity of HOME under SEALTAPE_PASSPHRASE, as anyone can
// with age, but with a work factor that does not slow down the tests.
func protectCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: protect HOME")
	}
	r, err := age.NewScryptRecipient(ts.Getenv(ui.PassphraseVar))
	ts.Check(err)
	r.SetWorkFactor(10)
	plain := filepath.Join(ts.MkAbs(args[0]), "identity.txt")
	b, err := os.ReadFile(plain)
	ts.Check(err)
	sealed, err := age.EncryptReader(bytes.NewReader(b), r)
	ts.Check(err)
	out, err := io.ReadAll(sealed)
	ts.Check(err)
	ts.Check(os.WriteFile(strings.TrimSuffix(plain, "txt")+"age", out, 0o600))
	ts.Check(os.Remove(plain))
}
