package bot

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Once somebody asks for the end, a store that is away is not waited for, and one
// that works gets all.
func TestWhileStored(t *testing.T) {
	for _, tt := range []struct {
		name     string
		signal   bool
		away     bool
		progress bool
		ends     time.Duration // 0: not within an hour
		slow     int           // how often it says that it waits
	}{
		{name: "nobody asks", away: true},
		{name: "it works", signal: true, progress: true, slow: 1},
		{name: "it is away", signal: true, away: true, ends: signalPatience, slow: 1},
		{name: "another works", signal: true, away: true, progress: true, ends: signalPatience, slow: 1},
		{name: "it hangs", signal: true, ends: storingPatience, slow: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				began := time.Now()
				waiting := func() int {
					if tt.progress {
						return 100_000 - int(time.Since(began)/(5*time.Second))
					}
					return 1
				}
				slow := 0
				storing, stop := whileStored(ctx, func() bool { return tt.away }, waiting, func(int) {
					slow++
					if got := time.Since(began); got != storingQuiet {
						t.Errorf("says after %v that it waits, want %v", got, storingQuiet)
					}
				})
				defer stop()
				if tt.signal {
					cancel()
				}
				select {
				case <-storing.Done():
					if got := time.Since(began); tt.ends == 0 || got > tt.ends+time.Second {
						t.Errorf("ends after %v, want %v", got, tt.ends)
					}
				case <-time.After(time.Hour):
					if tt.ends != 0 {
						t.Errorf("does not end, want after %v", tt.ends)
					}
				}
				synctest.Wait()
				if slow != tt.slow {
					t.Errorf("says %d times that it waits, want %d", slow, tt.slow)
				}
			})
		})
	}
}
