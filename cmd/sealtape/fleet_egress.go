package main

import (
	"context"
	"log/slog"
	"net/url"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/internal/workers"
	"github.com/sealtape/sealtape/recorder/fleet"
	"github.com/sealtape/sealtape/recorder/livekit/egress"
	"github.com/sealtape/sealtape/recorder/livekit/watch"
)

// checkEgress returns an error for options of the Egress API that make no sense.
func (o *fleetWatchOptions) checkEgress() error {
	if o.egressListen == "" {
		if o.egressPolicy != "" || len(o.egressWebhooks) > 0 {
			return ui.Misuse("--egress-policy and --egress-webhook are for --egress-listen, which is missing")
		}
		return nil
	}
	if _, err := listenAddress(o.egressListen); err != nil {
		return ui.Misuse("--egress-listen: %w", err)
	}
	if o.egressPolicy != "" {
		if err := fleet.CheckName(o.egressPolicy); err != nil {
			return ui.Misuse("--egress-policy: %w", err)
		}
	}
	for _, w := range o.egressWebhooks {
		if u, err := url.Parse(w); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return ui.Misuse("--egress-webhook is %s, want a URL such as https://app.example.org/livekit", words.Quote(w))
		}
	}
	return nil
}

// serveEgress serves the Egress API until g ends.
func (o *fleetWatchOptions) serveEgress(ctx context.Context, g *workers.Group, server *watch.LiveKit, secret string, policies func() *fleet.Policies, log *slog.Logger) error {
	if o.egressPolicy != "" && policies().Find(o.egressPolicy) == nil {
		return ui.Misuse("--egress-policy: there is no policy %s in %s", words.Quote(o.egressPolicy), o.policyDir)
	}
	teller, err := egress.NewTeller(o.apiKey, secret, o.egressWebhooks, log)
	if err != nil {
		return err
	}
	front, err := egress.New(egress.Config{Server: server, Key: o.apiKey, Secret: secret, Agent: o.agent, Policies: policies, Policy: o.egressPolicy, Tell: teller.Tell, Log: log})
	if err != nil {
		return err
	}
	g.Ends(func() error { teller.Close(); return nil })
	g.Start(ctx, func(ctx context.Context) { _ = front.Run(ctx) }) // its error is that of ctx
	end, err := serveAPI("egress-listen", o.egressListen, front.Handler(), log)
	if err != nil {
		return err
	}
	g.Ends(end)
	return nil
}
