package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/machine"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/systemd"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/internal/workers"
	"github.com/sealtape/sealtape/recorder/fleet"
	"github.com/sealtape/sealtape/recorder/livekit/watch"
)

func fleetWatchCommand() *cli.Command {
	var o fleetWatchOptions
	return &cli.Command{
		Name:      "watch",
		Usage:     "have each room recorded that a policy wants recorded and nobody records",
		ArgsUsage: "--policies DIR",
		Description: `LiveKit dispatches a recorder once: a dispatch is lost when no worker is free, and so is a
job whose worker dies. This command compares, every 10 s and whenever the server says that
something happened, the rooms that should be recorded with those that are, and dispatches
anew. It keeps nothing on a disk, and two of them do no harm. It needs no keys of people.
Which recording a room has it leaves in the room, for the next watcher: as a dispatch for the
agent sealtape-recording, which no worker is.

A room should be recorded while people are in it, if
  a policy in the folder is for it. Of several, the one counts whose pattern says most: the
  name itself, or else the pattern with the most letters. If two say as much, none counts,
  and the log and /healthz say so;
  or somebody dispatched a recorder to it, as an app does, and its job is not done. A policy
  with the line "start: asked" is only for such rooms.
"sealtape fleet stop ROOM" says that a room should not be recorded any more.

The policies are the same files as the workers'. On SIGHUP they are read again, or with
--policies-every when they have changed.

With --webhook-listen it takes the server's webhooks, which say at once that a recorder has
left. Without, it finds that within 10 s. In the server's configuration:
  webhook:
    api_key: APIxyz            # the key of --api-key
    urls: ["http://127.0.0.1:9466/"]
What they say is never believed, only looked at.

With --egress-listen it serves three methods of LiveKit's Egress API, StartRoomCompositeEgress,
ListEgress and StopEgress, so that an application's recording button makes a sealed
recording. There is no file: the answer says sealtape:ID. Requests with keys to a store are
refused, and other settings of the output have no effect; readers and store are the policy's.
Send /twirp/livekit.Egress/ of the server's address there, and all else to the server; for nginx:
  location /twirp/livekit.Egress/ { proxy_pass http://127.0.0.1:9467; }

It is the only part of a fleet that needs the API secret, where the workers have tokens.`,
		UsageText: `  sealtape fleet watch --policies /etc/sealtape/policies --api-key APIxyz --api-secret-file /etc/sealtape/api-secret
  sealtape fleet watch --policies ./policies --webhook-listen :9466 --metrics-addr 127.0.0.1:9465
  sealtape fleet watch --policies ./policies --egress-listen :9467 --egress-policy button`,
		Flags:  o.flags(),
		Action: flags.Action(&o, runFleetWatch),
	}
}

type fleetWatchOptions struct {
	serverOptions
	every, policiesEvery       time.Duration
	webhookListen, metricsAddr string
	egressListen, egressPolicy string
	egressWebhooks             []string
}

// Rest reads from c the options that flags do not fill by themselves.
func (o *fleetWatchOptions) Rest(c *cli.Context) {
	o.serverOptions.Rest(c)
	o.egressWebhooks = c.StringSlice("egress-webhook")
}

func (o *fleetWatchOptions) flags() []cli.Flag {
	return append([]cli.Flag{o.policiesFlag(), policiesEvery(&o.policiesEvery)}, append(o.serverFlags(),
		&cli.DurationFlag{Name: "every", Destination: &o.every, Value: 10 * time.Second, Usage: "compare all rooms once in this `TIME`"},
		&cli.StringFlag{Name: "webhook-listen", Destination: &o.webhookListen, Usage: "take the server's webhooks on this `ADDR`, such as :9466, which is of this machine only unless it names a host", DefaultText: "none are taken"},
		&cli.StringFlag{Name: "egress-listen", Destination: &o.egressListen, Usage: "serve an Egress API on this `ADDR`, see above; it is of this machine only unless it names a host", DefaultText: "none is served"},
		&cli.StringFlag{Name: "egress-policy", Destination: &o.egressPolicy, Usage: "record by the policy of this `NAME` what is started there", DefaultText: "that of the room"},
		&cli.StringSliceFlag{Name: "egress-webhook", Usage: "send egress_started and egress_ended, signed with the API key, to this `URL`; repeat for more"},
		&cli.StringFlag{Name: "metrics-addr", Destination: &o.metricsAddr, Usage: "answer /metrics (Prometheus), /healthz, /readyz and /livez on this `ADDR`, such as 127.0.0.1:9465"},
	)...)
}

func (o *fleetWatchOptions) Check() error {
	if o.policyDir == "" {
		return ui.Hinted(ui.Misuse("which rooms? --policies is missing"), "it is the folder of the workers; sealtape worker --help shows what a policy says")
	}
	if err := checkPoliciesEvery(o.policiesEvery); err != nil {
		return err
	}
	if o.every < time.Second || o.every > time.Hour {
		return ui.Misuse("--every is %v, want 1s to 1h", o.every)
	}
	if _, err := listenAddress(o.webhookListen); err != nil {
		return ui.Misuse("--webhook-listen: %w", err)
	}
	if err := o.checkEgress(); err != nil {
		return err
	}
	return o.serverOptions.Check()
}

// runFleetWatch watches until ctx ends.
func runFleetWatch(ctx context.Context, e *ui.Env, o *fleetWatchOptions) error {
	service, err := systemd.New()
	if err != nil {
		return err
	}
	stamp := fleet.StampOf(o.policyDir)
	policies, err := o.policies()
	if err != nil {
		return err
	}
	secret, err := o.secret()
	if err != nil {
		return err
	}
	if err := dropSecrets(); err != nil {
		return err
	}
	machine.PrivateFiles()
	e.WarnPlainRoom(o.url)
	log := e.NewLog(e.Stderr, slog.LevelInfo)
	service.LogTo(log)
	var current atomic.Pointer[fleet.Policies]
	current.Store(policies)
	server := watch.NewLiveKit(o.url, o.apiKey, secret)
	w, err := watch.New(watch.Config{Server: server, Agent: o.agent, Policies: current.Load, Every: o.every, Log: log})
	if err != nil {
		return err
	}
	// What cannot work at all is said before anybody relies on it.
	if _, err := server.Rooms(ctx); watch.Refused(err) {
		return o.explainServer(err)
	}
	var g workers.Group
	defer func() { _ = g.Stop() }() // what fails is told by whom it concerns
	take := func(p *fleet.Policies) {
		current.Store(p)
		w.LookAtAll()
	}
	(&policyFolder{dir: o.policyDir, stamp: stamp, every: o.policiesEvery, read: o.policies, take: take, log: log}).again(ctx, &g)
	if o.metricsAddr != "" {
		end, err := serveMetrics(o.metricsAddr, w.Handler(), log)
		if err != nil {
			return err
		}
		g.Ends(end)
	}
	if o.webhookListen != "" {
		end, err := serveAPI("webhook-listen", o.webhookListen, w.Webhooks(o.apiKey, secret), log)
		if err != nil {
			return err
		}
		g.Ends(end)
	}
	if o.egressListen != "" {
		if err := o.serveEgress(ctx, &g, server, secret, current.Load, log); err != nil {
			return err
		}
	}
	e.Printf("watching over the rooms of %s\n", ui.Clean(policyNames(policies)))
	service.Ready("watching")
	if err := w.Run(ctx); !errors.Is(err, ctx.Err()) {
		return err
	}
	service.Stopping()
	return nil
}

// policyNames names policies, for people.
func policyNames(p *fleet.Policies) string {
	var names []string
	for _, one := range p.All() {
		names = append(names, one.Name)
	}
	return words.Few(names)
}
