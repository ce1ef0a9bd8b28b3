// Command demo runs "sealtape demo" from a clone. It imports next to nothing, so
// that it speaks at once, and builds Sealtape and the servers side by side, where
// "go run ./cmd/sealtape demo" is silent while it compiles and builds one after
// the other.
//
//	go run ./testdata/demo [--s3] [--duration LENGTH] [--no-browser]
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"

	"github.com/sealtape/sealtape/testdata/servers/build"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run returns the exit code of the demo, which says itself why it is not 0.
func run(args []string) (code int, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := os.MkdirTemp("", "sealtape-demo-build-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	self := filepath.Join(dir, "sealtape")

	jobs := []build.Job{
		func(ctx context.Context, progress func(string)) error {
			return build.Go(ctx, "", os.Environ(), "sealtape", progress, "build", "-o", self, "./cmd/sealtape")
		},
		build.LiveKit.Job(),
	}
	if slices.Contains(args, "--s3") {
		jobs = append(jobs, build.MinIO.Job())
	}
	fmt.Println("Building Sealtape and a LiveKit server: 4 minutes on two cores the first time, then seconds.")
	fmt.Println("The demo itself takes about 40 seconds.")
	if err := build.All(ctx, os.Stdout, jobs...); err != nil {
		return 0, err
	}
	stop() // Ctrl-C reaches the demo itself, which ends by it
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	defer signal.Stop(signals)
	cmd := exec.Command(self, append([]string{"demo"}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}
