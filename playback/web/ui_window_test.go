package web_test

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// media is an action after which the page finds a feature of its medium to be so, and
// that nothing is to move.
func media(name, value string) chromedp.Action[chromedp.Void] {
	return call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: name, Value: value}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
}

// call makes an action of a command of the protocol whose result is of no use.
func call[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// window gives the page a window, and waits until it has taken its place in it.
func (s *site) window(width, height int64, touch bool) {
	s.Helper()
	var options []chromedp.EmulateViewportOption
	if touch {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	s.do(chromedp.Evaluate[chromedp.Void]("window.boxes", chromedp.EvalAwaitPromise))
	s.do(chromedp.EmulateViewport(width, height, options...))
	s.do(chromedp.Evaluate[chromedp.Void](`(async () => {
		for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame);
	})()`, chromedp.EvalAwaitPromise))
}
