package members

import (
	"time"

	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/livekit"
)

// A Grant says whom a token admits, and what it keeps from them.
type Grant struct {
	Room, Identity, Name string
	// Hidden keeps the member out of the others' lists. NoData and NoSubscribe
	// forbid to send data and to receive media.
	Hidden, NoData, NoSubscribe bool
	// Kind is what the member is, for one who is no person's client.
	Kind Kind
}

// A Kind is what the server says that a member is.
type Kind = livekit.ParticipantInfo_Kind

// Kinds of members.
const (
	Standard = livekit.ParticipantInfo_STANDARD
	SIP      = livekit.ParticipantInfo_SIP
	Agent    = livekit.ParticipantInfo_AGENT
)

// Token makes an access token that is good for an hour.
func Token(apiKey, apiSecret string, g Grant) (string, error) {
	video := &auth.VideoGrant{RoomJoin: true, Room: g.Room, Hidden: g.Hidden}
	if g.NoData {
		video.SetCanPublishData(false)
	}
	if g.NoSubscribe {
		video.SetCanSubscribe(false)
	}
	return auth.NewAccessToken(apiKey, apiSecret).SetVideoGrant(video).SetKind(g.Kind).
		SetIdentity(g.Identity).SetName(g.Name).SetValidFor(time.Hour).ToJWT()
}
