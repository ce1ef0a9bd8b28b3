//go:build unix

package main

import (
	"cmp"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/browser"
	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// A fixture is something that tests share: the first test that asks for it makes
// it, and the suite puts it away. So no test may break it for the others: they
// have rooms and buckets of their own, and who restarts or fills a server starts
// one of their own.
type fixture[T any] struct {
	create func(ctx context.Context, progress func(string)) (T, error)
	remove func(T) error

	once  sync.Once
	value T
	err   error
}

// get returns what is shared. If it cannot be made, all who ask for it fail.
func (f *fixture[T]) get(t *testing.T) T {
	t.Helper()
	f.once.Do(func() {
		// Not the context of t, which is not the last to need it.
		f.value, f.err = f.create(context.Background(), func(s string) { t.Log(s) })
	})
	if f.err != nil {
		t.Fatal(f.err)
	}
	return f.value
}

// end puts away what was made.
func (f *fixture[T]) end() error {
	f.once.Do(func() { f.err = errors.New("all tests are over") })
	if f.err != nil {
		return nil
	}
	return f.remove(f.value)
}

var (
	liveKit = &fixture[*servers.LiveKit]{
		create: func(ctx context.Context, progress func(string)) (*servers.LiveKit, error) {
			return servers.StartLiveKit(ctx, servers.LiveKitConfig{Progress: progress})
		},
		remove: (*servers.LiveKit).Stop,
	}
	minIO = &fixture[*servers.MinIO]{
		create: func(ctx context.Context, progress func(string)) (*servers.MinIO, error) {
			return servers.StartMinIO(ctx, servers.MinIOConfig{Progress: progress})
		},
		remove: (*servers.MinIO).Stop,
	}
	// tools is a folder of programs: age at the version in go.mod, sealtape and
	// make-recording.
	tools = &fixture[string]{create: makeTools, remove: os.RemoveAll}

	// pages is the Chromium of pages that are looked at, sounding that of those which play
	// without a click.
	pages, sounding = player.Chromium{}, player.Chromium{Measure: true}
	// filming is the Chromium of members with a camera, keyed that of members who make the
	// room's keys, and of Element's. All hear heardHz.
	filming = sharedChromium(browser.Config{})
	keyed   = sharedChromium(browser.Config{RoomKeys: true})
)

// heardHz is what a shared Chromium's microphone hears.
const heardHz = 440

func sharedChromium(c browser.Config) *fixture[*browser.Chromium] {
	return &fixture[*browser.Chromium]{
		create: func(ctx context.Context, _ func(string)) (*browser.Chromium, error) {
			dir, err := os.MkdirTemp("", "sealtape-tone-")
			if err != nil {
				return nil, err
			}
			c.WAV = filepath.Join(dir, "tone.wav")
			if err := browser.Tone(c.WAV, heardHz, 10*time.Second); err != nil {
				return nil, errors.Join(err, os.RemoveAll(dir))
			}
			return browser.Open(ctx, c)
		},
		remove: func(b *browser.Chromium) error { return errors.Join(b.Close(), os.RemoveAll(filepath.Dir(b.WAV))) },
	}
}

// suite is all tests of the package, and then the end of what they shared.
type suite struct{ *testing.M }

func (s suite) Run() int {
	if err := beginAll(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := s.M.Run()
	if err := errors.Join(pages.Close(), sounding.Close(), filming.end(), keyed.end(), liveKit.end(), minIO.end(), tools.end(), films.end(), matrixServers.end()); err != nil {
		fmt.Fprintln(os.Stderr, "what the tests shared:", err)
		code = max(code, 1)
	}
	return code
}

// binaryVar names a test binary of this package, see makeTools.
const binaryVar = "SEALTAPE_TEST_BINARY"

// plain is the folder of programs among tools that the race detector never watches, for
// tests with so many of them that they would be late for one another.
const plain = "plain"

// makeTools makes the folder of programs. sealtape is a test binary, which becomes
// the program by its name, see TestMain. There are hundreds of processes, and with
// -race each starts slowly and takes much longer for a passphrase. So under -race
// they come from another binary without, which is built here. make test-all has it
// the other way round: the tests are not watched, and the programs are those of a
// binary with -race, which binaryVar names.
func makeTools(ctx context.Context, progress func(string)) (dir string, err error) {
	if dir, err = os.MkdirTemp("", "sealtape-tools-"); err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if err := goTool(ctx, "build", "-o", dir, "filippo.io/age/cmd/age"); err != nil {
		return "", err
	}
	unwatched, err := os.Executable()
	if err != nil {
		return "", err
	}
	if sample.Watched {
		progress("building sealtape without -race")
		unwatched = filepath.Join(dir, "unwatched") // this folder is in PATH: no name of a command
		if err := goTool(ctx, "test", "-c", "-o", unwatched, "."); err != nil {
			return "", err
		}
	}
	binary := cmp.Or(os.Getenv(binaryVar), unwatched)
	if !filepath.IsAbs(binary) {
		return "", fmt.Errorf("%s is %q, want an absolute path", binaryVar, binary)
	}
	if err := os.Mkdir(filepath.Join(dir, plain), 0o700); err != nil {
		return "", err
	}
	for _, name := range []string{"sealtape", "make-recording"} {
		err := errors.Join(os.Symlink(binary, filepath.Join(dir, name)), os.Symlink(unwatched, filepath.Join(dir, plain, name)))
		if err != nil {
			return "", err
		}
	}
	return dir, nil
}

// watched reports whether the race detector watches the programs that tests start.
func watched() bool {
	name := os.Getenv(binaryVar)
	if name == "" {
		return false
	}
	bi, err := buildinfo.ReadFile(name)
	return err == nil && slices.Contains(bi.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// goTool runs the go command in the folder of this package.
func goTool(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", args, err, out)
	}
	return nil
}

// raceVar is a variable for programs of a binary with -race. They are not to wait a second
// at their end for reports from goroutines that outlive main, as they do by default.
const raceVar = "GORACE"

func raceOptions() string { return cmp.Or(os.Getenv(raceVar), "atexit_sleep_ms=0") }

// collecting is a variable that has the programs collect garbage seldom: at the usual value
// each of thousands of short commands does so, too, a third of what it costs. Who measures
// memory sets it to usualCollecting.
const collecting, seldomCollecting, usualCollecting = "GOGC", "400", "100"
