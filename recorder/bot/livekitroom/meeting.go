package livekitroom

import (
	"context"
	"errors"

	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/livekit"
)

// Meeting returns the room of c for a bot to join, under the keys k; nil is a room
// without end-to-end encryption. Of c it sets Keys, Clear, Attributes, OnData, OnCall,
// OnBefore, Answer and Reopen itself, and Log where there is none.
func Meeting(c livekit.Config, k *Keys) bot.Meeting {
	m := bot.Meeting{Server: c.URL, Notice: livekit.NoticePeriod, LeftOut: c.Selection.LeftOut(), GoesOn: goesOn}
	switch {
	case k == nil:
	case k.members != nil:
		m.RoomKeys, c.Keys, c.Clear = k.members, k.members, true
	default:
		m.Keys, c.Keys = k, k // not nil in an interface
	}
	m.Join = func(ctx context.Context, p bot.Presence) (bot.Room, error) {
		c := c
		c.Attributes, c.OnData, c.OnBefore, c.Answer, c.Reopen = p.Attributes, p.Receive, p.Before, p.Answer, p.Reopen
		if p.Call != nil {
			c.OnCall = func(ctx context.Context, call livekit.Call) (string, bool, error) {
				return p.Call(ctx, call.Method, call.From, call.Payload)
			}
		}
		if c.Log == nil {
			c.Log = p.Log
		}
		room, err := livekit.Join(ctx, c)
		if err != nil {
			return nil, err // not room: a nil *livekit.Room is no nil bot.Room
		}
		return room, nil
	}
	return m
}

// goesOn reports whether the others may meet on: the recorder was thrown out, or
// lost the room, or its members.
func goesOn(cause error) bool {
	for _, err := range []error{livekit.ErrReplaced, livekit.ErrHid, livekit.ErrGagged, livekit.ErrToken, livekit.ErrLost} {
		if errors.Is(cause, err) {
			return true
		}
	}
	return false
}
