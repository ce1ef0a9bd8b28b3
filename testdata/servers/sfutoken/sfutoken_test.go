package sfutoken_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/livekit/protocol/auth"
	"maunium.net/go/mautrix"

	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
	"github.com/sealtape/sealtape/testdata/servers/sfutoken"
)

// Both endpoints lead to one room, under their own identities, and only for whom
// the homeserver knows.
func TestTokens(t *testing.T) {
	sample.Live(t)
	d, err := servers.StartDendrite(t.Context(), func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	defer d.Kill()
	c, err := mautrix.NewClient(d.URL, "", "")
	if err != nil {
		t.Fatal(err)
	}
	who, err := c.RegisterDummy(t.Context(), &mautrix.ReqRegister[any]{Username: "ada", Password: "a password of Ada's"})
	if err != nil {
		t.Fatal(err)
	}
	c.UserID, c.AccessToken = who.UserID, who.AccessToken
	var openID json.RawMessage
	if _, err := c.MakeRequest(t.Context(), http.MethodPost, c.BuildClientURL("v3", "user", c.UserID, "openid", "request_token"), struct{}{}, &openID); err != nil {
		t.Fatal(err)
	}
	config := sfutoken.Config{Homeserver: d.URL, LiveKit: "ws://127.0.0.1:1", APIKey: "key", APISecret: strings.Repeat("secret", 6)}
	service := httptest.NewServer(sfutoken.Handler(config))
	defer service.Close()
	member := fmt.Sprintf(`"member":{"id":"M","claimed_user_id":%q,"claimed_device_id":"DEV"}`, who.UserID)
	for _, test := range []struct {
		name, path, body string
		status           int
		identity         string
	}{
		{"state", "/sfu/get", fmt.Sprintf(`{"room":"!r:x","device_id":"DEV","openid_token":%s}`, openID), 200, string(who.UserID) + ":DEV"},
		{"sticky", "/get_token", fmt.Sprintf(`{"room_id":"!r:x","slot_id":"m.call#ROOM",%s,"openid_token":%s}`, member, openID), 200, sfutoken.Identity(string(who.UserID), "DEV", "M")},
		{"a stranger's token", "/sfu/get", `{"room":"!r:x","device_id":"DEV","openid_token":{"access_token":"made-up"}}`, 401, ""},
		{"as another", "/get_token", fmt.Sprintf(`{"room_id":"!r:x","slot_id":"m.call#ROOM","member":{"id":"M","claimed_user_id":"@bob:x","claimed_device_id":"DEV"},"openid_token":%s}`, openID), 400, ""},
		{"no device", "/sfu/get", fmt.Sprintf(`{"room":"!r:x","openid_token":%s}`, openID), 400, ""},
		{"no JSON", "/sfu/get", `room`, 400, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			resp, err := http.Post(service.URL+test.path, "application/json", strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != test.status {
				t.Fatalf("got %s %s %v, want %d", resp.Status, b, err, test.status)
			}
			if test.status != 200 {
				return
			}
			var got struct{ URL, JWT string }
			if err := json.Unmarshal(b, &got); err != nil {
				t.Fatal(err)
			}
			token, err := auth.ParseAPIToken(got.JWT)
			if err != nil {
				t.Fatal(err)
			}
			_, claims, err := token.Verify(config.APISecret)
			if err != nil {
				t.Fatal(err)
			}
			if got.URL != config.LiveKit || claims.Identity != test.identity || claims.Video.Room != sfutoken.Room("!r:x") || !claims.Video.GetCanPublishData() {
				t.Errorf("got %s, identity %q, grants %+v", got.URL, claims.Identity, claims.Video)
			}
		})
	}
	config.Receive = true
	rec := httptest.NewRecorder()
	sfutoken.Handler(config).ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/sfu/get", strings.NewReader(fmt.Sprintf(`{"room":"!r:x","device_id":"DEV","openid_token":%s}`, openID))))
	var got struct{ JWT string }
	json.Unmarshal(rec.Body.Bytes(), &got)
	token, err := auth.ParseAPIToken(got.JWT)
	if err != nil {
		t.Fatal(err)
	}
	if _, claims, err := token.Verify(config.APISecret); err != nil || claims.Video.GetCanPublishData() {
		t.Errorf("a token to receive only may send: %v", err)
	}
}
