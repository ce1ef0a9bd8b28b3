package livekit

import (
	"github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
)

// The SDK's WebRTC stack logs names and URLs to standard error, through one logger of the whole
// process, whatever logger a room is given. Replacing that is safe only while no room runs, so
// it is done here.
func init() { lksdk.SetLogger(silence()) }

// silence is a logger for the WebRTC stack that nothing is said to. One that discards what it
// is given would not do: the stack is asked for a text of that first, at each packet, and of
// whole tracks, field by field and without a lock, while a negotiation changes them (onTrack in
// pion/webrtc v4.2.26, logAdapter in livekit/protocol v1.49.0). This one has a level, which is
// asked before, and nothing of the stack reaches it.
func silence() logger.Logger {
	l, err := logger.NewZapLogger(&logger.Config{Level: "fatal"})
	if err != nil {
		panic(err) // it has no reason to fail
	}
	return l
}
