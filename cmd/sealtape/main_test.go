//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// openVar lets a test look into the program, which does not let itself be looked
// into otherwise, not even by root in many containers.
const openVar = "SEALTAPE_TEST_OPEN"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"sealtape": func() {
			// Leave the terminal of whoever runs the tests, so that questions
			// reach the one a script makes with ttyin, or none. Then the script
			// made this a session of its own already, and there is nothing to do.
			_, _ = syscall.Setsid()
			if os.Getenv(openVar) != "" {
				os.Exit(run(func() error { return nil }))
			}
			main()
		},
		"make-recording": makeRecording,
	})
}

// stockAge builds the age command, at the version in go.mod, into dir.
var stockAge = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sealtape-age-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", dir, "filippo.io/age/cmd/age")
	cmd.Stderr = os.Stderr
	return dir, cmd.Run()
})

func TestScript(t *testing.T) {
	age, err := stockAge()
	if err != nil {
		t.Fatalf("building age: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(age); err != nil {
			t.Error(err)
		}
	})
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("SEALTAPE_HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("PATH", age+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("TZ", "UTC")
			// With -race a process waits a second at its end for reports from
			// goroutines that outlive main. There are hundreds of processes here.
			e.Setenv("GORACE", "atexit_sleep_ms=0")
			return nil
		},
		Cmds:               scriptCommands,
		RequireUniqueNames: true,
	})
}
