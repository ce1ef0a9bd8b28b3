// Package matrixjs has members of Matrix calls as Element has them: matrix-js-sdk's
// encryption and its MatrixRTC sessions, and livekit-client with its own end-to-end
// encryption worker, in a headless Chromium. They are the independent peers that
// recorder/matrix has to understand.
//
// A Browser has as many people as are wanted, all in one page: each has a device of
// its own, and is in one call at most. A person's microphone hears one frequency, and
// their camera sees one colour, so that a recording tells them apart.
//
// Needed are Debian's chromium in PATH and the packages that "npm ci" puts into this
// folder; esbuild among them makes the page, once for each test process.
package matrixjs

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/testdata/browser"
)

//go:embed page.html
var page embed.FS

// bundle is page.js with all that it imports. It is made once a process, and kept in
// memory.
var bundle = sync.OnceValues(func() ([]byte, error) {
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(dir, "node_modules", "esbuild", "bin", "esbuild"), "page.js",
		"--bundle", "--format=esm", "--define:global=globalThis", "--log-level=warning")
	cmd.Dir = dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("bundling the page, if packages are missing run npm ci in testdata/matrixjs: %w\n%s", err, errs.Bytes())
	}
	return out.Bytes(), nil
})

func folder() (string, error) {
	_, self, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(self) {
		return "", errors.New("the folder testdata/matrixjs is not known to a binary built with -trimpath")
	}
	return filepath.Dir(self), nil
}

// files serves the page and what it loads beside itself.
func files() (http.Handler, error) {
	script, err := bundle()
	if err != nil {
		return nil, err
	}
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServerFS(page))
	mux.HandleFunc("/page.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		w.Write(script)
	})
	modules := filepath.Join(dir, "node_modules")
	for path, file := range map[string]string{
		"/livekit-client.e2ee.worker.mjs":     "livekit-client/dist/livekit-client.e2ee.worker.mjs",
		"/pkg/matrix_sdk_crypto_wasm_bg.wasm": "@matrix-org/matrix-sdk-crypto-wasm/pkg/matrix_sdk_crypto_wasm_bg.wasm",
	} {
		file = filepath.Join(modules, filepath.FromSlash(file))
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("a package is not installed, run npm ci in testdata/matrixjs: %w", err)
		}
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	}
	return mux, nil
}

// A Browser is a page in Chromium with people in it. Its methods, and those of its people, are
// safe for concurrent use.
type Browser struct {
	tab *browser.Member

	mu     sync.Mutex
	people int
}

// Open starts a Chromium, or shares in, whose camera must be that of pages that are not
// browser's; nil is none. ctx bounds starting only; log is told its troubles, nil discards.
func Open(ctx context.Context, in *browser.Chromium, log *slog.Logger) (*Browser, error) {
	h, err := files()
	if err != nil {
		return nil, err
	}
	c := browser.Config{Files: h, Path: "page.html", In: in, Log: log}
	if in != nil {
		c.WAV = in.WAV
	}
	tab, err := browser.Start(ctx, c)
	if err != nil {
		return nil, err
	}
	b := &Browser{tab: tab}
	if err := tab.Until(ctx, "window.people"); err != nil {
		return nil, errors.Join(err, tab.Leave())
	}
	return b, nil
}

// Close closes the browser. Who is in a call is cut off.
func (b *Browser) Close() error { return b.tab.Leave() }

// Log returns the last lines that the libraries wrote.
func (b *Browser) Log(ctx context.Context) (string, error) {
	return browser.Eval[string](ctx, b.tab, "people.log()")
}

// Screenshot returns the page as a PNG.
func (b *Browser) Screenshot(ctx context.Context) ([]byte, error) { return b.tab.Screenshot(ctx) }

// A Login says who a person is.
type Login struct {
	Homeserver string `json:"homeserver"` // http://HOST:PORT
	User       string `json:"user"`       // @name:server
	Password   string `json:"password"`
	// Isolate has devices that their users did not sign left out of what is encrypted,
	// as MSC4153 wants it.
	Isolate bool `json:"isolate"`
}

// A Person is a user on a device, cross-signed, who syncs until the browser closes.
type Person struct {
	User, Device string

	browser *Browser
	name    string
}

// Login logs a user in on a new device, whose cross-signing keys are the user's from
// then on: so it is for users who have none yet.
func (b *Browser) Login(ctx context.Context, l Login) (*Person, error) {
	b.mu.Lock()
	b.people++
	p := &Person{browser: b, name: fmt.Sprintf("person %d", b.people)}
	b.mu.Unlock()
	options, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	got, err := browser.Eval[struct{ User, Device string }](ctx, b.tab, fmt.Sprintf("people.login(%q, %s)", p.name, options))
	if err != nil {
		return nil, fmt.Errorf("logging %s in: %w", l.User, withLog(b, err))
	}
	p.User, p.Device = got.User, got.Device
	return p, nil
}

// withLog adds what the libraries said last to an error.
func withLog(b *Browser, err error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	log, _ := b.Log(ctx)
	lines := strings.Split(log, "\n")
	return fmt.Errorf("%w\n%s", err, strings.Join(lines[max(0, len(lines)-25):], "\n"))
}

// ask calls a method of person.js.
func ask[T any](ctx context.Context, p *Person, method string, args ...any) (T, error) {
	list := []any{p.name, method}
	text, err := json.Marshal(append(list, args...))
	if err != nil {
		var none T
		return none, err
	}
	got, err := browser.Eval[T](ctx, p.browser.tab, "people.call(..."+string(text)+")")
	if err != nil {
		err = fmt.Errorf("%s of %s: %w", method, p.User, withLog(p.browser, err))
	}
	return got, err
}

func do(ctx context.Context, p *Person, method string, args ...any) error {
	_, err := ask[json.RawMessage](ctx, p, method, args...)
	return err
}
