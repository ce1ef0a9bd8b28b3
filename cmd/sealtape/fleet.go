package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/fleet"
	"github.com/sealtape/sealtape/recorder/livekit/watch"
)

func fleetCommand() *cli.Command {
	return &cli.Command{
		Name:  "fleet",
		Usage: "watch over the rooms of many recorders, and tell them what to do",
		UsageText: `  sealtape fleet watch --policies /etc/sealtape/policies --api-key APIxyz --api-secret-file /etc/sealtape/api-secret
  sealtape fleet status
  sealtape fleet pause board-may`,
		Subcommands: []*cli.Command{fleetWatchCommand(), fleetStatusCommand(), fleetStartCommand(), fleetStopCommand(), fleetPauseCommand(), fleetResumeCommand()},
	}
}

// serverOptions name a LiveKit server and a key to its API.
type serverOptions struct {
	url, agent            string
	apiKey, apiSecretFile string
	envSecret             string // what the environment has; it stands behind the flag
	policyDir             string
}

// serverFlags fill serverOptions.
func (o *serverOptions) serverFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "url", Destination: &o.url, EnvVars: []string{"LIVEKIT_URL"}, Usage: "LiveKit server `URL`, wss://…"},
		&cli.StringFlag{Name: "api-key", Destination: &o.apiKey, EnvVars: []string{"LIVEKIT_API_KEY"}, Usage: "API `KEY`; the secret is in " + flags.APISecretVar + " or a file"},
		&cli.StringFlag{Name: "api-secret-file", Destination: &o.apiSecretFile, Usage: "`FILE` with the API secret"},
		&cli.StringFlag{Name: "agent", Destination: &o.agent, Value: "sealtape", Usage: "the `NAME` that recorders are dispatched by"},
	}
}

func (o *serverOptions) policiesFlag() cli.Flag {
	return &cli.StringFlag{Name: "policies", Destination: &o.policyDir, Usage: "folder `DIR` with the policies of the workers"}
}

// Rest reads from c the options that flags do not fill by themselves.
func (o *serverOptions) Rest(*cli.Context) { o.envSecret = os.Getenv(flags.APISecretVar) }

// Check returns an error unless a server is named.
func (o *serverOptions) Check() error {
	if o.url == "" {
		return ui.Hinted(ui.Misuse("which server? --url is missing"), "set LIVEKIT_URL, such as wss://meet.example.org")
	}
	return nil
}

// admitted returns an error unless there is what admits to the server's API.
func (o *serverOptions) admitted() error {
	switch {
	case o.apiKey == "":
		return ui.Hinted(ui.Misuse("the server's API needs a key: --api-key is missing"), "set LIVEKIT_API_KEY, and "+flags.APISecretVar+" or --api-secret-file")
	case o.apiSecretFile == "" && o.envSecret == "":
		return ui.Hinted(ui.Misuse("there is an API key, and no secret"), "set "+flags.APISecretVar+", or give --api-secret-file FILE")
	}
	return nil
}

// secret returns the API secret, and removes it from our environment.
func (o *serverOptions) secret() (string, error) {
	if err := o.admitted(); err != nil {
		return "", err
	}
	secret, err := valueOrFile("api-secret", "", o.apiSecretFile)
	if err != nil {
		return "", err
	}
	if secret == "" {
		secret = o.envSecret
	}
	return secret, os.Unsetenv(flags.APISecretVar)
}

// open returns the server.
func (o *serverOptions) open(e *ui.Env) (*watch.LiveKit, error) {
	secret, err := o.secret()
	if err != nil {
		return nil, err
	}
	e.WarnPlainRoom(o.url)
	return watch.NewLiveKit(o.url, o.apiKey, secret), nil
}

// policies reads the policies, nil where no folder was named.
func (o *serverOptions) policies() (*fleet.Policies, error) {
	if o.policyDir == "" {
		return nil, nil
	}
	return (&workerOptions{policies: o.policyDir}).readPolicies()
}

// explainServer adds to an error of the server's API what to do about it.
func (o *serverOptions) explainServer(err error) error {
	status, foreign := watch.Foreign(err)
	switch {
	case err == nil:
		return nil
	case watch.Refused(err):
		return ui.Hinted(errors.New("the server refused the API key or its secret"), "both stand in the server's configuration, under keys")
	case foreign:
		return ui.Hinted(fmt.Errorf("what answers at --url is not the API of a LiveKit server: HTTP status %s", ui.Clean(status)),
			"look whether --url is right, whether the proxy there passes /twirp on, and whether the server behind it runs")
	case watch.Silent(err):
		return ui.Hinted(fmt.Errorf("the LiveKit server does not answer: %w", err), "look whether --url is right, and the server runs")
	}
	return err
}
