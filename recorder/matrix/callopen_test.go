package matrix

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
	"github.com/sealtape/sealtape/recorder/matrix/token"
	"github.com/sealtape/sealtape/testdata/servers/sfutoken"
)

// What an operator has to mend is told apart.
func TestOpenCall(t *testing.T) {
	ada, _, _, _ := logIn(t)
	bot, _, _, _ := logIn(t)
	name := "r" + randomName()
	alias := "#" + name + ":" + strings.SplitN(string(ada.User()), ":", 2)[1]
	r, err := ada.client.CreateRoom(t.Context(), &mautrix.ReqCreateRoom{Preset: "private_chat", RoomAliasName: name,
		PowerLevelOverride: &event.PowerLevelsEventContent{Users: map[id.UserID]int{ada.User(): 100}, Events: map[string]int{"m.room.encrypted": 50, rtc.StickyMember.Type: 50}}})
	if err != nil {
		t.Fatal(err)
	}
	room, servers, err := bot.ResolveRoom(t.Context(), alias)
	if err != nil || room != r.RoomID || len(servers) == 0 {
		t.Errorf("%s is %s at %v, %v", alias, room, servers, err)
	}
	if got, _, err := bot.ResolveRoom(t.Context(), string(room)); err != nil || got != room {
		t.Errorf("%s is %s, %v", room, got, err)
	}
	for _, s := range []string{"", "x", "weekly", "#weekly", "@ada:meet.test", alias + "x", "#no-such" + alias[1:]} {
		if _, _, err := bot.ResolveRoom(t.Context(), s); !errors.Is(err, ErrNoRoom) && !strings.HasSuffix(s, "x") {
			t.Errorf("%q: %v, want ErrNoRoom", s, err)
		}
	}
	open := func(c CallConfig) error {
		c.Room, c.Servers = room, servers
		_, err := bot.OpenCall(t.Context(), c)
		return err
	}
	if err := open(CallConfig{}); !errors.Is(err, ErrNotInvited) {
		t.Errorf("not invited: %v", err)
	}
	if _, err := bot.OpenCall(t.Context(), CallConfig{Room: "!none:meet.test"}); !errors.Is(err, ErrNotInvited) {
		t.Errorf("no room: %v", err)
	}
	if _, err := ada.client.InviteUser(t.Context(), room, &mautrix.ReqInviteUser{UserID: bot.User()}); err != nil {
		t.Fatal(err)
	}
	if err := open(CallConfig{}); !errors.Is(err, ErrNotEncrypted) {
		t.Errorf("not encrypted: %v", err)
	}
	if _, ok := errors.AsType[*rtc.PowerError](open(CallConfig{Plain: true})); !ok {
		t.Error("not encrypted, and that is meant: want a *rtc.PowerError")
	}
	if _, err := ada.client.SendStateEvent(t.Context(), room, event.StateEncryption, "", map[string]any{"algorithm": id.AlgorithmMegolmV1}); err != nil {
		t.Fatal(err)
	}
	p, ok := errors.AsType[*rtc.PowerError](open(CallConfig{}))
	if !ok || p.Event != rtc.StateMember.Type || p.Has != 0 || p.Needs != 50 || !strings.Contains(p.Error(), "take part") {
		t.Errorf("without power: %v", p)
	}
	levels := map[string]any{"users": map[id.UserID]int{ada.User(): 100}, "events": map[string]int{rtc.StateMember.Type: 0, "m.room.encrypted": 50}}
	if _, err := ada.client.SendStateEvent(t.Context(), room, event.StatePowerLevels, "", levels); err != nil {
		t.Fatal(err)
	}
	c := followCall(t, bot, CallConfig{Room: room})
	if p, ok := errors.AsType[*rtc.PowerError](c.MayNotice()); !ok || p.Event != "m.room.encrypted" || p.Needs != 50 {
		t.Errorf("may write: %v", c.MayNotice())
	}
	_, err = c.Notice(t.Context(), "x")
	if _, ok := errors.AsType[*rtc.PowerError](err); !ok {
		t.Errorf("a notice without power: %v", err)
	}
	// Power goes, and then the user.
	levels["events"] = map[string]int{rtc.StateMember.Type: 100, "m.room.encrypted": 50}
	if _, err := ada.client.SendStateEvent(t.Context(), room, event.StatePowerLevels, "", levels); err != nil {
		t.Fatal(err)
	}
	if e := c.until(t, "that power went", func(e CallEvent) bool { return e.Kind == Powerless }); !strings.Contains(e.Reason, "take part") {
		t.Errorf("went: %s", e.Reason)
	}
	if _, err := ada.client.KickUser(t.Context(), room, &mautrix.ReqKickUser{UserID: bot.User(), Reason: "no\nrecorders"}); err != nil {
		t.Fatal(err)
	}
	if e := c.until(t, "the removal", func(e CallEvent) bool { return e.Kind == Removed }); !strings.Contains(e.Reason, "no recorders") || !strings.Contains(e.Reason, string(ada.User())) {
		t.Errorf("removed: %s", e.Reason)
	}
	if err := c.end(); !errors.Is(err, ErrRemoved) {
		t.Errorf("Run ended by %v, want ErrRemoved", err)
	}
	if err := open(CallConfig{}); !errors.Is(err, ErrNotInvited) {
		t.Errorf("kicked: %v", err)
	}
	// A device that its own user's keys do not sign.
	bot.mu.Lock()
	bot.state.Seeds.Master = random(32)
	bot.mu.Unlock()
	if err := open(CallConfig{}); !errors.Is(err, ErrUnsignedDevice) {
		t.Errorf("not cross-signed: %v", err)
	}
}

// Tokens of both endpoints, as the membership is; and what services say otherwise.
func TestToken(t *testing.T) {
	ada, _, _, _ := logIn(t)
	bot, _, _, _ := logIn(t)
	room := callRoom(t, ada, bot)
	config := sfutoken.Config{Homeserver: shared.dendrite.URL, LiveKit: "ws://127.0.0.1:1", APIKey: "key", APISecret: strings.Repeat("secret", 6)}
	sfu := httptest.NewServer(sfutoken.Handler(config))
	defer sfu.Close()
	answer := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r) }))
	defer other.Close()
	ada1 := followCall(t, ada, CallConfig{Room: room})
	bot1 := followCall(t, bot, CallConfig{Room: room})
	for _, sticky := range []bool{false, true} {
		ada1.begin(t, sticky)
		bot1.kind(t, Came, ada)
		if err := bot1.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		own, identity, _ := bot1.Own()
		if own.Sticky != sticky {
			t.Errorf("in as %+v, want sticky %v", own, sticky)
		}
		got, err := bot1.Token(t.Context(), sfu.URL)
		if err != nil {
			t.Fatal(err)
		}
		var claims struct {
			Video struct{ Room string } `json:"video"`
		}
		b, err := base64.RawURLEncoding.DecodeString(strings.Split(got.JWT, ".")[1])
		if err == nil {
			err = json.Unmarshal(b, &claims)
		}
		if err != nil || got.Identity != identity || claims.Video.Room != sfutoken.Room(string(room)) || got.URL != config.LiveKit {
			t.Errorf("token %+v of %+v, want identity %s, %v", got, claims, identity, err)
		}
		for name, test := range map[string]struct {
			answer http.HandlerFunc
			reason string
		}{
			"no JSON":     {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }, "is none"},
			"no token":    {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"url":"wss://x"}`) }, "is none"},
			"no server":   {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"url":"file:///x","jwt":"a.b.c"}`) }, "no LiveKit server"},
			"with a user": {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"url":"wss://u:p@x","jwt":"a.b.c"}`) }, "no LiveKit server"},
			"too long": {func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"url":"wss://x","jwt":%q}`, strings.Repeat("x", 64<<10))
			}, "is none"},
			"refused": {func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				io.WriteString(w, `{"errcode":"M_FORBIDDEN","error":"not on\nthis server"}`)
			}, "not on this server M_FORBIDDEN (status 403)"},
			"another's": {func(w http.ResponseWriter, _ *http.Request) {
				sub, _ := json.Marshal(map[string]string{"sub": rtc.StateIdentity(ada.User(), ada.Device())})
				fmt.Fprintf(w, `{"url":"wss://x","jwt":"a.%s.c"}`, base64.RawURLEncoding.EncodeToString(sub))
			}, "another member's"},
		} {
			answer = test.answer
			_, err := bot1.Token(t.Context(), other.URL)
			if e, ok := errors.AsType[*token.Error](err); !ok || e.Service != other.URL || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := bot1.Token(t.Context(), "file:///etc/passwd"); err == nil {
			t.Error("a service that has no web address was asked")
		}
		if err := errors.Join(bot1.Leave(t.Context()), ada1.Leave(t.Context())); err != nil {
			t.Fatal(err)
		}
		bot1.kind(t, Left, ada)
	}
}
