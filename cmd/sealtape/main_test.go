//go:build unix

package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/machine"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/testdata/sample"
)

const (
	// openVar lets a test look into the program, which does not let itself be looked
	// into otherwise, not even by root in many containers.
	openVar = "SEALTAPE_TEST_OPEN"
	// silentVar is how soon the program says that a member is silent.
	silentVar = "SEALTAPE_TEST_SILENT"
	// workVar is log2 of the scrypt cost of passphrases, which take a second each at the usual.
	workVar = "SEALTAPE_TEST_SCRYPT_WORK"
	// stepVar names a step at which the program is killed, the first time or, as in
	// put:3, the third: see ui.Env.Step.
	stepVar = "SEALTAPE_TEST_STEP"
)

func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){
		"sealtape": func() {
			// Leave the terminal of whoever runs the tests, so that questions
			// reach the one a script makes with ttyin, or none. Then the script
			// made this a session of its own already, and there is nothing to do.
			_, _ = syscall.Setsid()
			os.Exit(mainInTest())
		},
		"make-recording": makeRecording,
	})
}

// mainInTest is main, as far as no test wants it to be otherwise.
func mainInTest() int {
	e := &ui.Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	if v := os.Getenv(silentVar); v != "" {
		var err error
		if e.SilentAfter, err = time.ParseDuration(v); err != nil {
			panic(err)
		}
	}
	if v := os.Getenv(workVar); v != "" {
		var err error
		if e.ScryptWork, err = strconv.Atoi(v); err != nil {
			panic(err)
		}
	}
	if v := os.Getenv(stepVar); v != "" {
		e.Step = killedAt(v)
	}
	if os.Getenv(openVar) != "" {
		return run(e, func() error { return nil })
	}
	return run(e, machine.Harden)
}

// killedAt returns a function that kills the process at a step, as kill -9 does.
func killedAt(step string) func(string) {
	name, nth, _ := strings.Cut(step, ":")
	n, err := strconv.ParseInt(cmp.Or(nth, "1"), 10, 32)
	if err != nil {
		panic(err)
	}
	var left atomic.Int64
	left.Store(n)
	return func(step string) {
		if step == name && left.Add(-1) == 0 {
			if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
				panic(err)
			}
			select {}
		}
	}
}

func TestScript(t *testing.T) {
	t.Parallel()
	bin := tools.get(t)
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	var some []string // all, but under -short
	for i := range sample.Cases(t, len(scripts), len(scripts)) {
		some = append(some, scripts[i])
	}
	testscript.Run(t, testscript.Params{
		Files: some,
		Setup: func(e *testscript.Env) error {
			e.Defer(working.take(func(format string, args ...any) { e.T().Log(fmt.Sprintf(format, args...)) }, onePage))
			e.Setenv("SEALTAPE_HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("PATH", bin+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("TZ", "UTC")
			e.Setenv(workVar, "10")
			e.Setenv(raceVar, raceOptions())
			e.Setenv(collecting, seldomCollecting)
			return nil
		},
		Cmds:               scriptCommands,
		RequireUniqueNames: true,
	})
}

// explained is explain with each hint in one line.
func explained(err error) (code int, hints []string) {
	code, all := ui.Explain(err)
	return code, ui.Texts(all)
}
