package player

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestCompilesForBrowsers: the package builds for js/wasm, where the player in a browser
// is made of it and of package tape, and needs nothing there that opens connections, or
// that is too much to be fetched for it.
func TestCompilesForBrowsers(t *testing.T) {
	env := append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	build := exec.Command("go", "build", "-trimpath", ".") // as the program for browsers is built, so that it shares what is compiled
	build.Env = env
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	list := exec.Command("go", "list", "-deps", ".")
	list.Env = env
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	deps := strings.Fields(string(out))
	const module = "github.com/sealtape/sealtape/"
	if !slices.Contains(deps, module+"playback/tape") || !slices.Contains(deps, "filippo.io/age") {
		t.Fatalf("listed are %q", deps)
	}
	for _, dep := range deps {
		for _, not := range []string{
			"net", "net/http", "crypto/tls", "golang.org/x/crypto/ssh", "github.com/minio", "github.com/livekit", "github.com/urfave",
			module + "keys", module + "archive/s3", module + "archive/dir", module + "recorder/livekit", module + "playback/web",
		} {
			if dep == not || strings.HasPrefix(dep, not+"/") && not != "net" {
				t.Errorf("it needs %s", dep)
			}
		}
	}
	own := exec.Command("go", "list", "-f", `{{join .Imports " "}}`, ".", "../tape")
	own.Env = env
	if out, err = own.Output(); err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, dep := range strings.Fields(string(out)) {
		if dep == "os" || strings.HasPrefix(dep, "os/") || dep == "syscall" || dep == "path/filepath" {
			t.Errorf("it imports %s", dep)
		}
	}
}
