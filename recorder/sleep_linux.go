package recorder

import (
	"time"

	"golang.org/x/sys/unix"
)

// machineSlept returns what tells for how long the machine has slept since it was
// started: Linux has a clock that stands still then, and one that does not. A wall
// clock that is set is no sleep.
func machineSlept() func() time.Duration {
	read := func(clock int32) (time.Duration, error) {
		var t unix.Timespec
		err := unix.ClockGettime(clock, &t)
		return time.Duration(t.Nano()), err
	}
	var last time.Duration
	return func() time.Duration {
		// The one that goes on first: what passes in between is no sleep.
		whole, err := read(unix.CLOCK_BOOTTIME)
		awake, err2 := read(unix.CLOCK_MONOTONIC)
		if err == nil && err2 == nil {
			last = max(last, whole-awake)
		}
		return last
	}
}
