package main

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// The help of each command ends with examples, and each of them is a command line that
// the command takes.
func TestExamples(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("LIVEKIT_URL", "wss://meet.example.org")
	if err := os.WriteFile("weekly.yaml", []byte("room: weekly\nreader: Bob\nstore: ./meetings\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("worker.yaml", []byte("policies: ./policies\nagent-token-file: agent-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := 0
	var all func(path []string, cs []*cli.Command)
	all = func(path []string, cs []*cli.Command) {
		for _, c := range cs {
			path := append(slices.Clone(path), c.Name)
			all(path, c.Subcommands)
			name := strings.Join(path, " ")
			help := runWords(t, append(path, "--help"))
			_, examples, found := strings.Cut(help, "\nExamples:\n")
			if !found || examples != c.UsageText+"\n" {
				t.Errorf("the help of %s does not end with examples", name)
			}
			own := 0
			for line := range strings.Lines(examples) {
				words := shellWords(line)
				if len(words) == 0 || words[0] != "sealtape" || !strings.HasPrefix(line, "  sealtape ") {
					t.Errorf("an example of %s is %q", name, line)
					continue
				}
				if n++; strings.HasPrefix(strings.Join(words[1:], " "), name) {
					own++
				}
				runWords(t, words[1:])
			}
			if own == 0 {
				t.Errorf("no example of %s is one", name)
			}
		}
	}
	all(nil, newApp(&ui.Env{}).Commands)
	if n < 40 {
		t.Errorf("%d examples", n)
	}
}

// runWords has a command line checked, and returns what was printed.
func runWords(t *testing.T, words []string) string {
	t.Helper()
	var out bytes.Buffer
	app := newApp(&ui.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: io.Discard, CheckOnly: true})
	args, err := flags.First(app, append([]string{"sealtape"}, words...))
	if err == nil {
		err = app.RunContext(t.Context(), args)
	}
	if err != nil {
		t.Errorf("%q: %v", words, err)
	}
	return out.String()
}

// shellWords takes a line of an example apart as a shell does, without a comment and
// without where the output goes.
func shellWords(line string) (words []string) {
	word, begun, quoted, single := "", false, false, false
	for _, r := range line {
		switch {
		case r == '"' && !single:
			quoted, begun = !quoted, true
		case r == '\'' && (single || !quoted):
			quoted, single, begun = !quoted, !single, true
		case !quoted && !begun && strings.ContainsRune("#>|", r):
			return words
		case !quoted && (r == ' ' || r == '\n'):
			if begun {
				words = append(words, word)
			}
			word, begun = "", false
		default:
			word, begun = word+string(r), true
		}
	}
	return words
}
