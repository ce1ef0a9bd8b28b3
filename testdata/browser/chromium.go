package browser

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/sealtape/sealtape/testdata/chromium"
)

// A Chromium is a process that members share, each as if it had a browser of its own. It
// stays until Close. Its methods are safe for concurrent use.
type Chromium struct {
	// WAV is what its microphone hears.
	WAV string

	camera any             // see fakeDevice
	ctx    context.Context // chromedp's, of a page that shows nothing
	cancel context.CancelFunc
	close  sync.Once
	closed error
}

// fits reports whether a member's devices are those of the Chromium.
func (b *Chromium) fits(c Config) error {
	if c.WAV != b.WAV || c.Proxy != "" {
		return fmt.Errorf("a member with the sound %q and the proxy %q cannot share a Chromium with the sound %q and no proxy", c.WAV, c.Proxy, b.WAV)
	}
	if camera := fakeDevice(c); camera != b.camera {
		return fmt.Errorf("a member with the camera %v, by its Files and RoomKeys, cannot share a Chromium with the camera %v", camera, b.camera)
	}
	return nil
}

// Open starts a Chromium with the devices of a configuration, of which only WAV, Files,
// RoomKeys and Log count. ctx bounds starting only.
func Open(ctx context.Context, c Config) (*Chromium, error) {
	if c.Proxy != "" {
		return nil, errors.New("what has a proxy is not shared")
	}
	b := &Chromium{WAV: c.WAV, camera: fakeDevice(c)}
	var err error
	if b.ctx, b.cancel, err = launch(ctx, c, func(any) {}); err != nil {
		return nil, err
	}
	started := context.AfterFunc(ctx, b.cancel)
	err = chromedp.Do(b.ctx) // starts it
	if !started() {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting a browser: %w", err), b.Close())
	}
	return b, nil
}

// Close closes the browser, once its members have left, removes its files and waits for
// all of it, two minutes at most. Later calls return the same.
func (b *Chromium) Close() error {
	b.close.Do(func() {
		ctx, cancel := context.WithTimeout(b.ctx, 2*time.Minute)
		defer cancel()
		if b.ctx.Err() == nil {
			if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
				b.closed = fmt.Errorf("closing the browser: %w", err)
			}
		}
		b.cancel()
	})
	return b.closed
}

// launch returns chromedp's context of a process of its own, which the first thing done in
// it starts.
func launch(ctx context.Context, c Config, listen func(any)) (context.Context, context.CancelFunc, error) {
	program, err := chromium.Find()
	if err != nil {
		return nil, nil, err
	}
	if c.WAV != "" {
		// Chromium sends silence where it cannot read the file.
		if _, err := os.Stat(c.WAV); err != nil {
			return nil, nil, fmt.Errorf("sound of the microphone: %w", err)
		}
	}
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	run, stop := chromedp.NewExecAllocator(context.WithoutCancel(ctx), options(program, c)...)
	trouble := func(format string, args ...any) { log.Debug("chromium: " + fmt.Sprintf(format, args...)) }
	page, cancel := chromedp.NewContext(run, chromedp.WithErrorf(trouble), chromedp.WithLogf(trouble), chromedp.WithListener(listen))
	return page, func() { cancel(); stop() }, nil
}

// fakeDevice is what Chromium's camera is like. A page that is not ours takes the camera as it
// comes, in a size of which two fill a small machine; and of a picture in a room with keys of
// its own nothing is asked but that it moves.
func fakeDevice(c Config) any {
	if c.Files != nil || c.RoomKeys {
		return "fps=5"
	}
	return true
}

// options are Chromium's flags. It runs without a sandbox because it mostly
// runs as root in a container, and opens no page but ours. Without the flags
// against background traffic it calls its maker's hosts.
func options(program string, c Config) []chromedp.ExecAllocatorOption {
	opts := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program),
		chromedp.Headless,
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.WindowSize(800, 600),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		chromedp.Flag("use-fake-device-for-media-stream", fakeDevice(c)),
		chromedp.Flag("use-fake-ui-for-media-stream", true),
	}
	for _, flag := range []string{
		"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-extensions",
		"disable-default-apps", "disable-breakpad", "disable-dev-shm-usage", "disable-client-side-phishing-detection", "metrics-recording-only",
		// A page out of sight must not be slowed down.
		"disable-background-timer-throttling", "disable-backgrounding-occluded-windows", "disable-renderer-backgrounding",
	} {
		opts = append(opts, chromedp.Flag(flag, true))
	}
	// What drops down from the address bar, and a renderer in reserve, take most of the
	// processor time of a start, and some of each window's.
	opts = append(opts, chromedp.Flag("disable-features", "WebUIOmniboxPopup,WebUIOmniboxFullPopup,WebUIOmniboxAimPopup,SpareRendererForSitePerProcess"))
	if c.WAV != "" {
		opts = append(opts, chromedp.Flag("use-file-for-fake-audio-capture", c.WAV))
	}
	if c.Proxy != "" {
		server := strings.TrimPrefix(c.URL, "ws://")
		opts = append(opts, chromedp.Flag("proxy-server", c.Proxy), chromedp.Flag("proxy-bypass-list", "<-loopback>;"+server))
	}
	return opts
}
