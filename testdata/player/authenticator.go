package player

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// AddAuthenticator gives the page a device with passkeys, whose person is always there and
// agrees. With prf it gives keys for them (WebAuthn's extension prf). The passkeys last as
// long as the page.
func (p *Page) AddAuthenticator(ctx context.Context, prf bool) error {
	return p.do(ctx, command(webauthn.Enable, webauthn.EnableParams{}), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		options := webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, HasPrf: prf, AutomaticPresenceSimulation: true, IsUserVerified: true,
		}
		_, err := cdp.Call(ctx, t, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &options})
		return err
	}))
}
