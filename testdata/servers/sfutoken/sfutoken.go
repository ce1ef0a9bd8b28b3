// Package sfutoken is the service that gives members of a Matrix room their
// LiveKit tokens, for tests: written from the text of MSC4195. It has the endpoint
// of members by state events and that of members by sticky events, which lead to
// the same LiveKit room under different identities.
package sfutoken

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/livekit/protocol/auth"
)

// A Config says whom a Service asks, and where it sends members.
type Config struct {
	Homeserver string // whose word about OpenID tokens counts, http://HOST:PORT
	LiveKit    string // where members are sent, ws://HOST:PORT
	APIKey     string // of LiveKit
	APISecret  string
	// Receive, if set, makes tokens that may receive only: no media and no data.
	Receive bool
}

// slot is the one call that a room has.
const slot = "m.call#ROOM"

// Room returns the LiveKit room of a Matrix room's call.
func Room(matrixRoom string) string { return hash(matrixRoom, slot) }

// Identity returns the LiveKit identity of a member by sticky events. That of one
// by state events is USER:DEVICE.
func Identity(user, device, member string) string { return hash(user, device, member) }

func hash(parts ...string) string {
	b, err := json.Marshal(parts)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return base64.RawStdEncoding.EncodeToString(sum[:])
}

// maxBody bounds a request, in bytes.
const maxBody = 64 << 10

// A request has the fields of both endpoints.
type request struct {
	Room     string `json:"room"`
	DeviceID string `json:"device_id"`

	RoomID string `json:"room_id"`
	SlotID string `json:"slot_id"`
	Member struct {
		ID     string `json:"id"`
		User   string `json:"claimed_user_id"`
		Device string `json:"claimed_device_id"`
	} `json:"member"`

	OpenID struct {
		AccessToken string `json:"access_token"`
	} `json:"openid_token"`
}

// Handler returns the service: POST /sfu/get and POST /get_token.
func Handler(c Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/sfu/get", c.answer(func(q request, user string) (room, identity string, ok bool) {
		return Room(q.Room), user + ":" + q.DeviceID, q.Room != "" && q.DeviceID != ""
	}))
	mux.HandleFunc("/get_token", c.answer(func(q request, user string) (room, identity string, ok bool) {
		return hash(q.RoomID, q.SlotID), Identity(user, q.Member.Device, q.Member.ID),
			q.RoomID != "" && q.SlotID != "" && q.Member.ID != "" && q.Member.Device != "" && q.Member.User == user
	}))
	return mux
}

func (c Config) answer(who func(request, string) (room, identity string, ok bool)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Headers", "*")
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodOptions {
			return
		}
		fail := func(status int, code string, err error) {
			w.WriteHeader(status)
			json.NewEncoder(w).Encode(map[string]string{"errcode": code, "error": err.Error()})
		}
		if r.Method != http.MethodPost {
			fail(http.StatusMethodNotAllowed, "M_UNRECOGNIZED", fmt.Errorf("want POST"))
			return
		}
		var q request
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&q); err != nil {
			fail(http.StatusBadRequest, "M_BAD_JSON", err)
			return
		}
		user, err := c.user(r.Context(), q.OpenID.AccessToken)
		if err != nil {
			fail(http.StatusUnauthorized, "M_UNAUTHORIZED", err)
			return
		}
		room, identity, ok := who(q, user)
		if !ok {
			fail(http.StatusBadRequest, "M_BAD_JSON", fmt.Errorf("a field is missing, or is not the user's"))
			return
		}
		yes, publish := true, !c.Receive
		token, err := auth.NewAccessToken(c.APIKey, c.APISecret).SetVideoGrant(&auth.VideoGrant{
			RoomJoin: true, Room: room, CanPublish: &publish, CanSubscribe: &yes, CanUpdateOwnMetadata: &yes,
		}).SetIdentity(identity).SetValidFor(time.Hour).ToJWT()
		if err != nil {
			fail(http.StatusInternalServerError, "M_UNKNOWN", err)
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"url": c.LiveKit, "jwt": token})
	}
}

// user asks the homeserver whose an OpenID token is.
func (c Config) user(ctx context.Context, token string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		c.Homeserver+"/_matrix/federation/v1/openid/userinfo?access_token="+url.QueryEscape(token), nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var v struct {
		Sub string `json:"sub"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil || resp.StatusCode != http.StatusOK || v.Sub == "" {
		return "", fmt.Errorf("the homeserver does not know the OpenID token: %s", resp.Status)
	}
	return v.Sub, nil
}
