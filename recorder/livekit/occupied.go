package livekit

import (
	"context"
	"errors"
	"fmt"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/twitchtv/twirp"
)

// ErrOccupied: a member who shows that it records has the identity already.
var ErrOccupied = errors.New("a recorder has this identity in the room already")

// recordingAttribute is where a recorder shows which recording it makes.
const recordingAttribute = "sealtape.recording"

// keyAttribute is where a recorder shows the words of its card.
const keyAttribute = "sealtape.key"

// occupied returns ErrOccupied if the server lists a member of c's identity who shows that
// it records. The server would throw that member out for us. One who shows our own
// recording is what the server has left of us; so is one who shows none yet, unless it has
// another key: that is about to begin.
func occupied(ctx context.Context, c Config, room string) error {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	client := lksdk.NewRoomServiceClient(c.URL, c.APIKey, c.APISecret)
	p, err := client.GetParticipant(ctx, &lkproto.RoomParticipantIdentity{Room: room, Identity: c.Identity})
	var refused twirp.Error
	switch {
	case errors.As(err, &refused) && refused.Code() == twirp.NotFound:
		return nil // neither the member nor, perhaps, the room
	case err != nil:
		return fmt.Errorf("looking who is in the room: %w", err)
	}
	switch p.GetAttributes()[stateAttribute] {
	case "", "stopped":
		return nil
	}
	own, ownKey, itsKey := c.Attributes[recordingAttribute], c.Attributes[keyAttribute], p.GetAttributes()[keyAttribute]
	if own != "" && (ownKey == "" || itsKey == "" || itsKey == ownKey) {
		if its := p.GetAttributes()[recordingAttribute]; its == "" || its == own {
			return nil
		}
	}
	return ErrOccupied
}
