//go:build !linux

package recorder

import "time"

// machineSlept returns what tells for how long the machine has slept, by a wall
// clock that goes on and a monotonic clock that stands still then. A wall clock
// that is set forwards by more than a moment looks the same.
func machineSlept() func() time.Duration {
	start := time.Now()
	return func() time.Duration {
		now := time.Now()
		return now.Round(0).Sub(start.Round(0)) - now.Sub(start)
	}
}
