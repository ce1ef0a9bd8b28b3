package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// What follows is for the page that the member's browser shows by then, which may have
// led to another one.

// Click clicks on what a CSS selector finds first, as a person does.
func (m *Member) Click(ctx context.Context, selector string) error {
	return m.do(ctx, chromedp.Click(selector))
}

// Eval evaluates JavaScript in the page, waits for what it promises, and returns it by way
// of JSON.
func Eval[T any](ctx context.Context, m *Member, js string) (out T, err error) {
	err = m.do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		text, err := chromedp.Evaluate[string]("(async () => JSON.stringify(await ("+js+") ?? null))()", chromedp.EvalAwaitPromise)(ctx, t)
		if err != nil {
			return fmt.Errorf("%s: %w", js, err)
		}
		return json.Unmarshal([]byte(text), &out)
	}))
	return out, err
}

// Until waits until an expression is true, in this page or in one that it leads to. The
// error, once ctx ends, has what was wrong last.
func (m *Member) Until(ctx context.Context, js string) error {
	for {
		ok, err := Eval[bool](ctx, m, "!!("+js+")")
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w, %v", js, context.Cause(ctx), err)
		case <-m.ctx.Done():
			return ErrClosed
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// watchNetwork has the browser tell what the page sends.
var watchNetwork chromedp.Action[chromedp.Void] = chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
	_, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{})
	return err
})

// Sent returns what the browser told that its pages sent, each request with its address,
// headers and body, and each message of a WebSocket. It is empty without Config.Proxy, and has
// nothing of workers.
func (m *Member) Sent() [][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.sent)
}

// listen notes it. The fragment of an address is not sent.
func (m *Member) listen(ev any) {
	var sent []byte
	switch e := ev.(type) {
	case *network.EventRequestWillBeSent:
		sent = fmt.Appendln(nil, e.Request.Method, e.Request.URL, e.Request.Headers)
		for _, entry := range e.Request.PostDataEntries {
			sent = append(sent, entry.Bytes...)
		}
	case *network.EventRequestWillBeSentExtraInfo:
		sent = fmt.Append(nil, e.Headers)
	case *network.EventWebSocketCreated:
		sent = []byte(e.URL)
	case *network.EventWebSocketFrameSent:
		sent = e.Response.PayloadData
	default:
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, sent)
}
