package watch

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/livekit/protocol/auth"

	"github.com/sealtape/sealtape/recorder/fleet"
)

// Webhooks that the API key signed have a room looked at; others are refused, and none is
// believed.
func TestWebhooks(t *testing.T) {
	s := newSim(t, 1, 0, true)
	w, err := New(Config{Server: s, Policies: func() *fleet.Policies { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	h := w.Webhooks("key", "a-secret-of-some-length-for-webhooks")
	post := func(body, secret, signed string) int {
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		if secret != "" {
			sum := sha256.Sum256([]byte(signed))
			token, err := auth.NewAccessToken("key", secret).SetSha256(base64.StdEncoding.EncodeToString(sum[:])).SetValidFor(time.Minute).ToJWT()
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", token)
		}
		rw := httptest.NewRecorder()
		h.ServeHTTP(rw, req)
		return rw.Code
	}
	const secret = "a-secret-of-some-length-for-webhooks"
	for _, tt := range []struct {
		name, body, secret, signed string
		code                       int
		looks                      bool
	}{
		{"room_started", `{"event":"room_started","room":{"name":"r"}}`, secret, "", 200, true},
		{"a recorder leaves", `{"event":"participant_left","room":{"name":"r"},"participant":{"identity":"x","permission":{"recorder":true}}}`, secret, "", 200, true},
		{"an agent's connection ends", `{"event":"participant_connection_aborted","room":{"name":"r"},"participant":{"identity":"x","kind":"AGENT"}}`, secret, "", 200, true},
		{"somebody leaves", `{"event":"participant_left","room":{"name":"r"},"participant":{"identity":"ada"}}`, secret, "", 200, false},
		{"somebody comes to a room that nobody records", `{"event":"participant_joined","room":{"name":"r"},"participant":{"identity":"ada"}}`, secret, "", 200, true},
		{"a track", `{"event":"track_published","room":{"name":"r"}}`, secret, "", 200, false},
		{"not signed", `{"event":"room_started","room":{"name":"r"}}`, "", "", 401, false},
		{"signed by another", `{"event":"room_started","room":{"name":"r"}}`, "another-secret-of-some-length-for-it", "", 401, false},
		{"signed for another text", `{"event":"room_started","room":{"name":"r"}}`, secret, "{}", 401, false},
		{"no event", `]`, secret, "", 401, false},
		{"too long", `{"event":"room_started","room":{"name":"` + strings.Repeat("r", maxHook) + `"}}`, secret, "", 401, false},
	} {
		w.prompts = make(map[string]bool)
		if tt.signed == "" {
			tt.signed = tt.body
		}
		if code := post(tt.body, tt.secret, tt.signed); code != tt.code || w.prompts["r"] != tt.looks || len(w.prompts) > 1 {
			t.Errorf("%s: %d, looks at %v", tt.name, code, w.prompts)
		}
	}
	rw := httptest.NewRecorder()
	h.ServeHTTP(rw, httptest.NewRequest(http.MethodGet, "/", nil))
	if rw.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", rw.Code)
	}
	for range 10 {
		w.Look("r")
	}
	if len(w.prompts) != 1 || w.counts.refusedHooks.Load() != 5 {
		t.Errorf("%d prompts, %d refused", len(w.prompts), w.counts.refusedHooks.Load())
	}
}
