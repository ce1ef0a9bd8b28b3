package player

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A PageConfig says how a page is opened.
type PageConfig struct {
	// URL is what sealtape play prints.
	URL string
	// Width and Height are the window's; 0 means 1280x800.
	Width, Height int
	// Scale is how many pixels of the screen one of the page's has. 0 is as
	// Chromium likes; a Screenshot is then not quite as large as the window.
	Scale float64
	// Dark asks for dark colours, as people's systems do.
	Dark bool
	// Measure lets the page's sound be tapped: scripts of ours are let in, and
	// sound may play before a click.
	Measure bool
	// Script is evaluated before any of the page's own.
	Script string
	// Profile is the folder that Chromium keeps its files in, which stays. Empty
	// is one of its own, which goes.
	Profile string
	// In is the Chromium that the page shares with others. Nil starts one for it.
	In *Chromium
	// Log is told the troubles of a browser that is not shared. Nil discards.
	Log func(string)
}

// A Page is one in Chromium until Close. Its methods are safe for concurrent use.
type Page struct {
	ctx    context.Context // chromedp's
	cancel context.CancelFunc

	mu       sync.Mutex
	requests []string
	sent     [][]byte
	errors   []string
}

// Open starts a Chromium, or uses PageConfig.In, and loads the page. It returns once the
// page's load event has come. ctx bounds starting only.
func Open(ctx context.Context, c PageConfig) (*Page, error) {
	p := &Page{}
	if c.In == nil {
		var err error
		if p.ctx, p.cancel, err = launch(ctx, c, nil, chromedp.WithListener(p.listen)); err != nil {
			return nil, err
		}
	} else if c.Profile != "" || c.Measure && !c.In.Measure {
		return nil, errors.New("a page with a profile of its own, or that is measured, cannot share this Chromium")
	} else {
		browser, err := c.In.Context(ctx)
		if err != nil {
			return nil, err
		}
		p.ctx, p.cancel = chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.listen))
	}
	if err := p.start(ctx, c); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the page: %w", err), p.Close())
	}
	return p, nil
}

func (p *Page) start(ctx context.Context, c PageConfig) error {
	// The first Do binds the browser's life to its context, so it must not end
	// with ctx.
	started := context.AfterFunc(ctx, p.cancel)
	err := chromedp.Do(p.ctx, command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}))
	if !started() {
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	scheme := "light"
	if c.Dark {
		scheme = "dark"
	}
	steps := []chromedp.Action[chromedp.Void]{
		Expose(),
		command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}}}),
	}
	if c.Measure {
		steps = append(steps, command(page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true}))
	}
	if width, height := int64(cmp.Or(c.Width, 1280)), int64(cmp.Or(c.Height, 800)); c.Scale > 0 {
		steps = append(steps, chromedp.EmulateViewport(width, height, chromedp.EmulateScale(c.Scale)))
	} else if c.In != nil && (c.Width > 0 || c.Height > 0) {
		steps = append(steps, chromedp.EmulateViewport(width, height))
	}
	if c.In != nil {
		steps = append(steps, Focused())
	}
	if c.Script != "" {
		steps = append(steps, beforeOthers(c.Script))
	}
	return p.do(ctx, append(steps, chromedp.Navigate(c.URL))...)
}

//go:embed expose.js
var expose string

// Expose is an action after which pages of the player have what they play in
// window.sealtape, as {player, recording}.
func Expose() chromedp.Action[chromedp.Void] { return beforeOthers(expose) }

// Focused is an action after which the page counts as the one that a person uses, also where
// another one of the same Chromium was opened after it.
func Focused() chromedp.Action[chromedp.Void] {
	return command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
}

// beforeOthers is an action after which pages evaluate a script before their own.
func beforeOthers(script string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, page.Enable, page.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	})
}

// command makes an action of a command of the protocol whose result is of no use.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// listen notes what the page asks for, and its errors.
func (p *Page) listen(ev any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := ev.(type) {
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
		p.sent = append(p.sent, wire(e.Request))
	case *network.EventRequestWillBeSentExtraInfo:
		p.sent = append(p.sent, fmt.Append(nil, e.Headers))
	case *network.EventWebSocketCreated:
		p.requests = append(p.requests, e.URL)
	case *runtime.EventExceptionThrown:
		p.errors = append(p.errors, "exception: "+e.ExceptionDetails.Text+" "+describe(e.ExceptionDetails.Exception))
	case *log.EventEntryAdded: // what policies refused, but no answers with an error
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			p.errors = append(p.errors, fmt.Sprint(e.Entry.Source, ": ", e.Entry.Text, " ", e.Entry.URL))
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.ConsoleAPICalledTypeError && e.Type != runtime.ConsoleAPICalledTypeWarning {
			return
		}
		var words []string
		for _, a := range e.Args {
			words = append(words, describe(a))
		}
		p.errors = append(p.errors, fmt.Sprint(e.Type, ": ", strings.Join(words, " ")))
	}
}

func describe(o *runtime.RemoteObject) string {
	if o == nil {
		return ""
	}
	return cmp.Or(o.Description, string(o.Value))
}

// Requests returns the addresses that the page asked for so far, in order.
func (p *Page) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Sent returns all of each request that the page made so far: its address with its
// fragment, its headers and its body, as far as the browser tells.
func (p *Page) Sent() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sent)
}

func wire(r *network.Request) []byte {
	out := fmt.Appendln(nil, r.Method, r.URL, r.URLFragment, r.Headers)
	for _, entry := range r.PostDataEntries {
		out = append(out, entry.Bytes...)
	}
	return out
}

// External returns those of Requests that go anywhere but to the host of the
// page's own address.
func (p *Page) External(own string) (out []string) {
	home, err := url.Parse(own)
	for _, r := range p.Requests() {
		u, uerr := url.Parse(r)
		switch {
		case err != nil, uerr != nil:
			out = append(out, r)
		case u.Scheme == "data":
		case u.Scheme == "blob":
			if !strings.HasPrefix(u.Opaque, "http://"+home.Host+"/") {
				out = append(out, r)
			}
		case u.Host != home.Host:
			out = append(out, r)
		}
	}
	return out
}

// Errors returns the page's exceptions, and what it told the console as errors and
// warnings.
func (p *Page) Errors() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.errors)
}

// patience is how long a test waits for a page at most: longer than anything that it
// plays, and shorter than the tests of a package may take, which would end them all
// without a word about the page.
const patience = 4 * time.Minute

var errPatience = fmt.Errorf("nothing in %v", patience)

// do runs actions in the browser, bounded by ctx, by patience and by the browser's life.
func (p *Page) do(ctx context.Context, actions ...chromedp.Action[chromedp.Void]) error {
	ctx, stop := context.WithTimeoutCause(ctx, patience, errPatience)
	defer stop()
	run, cancel := context.WithCancel(p.ctx)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	err := chromedp.Do(run, actions...)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// Eval evaluates JavaScript, waits for what it promises, and returns it by way of
// JSON.
func Eval[T any](ctx context.Context, p *Page, js string) (T, error) {
	var out T
	err := p.do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		text, err := chromedp.Evaluate[string]("(async () => JSON.stringify(await ("+js+") ?? null))()", chromedp.EvalAwaitPromise)(ctx, t)
		if err != nil {
			return fmt.Errorf("%s: %w", js, err)
		}
		return json.Unmarshal([]byte(text), &out)
	}))
	return out, err
}

// Do evaluates JavaScript and waits for what it promises.
func (p *Page) Do(ctx context.Context, js string) error {
	_, err := Eval[any](ctx, p, js)
	return err
}

// Until waits until an expression is true, looking some 30 times a second. When ctx
// ends first, or nothing came of it in 4 minutes, the error has the page's own.
func (p *Page) Until(ctx context.Context, js string) error {
	ctx, stop := context.WithTimeoutCause(ctx, patience, errPatience)
	defer stop()
	for {
		ok, err := Eval[bool](ctx, p, Looking(js))
		if err != nil && (ctx.Err() != nil || !Elsewhere(err)) {
			return fmt.Errorf("waiting for %s: %w; the page says %q", js, err, p.Errors())
		}
		if ok {
			return nil
		}
		if err != nil { // the next page is on its way
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

// Click clicks on what a CSS selector finds first, as a person does: once it stands still.
// A click goes to a place, and what is there may have moved on since it was looked up.
func (p *Page) Click(ctx context.Context, selector string) error {
	const stands = `new Promise((done) => {
		let before;
		const look = () => {
			const at = JSON.stringify(document.querySelector(%q)?.getBoundingClientRect());
			if (at && at === before) return done(true);
			before = at;
			setTimeout(look, 20);
		};
		look();
	})`
	ctx, stop := context.WithTimeoutCause(ctx, patience, errPatience)
	defer stop()
	if err := p.Do(ctx, fmt.Sprintf(stands, selector)); err != nil {
		return fmt.Errorf("waiting for %s to stand still: %w", selector, err)
	}
	return p.do(ctx, chromedp.Click(selector))
}

// SetFiles puts files, or a folder, into a field that a CSS selector finds first, as a person
// does who picks them.
func (p *Page) SetFiles(ctx context.Context, selector string, paths ...string) error {
	return p.do(ctx, chromedp.SetUploadFiles(selector, paths))
}

// Downloads has the browser put what it saves into a folder.
func (p *Page) Downloads(ctx context.Context, folder string) error {
	return p.do(ctx, command(browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: folder, BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID}))
}

// Key presses a key, as a person does.
func (p *Page) Key(ctx context.Context, keys string) error {
	return p.do(ctx, chromedp.KeyEvent(keys))
}

// Navigate goes to another address.
func (p *Page) Navigate(ctx context.Context, url string) error {
	return p.do(ctx, chromedp.Navigate(url))
}

// Screenshot returns what is in the window as a PNG.
func (p *Page) Screenshot(ctx context.Context) ([]byte, error) {
	var png []byte
	err := p.do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) (err error) {
		png, err = chromedp.CaptureScreenshot()(ctx, t)
		return err
	}))
	return png, err
}

// Close closes the page, and the browser if it has one of its own, and waits for its end,
// two minutes at most.
func (p *Page) Close() error {
	defer p.cancel()
	return end(p.ctx)
}
