package main

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/machine"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/systemd"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/worker"
	"github.com/sealtape/sealtape/internal/workers"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/fleet"
)

func workerCommand() *cli.Command {
	var o workerOptions
	return &cli.Command{
		Name:      "worker",
		Usage:     "record the rooms that a LiveKit server dispatches recorders to",
		ArgsUsage: "--policies DIR",
		Description: `Registers with the server as the agent "sealtape", and records each room that somebody
dispatches it to, in a process of its own. It needs no port: it only connects to the server.
It registers once more under a name of its own, by which "sealtape fleet watch" sends for it
where LiveKit would offer the room to a host that hangs.

A dispatch names a policy, and can say nothing else:
  lk dispatch create --room board-may --agent-name sealtape --metadata '{"policy": "board"}'
The metadata can also stand beside the agent's name in a token, or where a room is made.
Deleting the dispatch ends the recording.

A policy is a file in the folder of --policies, such as board.yaml. It says what
"sealtape record --config" takes, and the rooms that it is for:
  rooms: ["board-*"]           # * is any characters, ? is one
  start: asked                 # for sealtape fleet watch; without it, always
  room-keys: members
  reader: [Bob, age1pq1…]
  store: s3://meetings/2026
In other rooms it does not count: who may dispatch can choose neither readers nor stores. With
"room-keys: members" the room's keys are nowhere on this machine. On SIGHUP, or with
--policies-every when they have changed, the policies are read again, for recordings that begin
then.

A policy may have a command, which is started without a shell:
  command: [/usr/local/bin/room-key, --vault, kv/rooms]
It gets {"policy", "room", "sid"} as JSON on standard input, and within 30 s prints
{"keys": {…}, "settings": {…}}: a key file as for --e2ee-key-file, and more settings; either
may be left out. Its environment has PATH, HOME and what --pass-env names.

What admits it:
  --api-key and a secret   also lets the recorders show the room's recording sign, and come
                           back to a room at any time
  --token-program          a program that prints {"token": "…"}. It gets {"agent"} for the worker, whose
                           token needs the agent grant, or {"room", "identity", "name"}
  --agent-token-file       a token with the agent grant, read for each connection. The recorders
                           join with what the server gives them for an hour: --join-as agent

On SIGTERM or Ctrl-C nothing else is taken. What is recorded has the time --drain to end by
itself; then it is ended properly, and so it is by a second signal. A third one ends the
worker, and the recorders end their recordings by themselves.`,
		UsageText: `  sealtape worker --policies /etc/sealtape/policies --api-key APIxyz --api-secret-file /etc/sealtape/api-secret
  sealtape worker --policies ./policies --agent-token-file agent-token --max-rooms 40 --drain 3h
  sealtape worker --config worker.yaml --metrics-addr 127.0.0.1:9464`,
		Flags: workerFlags(&o),
		Action: func(c *cli.Context) error {
			if err := flags.Configure(ui.Of(c), c); err != nil {
				return err
			}
			return flags.Action(&o, runWorker)(c)
		},
	}
}

func workerFlags(o *workerOptions) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "policies", Destination: &o.policies, Usage: "folder `DIR` with policies, see above"},
		policiesEvery(&o.policiesEvery),
		&cli.StringFlag{Name: "url", Destination: &o.url, EnvVars: []string{"LIVEKIT_URL"}, Usage: "LiveKit server `URL`, wss://…"},
		&cli.StringFlag{Name: "agent", Destination: &o.agent, Value: "sealtape", Usage: "the `NAME` that recorders are dispatched by"},
		&cli.StringFlag{Name: "api-key", Destination: &o.apiKey, EnvVars: []string{"LIVEKIT_API_KEY"}, Usage: "API `KEY`, to make tokens with; the secret is in " + flags.APISecretVar + " or a file"},
		&cli.StringFlag{Name: "api-secret-file", Destination: &o.apiSecretFile, Usage: "`FILE` with the API secret"},
		&cli.StringFlag{Name: "agent-token-file", Destination: &o.agentTokenFile, Usage: "`FILE` with a token that has the agent grant"},
		&cli.StringSliceFlag{Name: "token-program", Usage: "`PROGRAM` that prints tokens, see above; repeat for each of its arguments"},
		&cli.StringFlag{Name: "join-as", Destination: &o.joinAs, Usage: "`WHAT` the server takes the recorders for. recorder: the room shows its recording sign. agent: a token of the API key or of a program is not needed", DefaultText: "recorder, or agent with --agent-token-file"},
		&cli.StringFlag{Name: "name", Destination: &o.name, Value: "Recorder (Sealtape)", Usage: "the `NAME` that members see, unless a policy has another"},
		&cli.IntFlag{Name: "max-rooms", Destination: &o.maxRooms, Value: 20, Usage: "record at most `N` rooms at once"},
		&cli.StringFlag{Name: "min-space", Destination: &o.minSpace, Value: "2GiB", Usage: "take nothing else while the spool's disk has less than `SIZE` left"},
		&cli.StringFlag{Name: "max-backlog", Destination: &o.maxBacklog, Value: "10GiB", Usage: "take nothing else while more than `SIZE` waits for the stores"},
		&cli.DurationFlag{Name: "drain", Destination: &o.drain, Value: time.Hour, Usage: "when told to end, let recordings go on for `TIME`"},
		&cli.StringSliceFlag{Name: "pass-env", Usage: "give the commands of policies the environment variable `NAME`; repeat for more"},
		&cli.StringFlag{Name: "metrics-addr", Destination: &o.metricsAddr, Usage: "answer /metrics (Prometheus), /healthz, /readyz and /livez on this `ADDR`, such as 127.0.0.1:9464"},
		&cli.StringFlag{Name: "config", Usage: "read these flags from a YAML `FILE`, as record does"},
	}
}

// runWorker records what the server dispatches until ctx ends.
func runWorker(ctx context.Context, e *ui.Env, o *workerOptions) error {
	if runtime.GOOS == "windows" {
		return errors.New("a worker needs a Unix system: its recorders get their secrets by pipes")
	}
	service, err := systemd.New()
	if err != nil {
		return err
	}
	home, err := access.OpenHome()
	if err != nil {
		return err
	}
	if err := access.OwnCounts(home); err != nil {
		return err
	}
	identity, passphrase, err := o.identify(ctx, e, home)
	if err != nil {
		return err
	}
	card, err := identity.Card()
	if err != nil {
		return err
	}
	join, err := o.credentials(e)
	if err != nil {
		return err
	}
	o.check = policyCheck(home)
	stamp := fleet.StampOf(o.policies)
	policies, err := o.readPolicies()
	if err != nil {
		return err
	}
	log := e.NewLog(e.Stderr, o.level())
	sweep, err := newWorkerSweep(ctx, e, home, identity, policies, log) // while there are secrets for stores
	if err != nil {
		return err
	}
	secrets := childSecrets(passphrase)
	if err := dropSecrets(); err != nil { // the programs that we start have our environment
		return err
	}
	machine.PrivateFiles()
	table := join.table(o.maxRooms)
	table.SetPolicies(policies)
	w, err := worker.New(o.config(card.Fingerprint().String(), home.SpoolDir(), join, secrets, table, log))
	if err != nil {
		return err
	}
	var g workers.Group
	defer func() { _ = g.Stop() }() // what fails is told by whom it concerns
	(&policyFolder{dir: o.policies, stamp: stamp, every: o.policiesEvery, read: o.readPolicies, take: table.SetPolicies, log: log}).again(ctx, &g)
	sweep.start(ctx, &g)
	if o.metricsAddr != "" {
		end, err := serveMetrics(o.metricsAddr, w.Handler(), log)
		if err != nil {
			return err
		}
		g.Ends(end)
	}
	service.LogTo(log)
	g.Start(ctx, func(ctx context.Context) { service.Feed(ctx, w.Alive) })
	w.Run(ctx, o.drain, e.Hurried("ends what is recorded now"), func() {
		e.Printf("registered as %s\n", ui.Clean(o.agent))
		service.Ready("taking rooms")
	})
	service.Stopping()
	return nil
}

// identify loads the identity that the recorders sign with, so that what is wrong with it
// is found before there is a room, and returns its passphrase, "" for none.
func (o *workerOptions) identify(ctx context.Context, e *ui.Env, home homeOfKeys) (id *keys.Identity, passphrase string, err error) {
	id, err = home.Load(func() ([]byte, error) {
		p, err := e.Passphrase(ctx, false)
		passphrase = string(p)
		return p, err
	})
	if errors.Is(err, keys.ErrNoIdentity) {
		err = ui.Hinted(err, "make a recorder's keys, once; --device tells one machine's from another's", "sealtape keys init --recorder --name NAME --device HOST")
	}
	if err != nil {
		return nil, "", err
	}
	if err := bot.CheckRole(id); err != nil {
		return nil, "", explainRecord(err, nil)
	}
	return id, passphrase, nil
}
