//go:build !release

package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/demo"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/flags"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// demoCommands is the demo, which a released sealtape has not: it links servers and
// members of the tests.
func demoCommands() []*cli.Command { return []*cli.Command{demoCommand()} }

func demoCommand() *cli.Command {
	var o demoOptions
	return &cli.Command{
		Name:  "demo",
		Usage: "see the whole way: a meeting, its recording, and what it takes to open it",
		Description: `Starts a real LiveKit server on this machine. Two members meet under end-to-end encryption;
they make the keys themselves. The demo records them: both agree, and one of them does not for
five seconds. Then it shows what is stored, how to verify it, and how one member opens it. The
first time it builds the servers, which takes 4 minutes on two cores, and more with --s3.
Everything stays in a new folder, which the demo names.`,
		UsageText: `  sealtape demo
  sealtape demo --s3 --duration 30s --no-browser`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "s3", Destination: &o.s3, Usage: "store in a real MinIO on this machine, not in a folder"},
			&cli.DurationFlag{Name: "duration", Destination: &o.duration, Value: 15 * time.Second, Usage: "`LENGTH` of the recording"},
			&cli.BoolFlag{Name: "no-browser", Destination: &o.noBrowser, Usage: "do not play it in a browser at the end"},
		},
		Action: flags.Action(&o, runDemo),
	}
}

type demoOptions struct {
	s3, noBrowser bool
	duration      time.Duration
}

func (o *demoOptions) Check() error {
	if o.duration < time.Second {
		return ui.Misuse("--duration is less than a second")
	}
	return nil
}

func runDemo(ctx context.Context, e *ui.Env, o *demoOptions) error {
	return demo.Run(ctx, demo.Config{
		S3: o.s3, Duration: o.duration, NoBrowser: o.noBrowser, Stdout: e.Stdout, Stderr: e.Stderr, Terminal: terminal.Is(e.Stderr),
		Open: func(ctx context.Context, store string) (archive.Store, error) {
			return access.OpenStore(ctx, e, store, false)
		},
	})
}
