package player

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Firefox is that browser with one page until Close. It is driven by Marionette, the
// protocol that Firefox itself has for tests: JSON over TCP on loopback, each message after
// its length. Its methods are safe for concurrent use; one command is under way at a time.
type Firefox struct {
	cmd     *exec.Cmd
	profile string
	exited  chan error

	mu    sync.Mutex
	conn  net.Conn
	reads *bufio.Reader
	last  int // number of the last command
}

// firefoxPrefs let sound play before a click, and keep Firefox from calling home. What else
// a test wants, Firefox sets by itself where it is driven. The port is any that is free. The
// last ones spare work: one process for all pages and none in reserve, and no optimizing
// compiler, which takes longer for a program than what it makes faster does in a test.
const firefoxPrefs = `user_pref("marionette.port", 0);
user_pref("media.autoplay.default", 0);
user_pref("media.autoplay.blocking_policy", 0);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("app.normandy.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("media.gmp-manager.updateEnabled", false);
user_pref("services.settings.server", "data:,");
user_pref("fission.autostart", false);
user_pref("dom.ipc.processCount", 1);
user_pref("dom.ipc.processPrelaunch.enabled", false);
user_pref("browser.tabs.remote.separatePrivilegedContentProcess", false);
user_pref("browser.newtabpage.enabled", false);
user_pref("browser.newtab.preload", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("browser.safebrowsing.downloads.enabled", false);
user_pref("extensions.systemAddon.update.enabled", false);
user_pref("javascript.options.wasm_optimizingjit", false);
user_pref("layout.frame_rate", 15);
`

// OpenFirefox starts Debian's Firefox and loads a page. It returns once that is loaded. ctx
// bounds starting only.
func OpenFirefox(ctx context.Context, url string) (*Firefox, error) {
	program, err := exec.LookPath("firefox-esr")
	if err != nil {
		return nil, fmt.Errorf("no firefox-esr in PATH, install Debian's package firefox-esr: %w", err)
	}
	profile, err := os.MkdirTemp("", "sealtape-firefox-")
	if err != nil {
		return nil, err
	}
	f := &Firefox{profile: profile, exited: make(chan error, 1)}
	if err := f.start(ctx, program, url); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the page: %w", err), f.Close())
	}
	return f, nil
}

func (f *Firefox) start(ctx context.Context, program, url string) error {
	if err := os.WriteFile(filepath.Join(f.profile, "user.js"), []byte(firefoxPrefs), 0o600); err != nil {
		return err
	}
	cmd := exec.Command(program, "--headless", "--no-remote", "--marionette", "--profile", f.profile, "about:blank")
	cmd.Env = append(os.Environ(), "HOME="+f.profile, "MOZ_CRASHREPORTER_DISABLE=1", "MOZ_HEADLESS_WIDTH=1280", "MOZ_HEADLESS_HEIGHT=800")
	if err := cmd.Start(); err != nil {
		return err
	}
	f.cmd = cmd
	go func() { f.exited <- cmd.Wait() }()
	port, err := f.port(ctx)
	if err != nil {
		return err
	}
	var d net.Dialer
	if f.conn, err = d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err != nil {
		return err
	}
	f.reads = bufio.NewReader(f.conn)
	if _, err := f.read(); err != nil { // who it is
		return err
	}
	if err := f.call(ctx, "WebDriver:NewSession", map[string]any{}, nil); err != nil {
		return err
	}
	limits := map[string]any{"script": patience.Milliseconds(), "pageLoad": patience.Milliseconds()}
	if err := f.call(ctx, "WebDriver:SetTimeouts", limits, nil); err != nil {
		return err
	}
	return f.Navigate(ctx, url)
}

// port waits for the file in which Firefox says where it listens.
func (f *Firefox) port(ctx context.Context) (int, error) {
	for {
		text, err := os.ReadFile(filepath.Join(f.profile, "MarionetteActivePort"))
		if port, perr := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && perr == nil {
			return port, nil
		}
		select {
		case err := <-f.exited:
			f.exited <- err
			return 0, fmt.Errorf("firefox ended: %w", err)
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// maxMarionette is the largest message that is read, in bytes: a picture of a page.
const maxMarionette = 64 << 20

func (f *Firefox) read() ([]byte, error) {
	head, err := f.reads.ReadString(':')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(head, ":"))
	if err != nil || n < 0 || n > maxMarionette {
		return nil, fmt.Errorf("firefox sent a message of %q bytes", head)
	}
	b := make([]byte, n)
	_, err = io.ReadFull(f.reads, b)
	return b, err
}

// call gives a command, and waits for its result.
func (f *Firefox) call(ctx context.Context, command string, params, result any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer context.AfterFunc(ctx, func() { f.conn.SetDeadline(time.Now()) })()
	f.last++
	b, err := json.Marshal([]any{0, f.last, command, params})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(f.conn, "%d:%s", len(b), b); err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	if b, err = f.read(); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", command, err), context.Cause(ctx))
	}
	var answer [4]json.RawMessage
	if err := json.Unmarshal(b, &answer); err != nil {
		return err
	}
	if string(answer[2]) != "null" {
		return fmt.Errorf("%s: %.500s", command, answer[2])
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer[3], result)
}

// Navigate loads another page.
func (f *Firefox) Navigate(ctx context.Context, url string) error {
	return f.call(ctx, "WebDriver:Navigate", map[string]any{"url": url}, nil)
}

// EvalFirefox evaluates JavaScript, waits for what it promises, and returns it by way of
// JSON.
func EvalFirefox[T any](ctx context.Context, f *Firefox, js string) (v T, err error) {
	script := `const done = arguments[arguments.length - 1];
		(async () => JSON.stringify(await (` + js + `) ?? null))().then((value) => done({ value }), (err) => done({ fault: String(err) }))`
	var got struct{ Value struct{ Value, Fault string } }
	if err := f.call(ctx, "WebDriver:ExecuteAsyncScript", map[string]any{"script": script, "args": []any{}}, &got); err != nil {
		return v, fmt.Errorf("%s: %w", js, err)
	}
	if got.Value.Fault != "" {
		return v, fmt.Errorf("%s: %s", js, got.Value.Fault)
	}
	return v, json.Unmarshal([]byte(got.Value.Value), &v)
}

// Until waits until an expression is true, looking some 30 times a second, for 4 minutes at
// most.
func (f *Firefox) Until(ctx context.Context, js string) error {
	// No call is broken off for want of patience, so that a caller can still ask what the page
	// shows.
	for begun := time.Now(); ; {
		ok, err := EvalFirefox[bool](ctx, f, Looking(js))
		if ok || err != nil {
			return err
		}
		if time.Since(begun) > patience {
			return fmt.Errorf("waiting for %s: %w", js, errPatience)
		}
	}
}

// SetFiles puts a file into a field that a CSS selector finds first.
func (f *Firefox) SetFiles(ctx context.Context, selector, path string) error {
	element, err := f.find(ctx, selector)
	if err != nil {
		return err
	}
	return f.call(ctx, "WebDriver:ElementSendKeys", map[string]any{"id": element, "text": path}, nil)
}

// Click clicks on what a CSS selector finds first, as a person does.
func (f *Firefox) Click(ctx context.Context, selector string) error {
	element, err := f.find(ctx, selector)
	if err != nil {
		return err
	}
	return f.call(ctx, "WebDriver:ElementClick", map[string]any{"id": element}, nil)
}

// find returns the reference of an element.
func (f *Firefox) find(ctx context.Context, selector string) (string, error) {
	var found struct{ Value map[string]string }
	err := f.call(ctx, "WebDriver:FindElement", map[string]any{"using": "css selector", "value": selector}, &found)
	for _, reference := range found.Value {
		return reference, err
	}
	return "", err
}

// Screenshot returns what the page shows, as a PNG.
func (f *Firefox) Screenshot(ctx context.Context) ([]byte, error) {
	var got struct{ Value string }
	if err := f.call(ctx, "WebDriver:TakeScreenshot", map[string]any{"full": false}, &got); err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(got.Value)
}

// quitFor is how long Firefox may take to end before it is ended.
const quitFor = 20 * time.Second

// Close ends Firefox, and removes its files.
func (f *Firefox) Close() error {
	var errs []error
	if f.cmd != nil {
		if f.conn != nil {
			ctx, cancel := context.WithTimeout(context.Background(), quitFor)
			_ = f.call(ctx, "Marionette:Quit", map[string]any{"flags": []string{"eForceQuit"}}, nil) // it may be gone before it answers
			cancel()
			f.conn.Close()
		}
		select {
		case <-f.exited:
		case <-time.After(quitFor):
			errs = append(errs, f.cmd.Process.Kill())
			<-f.exited
		}
	}
	return errors.Join(append(errs, os.RemoveAll(f.profile))...)
}
