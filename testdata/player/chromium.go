package player

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/sealtape/sealtape/testdata/chromium"
)

// A Chromium is a process that pages share, each as if it had one of its own: with a window
// of its own, and nothing kept by another. Starting a process takes longer than most of what
// tests do in it. It is started when it is wanted first, and stays until Close. The zero
// value is ready; its methods are safe for concurrent use.
type Chromium struct {
	// Measure lets pages be measured that want it. Sound may play before a click in all.
	Measure bool
	// Flags are Chromium's own, beside those of every page.
	Flags map[string]any

	mu     sync.Mutex
	ctx    context.Context // chromedp's, of a page that shows nothing; nil before it is started
	cancel context.CancelFunc
}

// Context returns chromedp's context of the process, in which another can be made with
// chromedp.WithNewBrowserContext. ctx bounds starting only.
func (b *Chromium) Context(ctx context.Context) (context.Context, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx != nil {
		return b.ctx, nil
	}
	run, cancel, err := launch(ctx, PageConfig{Measure: b.Measure}, b.Flags)
	if err != nil {
		return nil, err
	}
	started := context.AfterFunc(ctx, cancel)
	if err = chromedp.Do(run); !started() {
		err = context.Cause(ctx)
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("starting a browser: %w", err)
	}
	b.ctx, b.cancel = run, cancel
	return run, nil
}

// Close ends the process, once its pages are closed, and waits for its end, two
// minutes at most.
func (b *Chromium) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx == nil {
		return nil
	}
	defer func() { b.ctx = nil }()
	defer b.cancel()
	return end(b.ctx)
}

// end ends what chromedp's context is of: a process, or a page in one.
func end(page context.Context) error {
	if page.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(page, 2*time.Minute)
	defer cancel()
	if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("closing the browser: %w", err)
	}
	return nil
}

// launch returns chromedp's context of a process of its own, which the first thing done in
// it starts.
func launch(ctx context.Context, c PageConfig, flags map[string]any, more ...chromedp.ContextOption) (context.Context, context.CancelFunc, error) {
	program, err := chromium.Find()
	if err != nil {
		return nil, nil, err
	}
	opts := options(program, c)
	for name, value := range flags {
		opts = append(opts, chromedp.Flag(name, value))
	}
	run, stop := chromedp.NewExecAllocator(context.WithoutCancel(ctx), opts...)
	trouble := func(format string, args ...any) {
		if c.Log != nil {
			c.Log("chromium: " + fmt.Sprintf(format, args...))
		}
	}
	page, cancel := chromedp.NewContext(run, append(more, chromedp.WithErrorf(trouble), chromedp.WithLogf(trouble))...)
	return page, func() { cancel(); stop() }, nil
}

// options are Chromium's flags: as those of testdata/browser, but for a person's
// page instead of a member's.
func options(program string, c PageConfig) []chromedp.ExecAllocatorOption {
	opts := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program),
		chromedp.Headless,
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.WindowSize(cmp.Or(c.Width, 1280), cmp.Or(c.Height, 800)),
	}
	if c.Measure {
		opts = append(opts, chromedp.Flag("autoplay-policy", "no-user-gesture-required"))
	}
	if c.Profile != "" {
		opts = append(opts, chromedp.UserDataDir(c.Profile))
	}
	for _, flag := range []string{
		"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-extensions",
		"disable-default-apps", "disable-breakpad", "disable-client-side-phishing-detection", "metrics-recording-only",
		"disable-background-timer-throttling", "disable-backgrounding-occluded-windows", "disable-renderer-backgrounding",
	} {
		opts = append(opts, chromedp.Flag(flag, true))
	}
	opts = append(opts, chromedp.Flag("disable-features", "WebUIOmniboxPopup,WebUIOmniboxFullPopup,WebUIOmniboxAimPopup,SpareRendererForSitePerProcess"))
	if _, err := os.Stat("/dev/shm"); err != nil {
		opts = append(opts, chromedp.Flag("disable-dev-shm-usage", true))
	}
	return opts
}

// Run runs a package's tests, and then closes what they shared. It is for TestMain.
func Run(m interface{ Run() int }, shared ...*Chromium) (code int) {
	code = m.Run()
	for _, b := range shared {
		if err := b.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	return code
}
