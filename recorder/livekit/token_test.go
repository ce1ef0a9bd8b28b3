package livekit

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/livekit/protocol/auth"
)

func token(t *testing.T, room string, valid time.Duration, change func(*auth.VideoGrant)) string {
	t.Helper()
	grant := &auth.VideoGrant{RoomJoin: true, Room: room}
	if change != nil {
		change(grant)
	}
	s, err := auth.NewAccessToken("key", "secret").SetVideoGrant(grant).SetIdentity("bot").SetValidFor(valid).ToJWT()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCheckToken(t *testing.T) {
	now := time.Now()
	no := false
	good := token(t, "weekly", time.Hour, nil)
	for _, tt := range []struct {
		name, token, room string
		now               time.Time
		want              error
	}{
		{"good", good, "weekly", now, nil},
		{"room from the token", good, "", now, nil},
		{"another room", good, "daily", now, ErrToken},
		{"expired", good, "weekly", now.Add(2 * time.Hour), ErrToken},
		{"hidden", token(t, "weekly", time.Hour, func(g *auth.VideoGrant) { g.Hidden = true }), "weekly", now, ErrHidden},
		{"no data", token(t, "weekly", time.Hour, func(g *auth.VideoGrant) { g.CanPublishData = &no }), "weekly", now, ErrNoData},
		{"no data, by default", token(t, "weekly", time.Hour, func(g *auth.VideoGrant) { g.CanPublish = &no }), "weekly", now, ErrNoData},
		{"no subscription", token(t, "weekly", time.Hour, func(g *auth.VideoGrant) { g.CanSubscribe = &no }), "weekly", now, ErrNoSubscribe},
		{"no join", token(t, "weekly", time.Hour, func(g *auth.VideoGrant) { g.RoomJoin = false }), "weekly", now, ErrToken},
		{"not a token", "letmein", "weekly", now, ErrToken},
		{"payload is not base64", "a.!.c", "weekly", now, ErrToken},
		{"payload is not JSON", "a.YWJj.c", "weekly", now, ErrToken},
		{"no grants", "a.e30.c", "weekly", now, ErrToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			room, err := checkToken(tt.token, tt.room, tt.now)
			if !errors.Is(err, tt.want) || (tt.want == nil && room != "weekly") {
				t.Errorf("got %q, %v, want %v", room, err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), tt.token) {
				t.Errorf("the error repeats the token: %v", err)
			}
		})
	}
}

// If members are told elsewhere, a token may forbid data, and nothing else.
func TestCheckTokenToldElsewhere(t *testing.T) {
	no := false
	mute := func(g *auth.VideoGrant) { g.CanPublishData = &no }
	c := Config{Told: true}
	if room, err := c.checkToken(token(t, "weekly", time.Hour, mute), "weekly"); room != "weekly" || err != nil {
		t.Errorf("got %q, %v", room, err)
	}
	for _, tt := range []struct {
		name, token string
		want        error
	}{
		{"another room", token(t, "daily", time.Hour, mute), ErrToken},
		{"hidden", token(t, "weekly", time.Hour, func(g *auth.VideoGrant) { g.CanPublishData, g.Hidden = &no, true }), ErrHidden},
		{"no subscription", token(t, "weekly", time.Hour, func(g *auth.VideoGrant) { g.CanPublishData, g.CanSubscribe = &no, &no }), ErrNoSubscribe},
	} {
		if _, err := c.checkToken(tt.token, "weekly"); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestMintedTokenShowsTheRecorder(t *testing.T) {
	s, err := mint(Config{APIKey: "key", APISecret: "secret", Room: "weekly", Identity: "bot", Name: "Recorder"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := checkToken(s, "weekly", time.Now()); err != nil {
		t.Error(err)
	}
	v, err := auth.ParseAPIToken(s)
	if err != nil {
		t.Fatal(err)
	}
	_, c, err := v.Verify("secret")
	if err != nil {
		t.Fatal(err)
	}
	if c.Video.Hidden || !c.Video.Recorder || c.Video.GetCanPublish() || c.Video.RoomAdmin {
		t.Errorf("grants: %+v", c.Video)
	}
	if got := identityIn(s); got != "bot" {
		t.Errorf("the token is for %q", got)
	}
}

func TestPreflight(t *testing.T) {
	var status int
	var query, header string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, header = r.URL.RawQuery, r.Header.Get("Authorization")
		w.WriteHeader(status)
		_, _ = w.Write([]byte("invalid token: TOKEN, error: cryptographic primitive")) // as livekit-server 1.11 does
	}))
	defer s.Close()
	url := "ws" + strings.TrimPrefix(s.URL, "http")
	for _, tt := range []struct {
		name, url string
		status    int
		want      error
	}{
		{"accepted", url, 200, nil},
		{"accepted under a path", url + "/livekit", 200, nil},
		{"bad token", url, 401, ErrUnauthorized},
		{"forbidden", url, 403, ErrUnauthorized},
		{"something else", url, 404, ErrUnreachable},
		{"nobody", "ws://127.0.0.1:1", 0, ErrUnreachable},
		{"no scheme", "meet.example.org", 0, ErrUnreachable},
		{"wrong scheme", "ftp://meet.example.org", 0, ErrUnreachable},
		{"not a URL", "ws://%zz", 0, ErrUnreachable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status = tt.status
			err := preflight(t.Context(), tt.url, "TOKEN")
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if query != "" || (status != 0 && header != "Bearer TOKEN") {
				t.Errorf("the token was sent as %q and %q", query, header)
			}
			if err != nil && strings.Contains(err.Error(), "TOKEN") {
				t.Errorf("the error holds the token: %v", err)
			}
		})
	}
}

func TestNTP(t *testing.T) {
	for _, tt := range []struct {
		ntp  uint64
		want time.Time
	}{
		{0x83aa7e80_00000000, time.Unix(0, 0)},
		{0x83aa7e81_80000000, time.Unix(1, 5e8)},
		{0xffffffff_00000000, time.Date(2036, 2, 7, 6, 28, 15, 0, time.UTC)},
		{0x00000001_40000000, time.Date(2036, 2, 7, 6, 28, 17, 25e7, time.UTC)}, // era 1
	} {
		if got := ntp(tt.ntp); !got.Equal(tt.want) {
			t.Errorf("%x: got %v, want %v", tt.ntp, got.UTC(), tt.want)
		}
	}
}
