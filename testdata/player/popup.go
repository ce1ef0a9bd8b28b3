package player

import (
	"context"
	"errors"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// Popup returns the window that the page opens when trigger is done, as a Page of its own.
// It ends with this one.
func (p *Page) Popup(ctx context.Context, trigger func() error) (*Page, error) {
	own := chromedp.FromContext(p.ctx).Target.TargetID
	found := chromedp.WaitNewTarget(p.ctx, func(info *target.Info) bool { return info.Type == "page" && info.OpenerID == own })
	if err := trigger(); err != nil {
		return nil, err
	}
	var id target.ID
	select {
	case id = <-found:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-p.ctx.Done():
		return nil, errors.New("the browser is closed")
	}
	popup := &Page{}
	popup.ctx, popup.cancel = chromedp.NewContext(p.ctx, chromedp.WithTargetID(id), chromedp.WithListener(popup.listen))
	return popup, chromedp.Do(popup.ctx, command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}))
}
