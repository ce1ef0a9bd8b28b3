package build

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

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

// vars are what the go command needs to find its parts and the modules. Not all
// that begins with GO: that would take in GOOGLE_API_KEY. And neither GOOS nor
// GOARCH: the binary is for here.
var vars = []string{
	"PATH", "HOME", "SystemRoot",
	"GOROOT", "GOPATH", "GOCACHE", "GOMODCACHE", "GOTMPDIR", "GOENV", "GOFLAGS", "GOTOOLCHAIN", "GOMAXPROCS",
	"GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOVCS", "GOAUTH", "CGO_ENABLED", "CC",
	"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
}

// Env is the environment in which the go command builds: of ours what it needs,
// and no secret.
func Env() []string {
	var env []string
	for _, name := range vars {
		if v := os.Getenv(name); v != "" {
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
