// Package worker records the rooms that a LiveKit server dispatches recorders to: a process
// of "sealtape record" for each, so that a crash, the memory of keys and the metrics of one
// room are not another's.
//
// A child gets its configuration, its secrets and the room's keys by pipes, which nobody
// else can read: they are in no command line, no environment and no file. It tells its
// status by another, and ends its recording properly when nobody reads that any more. What
// a worker decides is in recorder/fleet, how it hears of rooms in recorder/livekit/agent.
package worker
