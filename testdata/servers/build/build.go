// Package build builds the servers that the tests and the demo run, once, and
// says how far it is while it does. It imports nothing but the standard library,
// so that a program which is to speak at once can use it.
//
// The binaries are built by "go install" at fixed versions and kept in the user's
// cache folder.
package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// A Program is a command of another module at a fixed version.
type Program struct {
	Name    string   // of the binary
	Version string   // of the module
	Package string   // the import path of the command
	Folder  string   // instead of Package: the folder of the command in this module, which is a module of its own
	About   string   // how long building takes with empty caches, to tell people
	Env     []string // what the go command gets besides Env, as NAME=value
}

// The servers.
var (
	LiveKit = Program{Name: "livekit-server", Version: "v1.11.0", Package: "github.com/livekit/livekit-server/cmd/server",
		About: "about two minutes on two cores"}
	MinIO = Program{Name: "minio", Version: "v0.0.0-20260212201848-7aac2a2c5b7c", Package: "github.com/minio/minio",
		About: "about two minutes on two cores"}
	VersityGW = Program{Name: "versitygw", Version: "v1.8.0", Package: "github.com/versity/versitygw/cmd/versitygw",
		About: "about 80 seconds on two cores"}
	// Without cgo, and so with SQLite in Go. This is the last version of matrix-org's,
	// under the Apache license; what came later, elsewhere, is under the AGPL.
	Dendrite = Program{Name: "dendrite", Version: "v0.13.8", Package: "github.com/matrix-org/dendrite/cmd/dendrite",
		Env: []string{"CGO_ENABLED=0"}, About: "about 100 seconds on two cores"}
	Rclone = Program{Name: "rclone", Version: "v1.73.1", Folder: "testdata/servers/rclone",
		About: "about 40 seconds on two cores"}
)

// Path returns the path of the binary, and builds it if it is not there by
//
//	go install PACKAGE@VERSION
//
// or "go build" in Folder, without tables for debuggers, into
// sealtape/bin/NAME-VERSION in the user's cache folder. Several processes may
// call Path at once: one builds, the others wait. progress, if not nil, is told
// when something slow begins, and then every few seconds how far it is.
//
// Building takes the go command, a module proxy, and some minutes.
func (p Program) Path(ctx context.Context, progress func(string)) (path string, err error) {
	if progress == nil {
		progress = func(string) {}
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	path = p.path(cache)
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if isFile(path) {
		return path, nil
	}
	unlock, err := lock(ctx, filepath.Join(dir, "lock"), func() {
		progress("waiting for another process to build " + p.Name)
	})
	if err != nil {
		return "", err
	}
	defer unlock()
	if isFile(path) { // built while we waited
		return path, nil
	}

	progress(fmt.Sprintf("building %s %s, once: %s", p.Name, p.Version, p.About))
	// The binary comes under its own name by a rename, so that one that is there
	// is whole.
	tmp, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	if p.Folder != "" {
		var root string
		if root, err = moduleRoot(); err == nil {
			err = Go(ctx, filepath.Join(root, filepath.FromSlash(p.Folder)), append(Env(), p.Env...), p.Name, progress, "build", append(fast(), "-o", tmp+string(filepath.Separator), ".")...)
		}
	} else { // away from any go.mod
		err = Go(ctx, tmp, append(append(Env(), p.Env...), "GOBIN="+tmp), p.Name, progress, "install", append(fast(), p.Package+"@"+p.Version)...)
	}
	if err != nil {
		return "", err
	}
	built, err := filepath.Glob(filepath.Join(tmp, "*"))
	if err != nil || len(built) != 1 {
		return "", fmt.Errorf("building %s %s made %d files, not one", p.Name, p.Version, len(built))
	}
	if err := os.Rename(built[0], path); err != nil {
		return "", err
	}
	return path, nil
}

// fast returns what makes building take less time, and the program no slower: nobody looks at a
// server with a debugger. A seventh of compiling is for that. The standard library is left as
// it is, which others have built, too.
func fast() []string {
	return []string{"-gcflags=all=-dwarf=false", "-gcflags=std=", "-ldflags=-w"}
}

// path is where the binary is, or is to be, below the user's cache folder.
func (p Program) path(cache string) string {
	return filepath.Join(cache, "sealtape", "bin", p.Name+"-"+p.Version, p.Name)
}

// Go runs the go command "install" or "build" in dir with the given environment,
// and tells progress every few seconds how far it is with name.
func Go(ctx context.Context, dir string, env []string, name string, progress func(string), verb string, args ...string) error {
	command, err := exec.LookPath("go")
	if err != nil {
		return fmt.Errorf("could not build %s: %w", name, err)
	}
	cmd := exec.CommandContext(ctx, command, append([]string{verb, "-v"}, args...)...)
	cmd.Dir, cmd.Env = dir, env
	w := watch(name, progress)
	cmd.Stdout, cmd.Stderr = w, w
	err = cmd.Run()
	w.stop()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("could not build %s: %w\n%s", name, err, w.said())
	}
	return nil
}

// moduleRoot finds the folder of this module above the working folder.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for !isFile(filepath.Join(dir, "testdata", "servers", "rclone", "go.mod")) {
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("the working folder is not in Sealtape's source")
		}
		dir = parent
	}
	return dir, nil
}

func isFile(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular()
}
