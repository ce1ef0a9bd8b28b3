//go:build unix

package members_test

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/servers"
)

// trusting has pinned everybody's card.
type trusting struct{}

func (trusting) CanAdd(keys.Card) (keys.Acquaintance, error) { return keys.Known, nil }

// BenchmarkRotation has one of many members leave, again and again: all others make fresh
// keys and hand them to one another, through a real server. It measures how long it takes
// from the first that is handed over to the last, and what of a core's time all members
// need from the leave on: they share one process.
func BenchmarkRotation(b *testing.B) {
	for _, n := range []int{10, 50} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { rotate(b, n) })
	}
}

func rotate(b *testing.B, n int) {
	ctx, cancel := context.WithTimeout(b.Context(), 5*time.Minute)
	defer cancel()
	lk, err := servers.StartLiveKit(ctx, servers.LiveKitConfig{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := lk.Stop(); err != nil {
			b.Error(err)
		}
	}()
	join := func(identity string) *members.Member {
		id, err := keys.Generate(identity)
		if err != nil {
			b.Fatal(err)
		}
		m, err := members.Join(ctx, members.Config{URL: lk.URL, APIKey: lk.APIKey, APISecret: lk.APISecret, Room: "rotation", Identity: identity,
			RoomKeys: true, Key: id, Judge: trusting{}})
		if err != nil {
			b.Fatal(err)
		}
		return m
	}
	all := make(map[string]*members.Member)
	defer func() {
		var leaving sync.WaitGroup
		for _, m := range all {
			leaving.Go(func() { _ = m.Leave() })
		}
		leaving.Wait()
	}()
	for i := range n {
		all[fmt.Sprint(i)] = join(fmt.Sprint(i))
	}
	// settled waits until everybody was handed more than chains chains by everybody else.
	settled := func(chains map[[2]string]int) (first, last time.Time) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for to, m := range all {
			for by := range all {
				for by != to {
					g := m.Given(by)
					if g.Chains <= chains[[2]string{to, by}] {
						select {
						case <-tick.C:
							continue
						case <-ctx.Done():
							b.Fatalf("%s was not handed the key of %s", to, by)
						}
					}
					if first.IsZero() || g.Last.Before(first) {
						first = g.Last
					}
					if g.Last.After(last) {
						last = g.Last
					}
					break
				}
			}
		}
		return first, last
	}
	settled(nil)
	var took, worst, cpu time.Duration
	rounds := 0
	for b.Loop() {
		leaver := join(fmt.Sprintf("leaver %d", rounds))
		all[fmt.Sprintf("leaver %d", rounds)] = leaver
		settled(nil)
		delete(all, fmt.Sprintf("leaver %d", rounds))
		chains := make(map[[2]string]int)
		for to, m := range all {
			for by := range all {
				chains[[2]string{to, by}] = m.Given(by).Chains
			}
		}
		before := used(b)
		if err := leaver.Leave(); err != nil {
			b.Error(err)
		}
		first, last := settled(chains)
		cpu += used(b) - before
		took, worst, rounds = took+last.Sub(first), max(worst, last.Sub(first)), rounds+1
	}
	b.ReportMetric(float64(took.Milliseconds())/float64(rounds), "ms/rotation")
	b.ReportMetric(float64(worst.Milliseconds()), "ms-worst")
	b.ReportMetric(float64(cpu.Milliseconds())/float64(rounds), "cpu-ms/rotation")
}

// used returns what of a core's time this process has used.
func used(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
