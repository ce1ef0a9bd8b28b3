package agent

import (
	"time"

	"github.com/livekit/protocol/auth"
)

// tokenLife is how long a token of an API key admits. It is looked at when a worker
// connects, and not later.
const tokenLife = 10 * time.Minute

// Token returns a token for a worker, made with an API key. It has the agent grant and
// nothing else: it neither joins rooms nor lists them.
func Token(apiKey, apiSecret string) (string, error) {
	return auth.NewAccessToken(apiKey, apiSecret).SetVideoGrant(&auth.VideoGrant{Agent: true}).
		SetIdentity("worker").SetValidFor(tokenLife).ToJWT()
}
