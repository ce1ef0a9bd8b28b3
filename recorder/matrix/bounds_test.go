package matrix

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/olm"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

// roomMember is an event by which a user is in a room, or not.
func roomMember(user id.UserID, membership, name string) *event.Event {
	key := string(user)
	raw, _ := json.Marshal(map[string]any{"membership": membership, "displayname": name})
	e := &event.Event{Type: event.StateMember, Sender: user, StateKey: &key, Content: event.Content{VeryRaw: raw}}
	json.Unmarshal(raw, &e.Content.Raw)
	return e
}

// cardOf is a peer whose one device is signed.
func cardOf(name id.DeviceID) *peer {
	return &peer{Master: "m", First: "m", Devices: map[id.DeviceID]*device{name: {ID: name, Identity: id.Curve25519("of " + name), Signed: true}}}
}

// Who left a room, or was put out of it, reads nothing that is written from then on; who is
// in it or invited does.
func TestWhoReads(t *testing.T) {
	a := bareAccount(t, "http://127.0.0.1:1")
	for user, membership := range map[id.UserID]string{"@ada:x": "join", "@ben:x": "invite", "@cyd:x": "leave", "@dan:x": "ban", "@eve:x": "knock"} {
		a.stateEvent(t.Context(), "!r:x", roomMember(user, membership, strings.Repeat("name", 1000)))
		a.state.Peers[user] = cardOf(id.DeviceID(user))
	}
	users := a.state.members("!r:x")
	slices.Sort(users)
	if !slices.Equal(users, []id.UserID{"@ada:x", "@ben:x"}) {
		t.Errorf("%v are in the room", users)
	}
	key, to := a.shareWith("!r:x", users)
	if len(to) != 2 || key["session_id"] == nil {
		t.Errorf("the key goes to %v", to)
	}
	for _, x := range to {
		a.state.outbound["!r:x"].shared[x] = true
	}
	a.stateEvent(t.Context(), "!r:x", roomMember("@ada:x", "leave", ""))
	next, to := a.shareWith("!r:x", a.state.members("!r:x"))
	if next["session_id"] == key["session_id"] || len(to) != 1 || to[0].User != "@ben:x" {
		t.Errorf("after Ada left the key of %v goes to %v", next["session_id"], to)
	}
	if b, err := a.state.marshal(); err != nil || strings.Contains(string(b), "namename") {
		t.Errorf("names are kept: %v", err)
	}
}

// Strangers do not fill the state, so that it could not be written, nor take the places of
// those who are in a room with this account.
func TestStrangers(t *testing.T) {
	a := bareAccount(t, "http://127.0.0.1:1")
	s := a.state
	a.stateEvent(t.Context(), "!r:x", roomMember("@ada:x", "join", "Ada"))
	for i := range maxPeers {
		a.trackSender(id.UserID(fmt.Sprintf("@s%d:evil", i)))
	}
	a.trackSender("@ada:x")
	if len(s.Peers) != maxStrangePeers+1 || s.Peers["@ada:x"] == nil {
		t.Errorf("%d users are followed", len(s.Peers))
	}
	s.Peers["@ada:x"] = cardOf("A")
	many := make(map[id.DeviceID]json.RawMessage)
	for i := range maxDevices {
		many[id.DeviceID(fmt.Sprint(i))] = nil
	}
	if n, all := len(s.some("@s1:evil", many)), len(s.some("@ada:x", many)); n != maxStrangeDevices || all != maxDevices {
		t.Errorf("%d devices of a stranger, %d of a member", n, all)
	}

	// Each began a session with us.
	o, err := olm.NewAccount()
	if err != nil {
		t.Fatal(err)
	}
	_, own, err := s.account.IdentityKeys()
	if err != nil {
		t.Fatal(err)
	}
	begun, err := o.NewOutboundSession(own, own)
	if err != nil {
		t.Fatal(err)
	}
	s.use("of A", &session{Session: begun})
	for i := range maxAllSessions {
		s.use(id.Curve25519(fmt.Sprint(i)), &session{Session: begun})
	}
	if n := len(s.sessions); n != maxAllSessions/2 || len(s.sessions["of A"]) != 1 || len(s.sessions[id.Curve25519(fmt.Sprint(maxAllSessions-1))]) != 1 {
		t.Errorf("%d sessions are kept, %d of them with Ada", n, len(s.sessions["of A"]))
	}

	// They sent long messages, and invited.
	content := json.RawMessage(`"` + strings.Repeat("x", maxContent-2) + `"`)
	s.put(Message{Sender: "@ada:x", Encrypted: true, Content: json.RawMessage(`{}`)})
	for i := range maxInbox {
		s.put(Message{Sender: id.UserID(fmt.Sprint(i)), Content: content})
	}
	if n := (len(s.Inbox) - 1) * maxContent; n > maxInboxBytes || n < maxInboxBytes/2 {
		t.Errorf("%d bytes wait", n)
	}
	for i := range maxInbox {
		s.put(Message{Sender: id.UserID(fmt.Sprint("s", i)), Encrypted: true, Content: json.RawMessage(`{}`)})
	}
	if s.Inbox[0].Sender != "@ada:x" || len(s.Inbox) > maxInbox {
		t.Errorf("a member's message gave way, or %d wait", len(s.Inbox))
	}
	var resp mautrix.RespSync
	resp.NextBatch = "n"
	resp.Rooms.Invite = map[id.RoomID]*mautrix.SyncInvitedRoom{"!i:evil": {State: mautrix.SyncEventsList{Events: []*event.Event{nil, roomMember("@s1:evil", "join", "")}}}}
	resp.Rooms.Leave = map[id.RoomID]*mautrix.SyncLeftRoom{"!r:x": {}}
	batch, _ := a.take(t.Context(), &resp)
	if len(batch.Rooms) != 2 || len(s.Rooms.Members) != 0 || s.Next != "n" {
		t.Errorf("after an invitation and a leave, %v are known, %+v", s.Rooms.Members, batch.Rooms)
	}

	var sticky []*event.Event
	for i := range maxStuck {
		raw, _ := json.Marshal(map[string]string{"x": strings.Repeat("x", maxStuckBytes-100)})
		e := &event.Event{ID: id.EventID(fmt.Sprint(i)), Sender: id.UserID(fmt.Sprint(i)), Type: event.EventEncrypted, Timestamp: time.Now().UnixMilli(),
			Sticky: new(event.Sticky), Content: event.Content{VeryRaw: raw}}
		e.Sticky.Duration.Duration = time.Hour
		sticky = append(sticky, e)
	}
	for i := range 20 {
		s.stick(id.RoomID(fmt.Sprint(i)), sticky)
	}
	all := 0
	for _, list := range s.Sticky {
		if n := bytesOf(list); n > maxStuckRoom {
			t.Errorf("%d bytes of a room", n)
		}
		all += bytesOf(list)
	}
	if all > maxStuckAll || all < maxStuckAll/2 {
		t.Errorf("%d bytes of sticky events", all)
	}
	if _, err := s.marshal(); err != nil {
		t.Error(err)
	}
}

// An answer that was asked for earlier does not take the place of a later one, and whom a
// failure kept from being asked for is asked for again.
func TestRefreshOrder(t *testing.T) {
	var answers []func() (string, int)
	asked := make(chan struct{}, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := answers[0]
		answers = answers[1:]
		asked <- struct{}{}
		body, status := answer()
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	defer s.Close()
	a := bareAccount(t, s.URL)
	a.client.DefaultHTTPRetries = 0
	for i := range 150 {
		a.track(id.UserID(fmt.Sprintf("@u%d:x", i)))
	}
	answers = append(answers, func() (string, int) { return `{"errcode":"M_UNKNOWN"}`, http.StatusInternalServerError })
	if err := a.refresh(t.Context()); err == nil {
		t.Error("a failure goes unsaid")
	}
	for user, p := range a.state.Peers {
		if !p.Stale {
			t.Fatalf("%s is not asked for again", user)
		}
	}

	a.state.Peers = map[id.UserID]*peer{"@ada:x": {Stale: true}}
	release := make(chan struct{})
	answers = []func() (string, int){
		func() (string, int) { <-release; return `{"device_keys":{"@ada:x":{}},"master_keys":{}}`, 200 },
		func() (string, int) { return `{"device_keys":{},"master_keys":{}}`, 200 },
	}
	slow := make(chan error)
	go func() { slow <- a.refresh(context.Background()) }()
	<-asked
	<-asked
	a.suspect("@ada:x")
	if err := a.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(release)
	if err := <-slow; err != nil {
		t.Fatal(err)
	}
	if p := a.state.Peers["@ada:x"]; !p.Stale || p.away.IsZero() || p.Devices != nil {
		t.Errorf("the earlier answer counts: %+v", p)
	}
}

// Who was compared here is verified by that master key alone, also if we once signed
// another that the homeserver shows again.
func TestComparedLast(t *testing.T) {
	own, err := olm.NewPKSigningFromSeed(random(32))
	if err != nil {
		t.Fatal(err)
	}
	key := func() (id.Ed25519, json.RawMessage) {
		k, err := olm.NewPKSigningFromSeed(random(32))
		if err != nil {
			t.Fatal(err)
		}
		public := string(k.PublicKey())
		object := map[string]any{"user_id": "@ada:x", "usage": []string{"master"}, "keys": map[string]string{"ed25519:" + public: public}}
		if err := sign(object, "@bot:x", string(own.PublicKey()), own.Sign); err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		return k.PublicKey(), raw
	}
	_, oldKey := key()
	now, nowKey := key()
	by := signer{"@bot:x", own.PublicKey()}
	var p peer
	if p.take("@ada:x", nil, oldKey, nil, by); !p.Verified {
		t.Error("a signature of ours does not count")
	}
	p.Compared, p.First = now, now
	if p.take("@ada:x", nil, oldKey, nil, by); p.Verified || !p.changed() {
		t.Error("the old key is verified again")
	}
	if p.take("@ada:x", nil, nowKey, nil, by); !p.Verified || p.changed() {
		t.Error("the key that was compared is not verified")
	}
}

// Who was taken out of the call and may not come back does not stay in it unseen.
func TestBarred(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `{"errcode":"M_FORBIDDEN","error":"no"}`)
	}))
	defer s.Close()
	c := bareCall(t, s.URL)
	var told []CallEvent
	c.c.OnEvent = func(e CallEvent) { told = append(told, e) }
	c.own.entered, c.own.said = true, rtc.Announcement{User: "@bot:x", Device: "D", Room: "!r:x"}
	c.own.lose()
	for i := range maxBarred {
		if len(told) != 0 {
			t.Fatalf("after %d refusals: %+v", i, told)
		}
		if err := c.keepUp(t.Context(), time.Now().Add(time.Hour)); err == nil {
			t.Fatal("it is a member again")
		}
		c.tell()
	}
	if len(told) != 1 || told[0].Kind != Removed || c.over == "" {
		t.Errorf("told %+v", told)
	}
}

// A user who makes up much does not silence what is to be told of others; and a room that
// is encrypted stays so.
func TestToldOfAll(t *testing.T) {
	c := bareCall(t, "http://127.0.0.1:1")
	for i := range maxRefused {
		c.refuse(Target{"@eve:x", id.DeviceID(fmt.Sprint(i))}, "x")
	}
	c.refuse(Target{"@ada:x", "A"}, "y")
	if n := len(c.pending); n != maxRefusedOf+1 || c.pending[n-1].Caller.User != "@ada:x" {
		t.Errorf("%d refusals are told", n)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `[]`) }))
	defer s.Close()
	c = bareCall(t, s.URL)
	for i, user := range append([]id.UserID{"@ada:x"}, slices.Repeat([]id.UserID{"@eve:x"}, 2*maxUnread)...) {
		c.event(RoomEvent{Event: &event.Event{ID: id.EventID(fmt.Sprint(i)), Sender: user, Type: event.EventEncrypted}}, true)
	}
	if len(c.unread) != maxUnreadOf+1 || c.unread[0].event.Sender != "@ada:x" {
		t.Errorf("%d events wait for their keys", len(c.unread))
	}
	if !c.Heard("@ada:x", "A") {
		t.Error("what is written in the clear is not read")
	}
	c.room.Encrypted = true
	c.a.state.outbound["!r:x"] = &outbound{shared: map[Target]bool{{"@ada:x", "A"}: true}}
	if c.heardBy(c.a.readers("!r:x")); !c.Heard("@ada:x", "A") || c.Heard("@ada:x", "B") {
		t.Error("other devices can read a notice than were given its key")
	}
	if err := c.load(t.Context()); err != nil || !c.room.Encrypted {
		t.Errorf("it is encrypted no more: %v", err)
	}
}

// A sticky event from the future is not kept.
func TestFromTheFuture(t *testing.T) {
	s := aState(t)
	e := stickyEvent(`{}`)
	e.Timestamp = time.Now().Add(time.Hour).UnixMilli()
	if s.stick("!r:x", []*event.Event{e}); len(s.Sticky) != 0 {
		t.Error("it is kept")
	}
}
