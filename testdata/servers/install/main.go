// Command install builds the servers that the tests run, side by side, unless
// they are there, and says every few seconds how far it is.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/sealtape/sealtape/testdata/servers/build"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := build.All(ctx, os.Stderr, build.LiveKit.Job(), build.MinIO.Job(), build.VersityGW.Job(), build.Rclone.Job(), build.Dendrite.Job()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
