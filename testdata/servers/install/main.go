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
	programs := []build.Program{build.LiveKit, build.MinIO, build.VersityGW, build.Rclone, build.Dendrite}
	jobs := []build.Job{build.Std(programs...)}
	for _, p := range programs {
		jobs = append(jobs, p.Job())
	}
	if err := build.All(ctx, os.Stderr, jobs...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
