package servers

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Build returns the path of the binary name, built from package pkg of a Go
// module at a version, by
//
//	go install PKG@VERSION
//
// It keeps the binary in sealtape/bin/NAME-VERSION in the user's cache folder and
// does nothing when it is there. Several processes may call Build at once: one
// builds, the others wait. progress, if not nil, is told when something slow
// begins.
//
// Building takes the go command and a module proxy, and some minutes.
func Build(ctx context.Context, module, version, pkg, name string, progress func(string)) (path string, err error) {
	if progress == nil {
		progress = func(string) {}
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "sealtape", "bin", name+"-"+version)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path = filepath.Join(dir, name)
	if isFile(path) {
		return path, nil
	}
	unlock, err := lock(ctx, filepath.Join(dir, "lock"), func() {
		progress(fmt.Sprintf("waiting for another process to build %s %s", name, version))
	})
	if err != nil {
		return "", err
	}
	defer unlock()
	if isFile(path) { // built while we waited
		return path, nil
	}

	goCommand, err := exec.LookPath("go")
	if err != nil {
		return "", fmt.Errorf("could not build %s: %w", module, err)
	}
	progress(fmt.Sprintf("building %s %s (once, takes a few minutes)", name, version))
	// The binary comes under its own name by a rename, so that one that is there
	// is whole.
	tmp, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	cmd := exec.CommandContext(ctx, goCommand, "install", pkg+"@"+version)
	cmd.Dir = tmp // away from any go.mod
	cmd.Env = append(buildEnv(), "GOBIN="+tmp)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return "", fmt.Errorf("could not build %s@%s: %w\n%s", pkg, version, err, tail(out.Bytes(), 4000))
	}
	built, err := filepath.Glob(filepath.Join(tmp, "*"))
	if err != nil || len(built) != 1 {
		return "", fmt.Errorf("go install of %s@%s made %d files, not one", pkg, version, len(built))
	}
	if err := os.Rename(built[0], path); err != nil {
		return "", err
	}
	return path, nil
}

func isFile(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular()
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

// cacheDir is the user's cache folder, or, where the environment does not say
// (no HOME), one in the folder for temporary files.
func cacheDir() (string, error) {
	if dir, err := os.UserCacheDir(); err == nil {
		return dir, nil
	}
	// Anyone can make a folder there, and a binary in it would be run.
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("sealtape-cache-%d", os.Getuid()))
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return "", err
	}
	fi, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !fi.IsDir() || fi.Mode().Perm() != 0o700 || !isOwn(fi) {
		return "", fmt.Errorf("%s is not a folder of this user alone", dir)
	}
	return dir, nil
}

// buildVars are what the go command needs to find its parts and the modules.
// Not all that begins with GO: that would take in GOOGLE_API_KEY. And neither
// GOOS nor GOARCH: the binary is for here.
var buildVars = []string{
	"GOROOT", "GOPATH", "GOCACHE", "GOMODCACHE", "GOTMPDIR", "GOENV", "GOFLAGS", "GOTOOLCHAIN", "GOMAXPROCS",
	"GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOVCS", "GOAUTH", "CGO_ENABLED", "CC",
	"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
}

func buildEnv() []string {
	env := baseEnv()
	for _, name := range buildVars {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	if os.Getenv("HOME") == "" && runtime.GOOS != "windows" {
		if dir, err := cacheDir(); err == nil {
			env = append(env, "HOME="+dir) // for GOPATH and GOCACHE
		}
	}
	return env
}

// baseEnv is the environment that every child gets.
func baseEnv() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "SystemRoot"} {
		if v := os.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}
