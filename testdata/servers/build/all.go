package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Job builds something, and tells progress how far it is.
type Job func(ctx context.Context, progress func(string)) error

// Job returns what builds p if it is not there.
func (p Program) Job() Job {
	return func(ctx context.Context, progress func(string)) error {
		_, err := p.Path(ctx, progress)
		return err
	}
}

// Std returns what builds the standard library, unless the programs are there. Side by side
// they would each build it for themselves: one go command does not wait for another's package.
// While it builds, they fetch their modules.
func Std(programs ...Program) Job {
	return func(ctx context.Context, progress func(string)) error {
		cache, err := cacheDir()
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(programs, func(p Program) bool { return !isFile(p.path(cache)) }) {
			return nil
		}
		return Go(ctx, os.TempDir(), Env(), "the standard library", progress, "build", "std")
	}
}

// All runs the jobs side by side and writes to w, every few seconds, one line
// about all that are not done. The first error ends the others.
func All(ctx context.Context, w io.Writer, jobs ...Job) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begun := time.Now()
	var (
		mu     sync.Mutex
		status = make([]string, len(jobs))
		errs   = make([]error, len(jobs))
		work   sync.WaitGroup
	)
	for i, job := range jobs {
		work.Go(func() {
			err := job(ctx, func(s string) {
				mu.Lock()
				defer mu.Unlock()
				status[i] = s
			})
			mu.Lock()
			defer mu.Unlock()
			status[i] = ""
			if errs[i] = err; err != nil {
				cancel()
			}
		})
	}
	told := make(chan struct{})
	quit := make(chan struct{})
	go func() {
		defer close(told)
		tick := time.NewTicker(tellEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-quit:
				return
			}
			mu.Lock()
			var now []string
			for _, s := range status {
				if s != "" {
					now = append(now, s)
				}
			}
			mu.Unlock()
			d := time.Since(begun)
			fmt.Fprintf(w, "%3d:%02d  %s\n", int(d.Minutes()), int(d.Seconds())%60, strings.Join(now, "; "))
		}
	}()
	work.Wait()
	close(quit)
	<-told
	// What was ended for the sake of another's error says nothing.
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return errors.Join(errs...)
}
