// Package sample chooses how much of itself a test runs: all of its cases, or a
// sample of them that another day draws anew. A matrix that kills a process at
// each of 400 steps is worth its minutes in CI, not at every make test; a sample
// that never changed would leave the same steps out for good.
//
// What is set in the environment decides:
//
//   - SEALTAPE_TEST_ALL, to anything: every case runs (make test-all).
//   - SEALTAPE_TEST_SEED: the seed of the sample. By default it is the date in
//     UTC, so that a day's runs agree with one another.
//
// Under -short (make quick) samples are a quarter as large, and what is [Live]
// is left out.
package sample

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// started is when the process did: a run that passes midnight keeps its seed, and
// the clock of a synctest bubble, which always starts in 2000, does not count.
var started = time.Now()

// All reports whether every case is to run.
func All() bool { return os.Getenv("SEALTAPE_TEST_ALL") != "" }

// Cases yields, in rising order, which of the cases 0 to n-1 the test t is to
// run: all of them if [All] or if they are no more than want, else want of them,
// one from each of want parts of equal size, so that neighbours stand for one
// another. Under -short it is a quarter of want, and at least one.
//
// The choice follows from the seed, the name of t, n and want. Cases logs with t
// how to repeat it. It fails t at once if want is not positive.
func Cases(t testing.TB, n, want int) iter.Seq[int] {
	t.Helper()
	if want < 1 {
		t.Fatalf("a sample of %d cases", want)
	}
	if testing.Short() {
		want = (want + 3) / 4
	}
	if All() || n <= want {
		return func(yield func(int) bool) {
			for i := range n {
				if !yield(i) {
					return
				}
			}
		}
	}
	seed := os.Getenv("SEALTAPE_TEST_SEED")
	if seed == "" {
		seed = started.UTC().Format(time.DateOnly)
	}
	t.Logf("%d of %d cases; SEALTAPE_TEST_SEED=%s repeats the choice, SEALTAPE_TEST_ALL=1 runs all", want, n, seed)
	return drawn(seed+" "+t.Name(), n, want)
}

// drawn yields want of the numbers 0 to n-1, one from each of want parts.
func drawn(seed string, n, want int) iter.Seq[int] {
	sum := sha256.Sum256([]byte(seed))
	return func(yield func(int) bool) {
		r := rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])))
		for part := range want {
			from, to := part*n/want, (part+1)*n/want
			if !yield(from + r.IntN(to-from)) {
				return
			}
		}
	}
}

// Live says that t needs servers, browsers or processes in real time. It skips t
// under -short.
func Live(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("left out by -short: needs servers, browsers or processes")
	}
}

// reserve is what is left of a run's time when its tests stop waiting.
const reserve = time.Minute

// Context returns a context for what t waits for in real time: it ends with t, or a minute
// before the whole run is out of time (go test -timeout; less before where little is left),
// so that who waited in vain can still say for what. No other time bounds a wait, for nobody
// knows how busy a machine is.
func Context(t testing.TB) context.Context {
	t.Helper()
	timed, ok := t.(interface{ Deadline() (time.Time, bool) })
	if !ok { // a benchmark
		return t.Context()
	}
	end, ok := timed.Deadline()
	if !ok { // -timeout 0
		return t.Context()
	}
	ctx, cancel := context.WithDeadline(t.Context(), end.Add(-min(reserve, time.Until(end)/4)))
	t.Cleanup(cancel)
	return ctx
}
