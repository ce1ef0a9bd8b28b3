//go:build unix

package main

import (
	"context"
	"flag"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/sealtape/sealtape/testdata/sample"
)

// What runs beside what. Go lets the same number of all parallel tests run at once, but the
// tests of this package are of two kinds: most wait for something to happen in real time,
// and take a tenth of a processor; those with browsers work, and two of them fill a small
// machine. So all may begin (see beginAll), and wait here for a place of their kind, in
// the order of the source. What they wait is logged, and .ci/test takes it off their time.
var (
	// waiting is for those who wait for servers, recorders and fleets.
	waiting = newPlaces(6)
	// working is for those who work. One browser with a page takes one place; several, or
	// a camera whose pictures are measured, take more.
	working = newPlaces(4)
)

const (
	onePage      = 1 // a browser that shows a page, a script, or ffmpeg
	someBrowsers = 2 // browsers that talk to one another
	busyBrowsers = 3 // layers of video, or several cameras: only one page beside it
)

// places are how many tests of a kind may run at once.
type places struct{ *semaphore.Weighted }

// newPlaces returns n places, or half as many where the race detector multiplies what
// each takes, but as many as one test may want.
func newPlaces(n int64) places {
	if sample.Watched || watched() {
		n = max(n/2, busyBrowsers)
	}
	return places{semaphore.NewWeighted(n)}
}

// take waits for n places, and returns what gives them back.
func (p places) take(log func(format string, args ...any), n int64) (leave func()) {
	begun := time.Now()
	if err := p.Acquire(context.Background(), n); err != nil {
		panic(err) // the context does not end
	}
	if waited := time.Since(begun); waited > 10*time.Millisecond {
		log("waited %.2f s for a place", waited.Seconds())
	}
	return func() { p.Release(n) }
}

// inRealTime says that a test mostly waits for what happens in real time: others
// may run beside it, and -short leaves it out.
func inRealTime(t *testing.T) {
	t.Helper()
	sample.Live(t)
	t.Parallel()
	t.Cleanup(waiting.take(t.Logf, 1))
}

// withBrowsers says that a test works, and takes n places of those who do.
func withBrowsers(t *testing.T, n int64) {
	t.Helper()
	sample.Live(t)
	t.Parallel()
	t.Cleanup(working.take(t.Logf, n))
}

// beginAll lets all parallel tests begin, unless -parallel says otherwise.
func beginAll() error {
	if !flag.Parsed() {
		flag.Parse()
	}
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if given {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(1000))
}
