package browser_test

import (
	"context"
	"strings"
	"testing"

	"github.com/livekit/protocol/auth"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/keys/roomkeys"
	"github.com/sealtape/sealtape/testdata/browser"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

const recordingID = "ZYXWVTSRQPNMKJHGFEDCBA9874"

// Browsers and a member in Go make the keys of a room: nobody hears whom they have not
// verified.
func TestRoomKeys(t *testing.T) {
	t.Parallel()
	ctx, s := startServer(t)
	gil := listen(t, ctx, s, "gil", keys.Member)
	films := browser.Config{RoomKeys: true, Camera: true, Pins: [][]byte{gil.card}}
	ada, ben := startKeyed(t, ctx, s, "ada", films), startKeyed(t, ctx, s, "ben", films)
	gil.pin(t, ada)
	wait(t, ctx, ben, "that nobody verified him", func(s browser.State) bool {
		return s.Membership.Peers["ada"].Theirs == "unverified" && s.Membership.Peers["ada"].Mine == "unverified"
	})
	if r, ok := ben.State().Watched("ada"); ok && r.Frames > 0 || hears("ada", toneOf["ada"])(ben.State()) {
		t.Error("ben sees or hears ada, who has not verified him")
	}
	befriend(t, ctx, ada, ben)
	gil.pin(t, ben)
	for m, peer := range map[*browser.Member]string{ada: "ben", ben: "ada"} {
		wait(t, ctx, m, "the key of "+peer, given(peer))
		wait(t, ctx, m, "hearing "+peer, hears(peer, toneOf[peer]))
		wait(t, ctx, m, "seeing "+peer, func(s browser.State) bool { r, _ := s.Watched(peer); return r.Frames >= 10 })
	}
	gil.hears(t, ctx, "ada", 10)
	if err := ada.Say(ctx, "hello"); err != nil {
		t.Fatal(err)
	}
	wait(t, ctx, ben, "a message, which was encrypted", func(s browser.State) bool { return len(s.Messages) > 0 && s.Messages[0].Text == "hello" })
	for _, m := range []*browser.Member{ada, ben} {
		wait(t, ctx, m, "the room code of all", sameCode(gil, ""))
	}

	// Who has only a passphrase is nobody here: nothing is sent under it.
	guest, err := members.Join(ctx, members.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: t.Name(), Identity: "guest", Passphrase: passphrase})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, ctx, ada, "the guest", func(s browser.State) bool { _, ok := s.Membership.Peers["guest"]; return ok })
	gil.hears(t, ctx, "ada", 25)
	if p := ada.State().Membership.Peers["guest"]; p.Standing != "unknown" || p.Mine != "" || p.Theirs != "" {
		t.Errorf("the guest is %+v", p)
	}
	if err := guest.Leave(); err != nil {
		t.Error(err)
	}
	untroubled(t, ada, ben)
}

// Who leaves hears nothing that is said later.
func TestRoomKeysLeaver(t *testing.T) {
	t.Parallel()
	ctx, s := startServer(t)
	gil := listen(t, ctx, s, "gil", keys.Member)
	ada := startKeyed(t, ctx, s, "ada", browser.Config{Pins: [][]byte{gil.card}})
	gil.pin(t, ada)
	gil.hears(t, ctx, "ada", 10)
	cleo := listen(t, ctx, s, "cleo", keys.Member)
	cleo.pin(t, ada)
	if err := ada.Pin(ctx, cleo.card, cleo.words); err != nil {
		t.Fatal(err)
	}
	cleo.hears(t, ctx, "ada", 10)
	cleo.leave(false)
	chain := func() int { return ada.State().Membership.Index }
	before := chain()
	wait(t, ctx, ada, "another chain", func(s browser.State) bool { return (s.Membership.Index-before+256)%256 >= 5 })
	gil.until(t, ctx, "frames of the new chain", func() bool { return gil.sounds["ada"].index == ada.State().Membership.Index })
	gil.hears(t, ctx, "ada", 10)
	cleo.mu.Lock()
	if key := gil.key("ada"); key == "" || cleo.ever["ada"][key] {
		t.Error("cleo has the key that ada uses after she left")
	}
	cleo.mu.Unlock()
	for _, x := range ada.State().Membership.Troubles {
		// What cleo had on its way when she left comes from nobody.
		if x.Trouble != "stale" && (x.Trouble != "hidden" || x.Identity != "") {
			t.Errorf("ada was told %+v", x)
		}
	}
}

// untroubled holds that members were told of nothing wrong, but of messages to a session
// that was over.
func untroubled(t *testing.T, members ...*browser.Member) {
	t.Helper()
	for _, m := range members {
		for _, x := range m.State().Membership.Troubles {
			if x.Trouble != "stale" {
				t.Errorf("%s was told %+v", m.State().Identity, x)
			}
		}
	}
}

// toneOf is what members are heard by.
var toneOf = map[string]float64{"ada": sharedHz, "ben": 1000}

// startKeyed starts a member with a card of the same name.
func startKeyed(t testing.TB, ctx context.Context, s *servers.LiveKit, identity string, c browser.Config) *browser.Member {
	t.Helper()
	c.Card, c.RoomKeys = strings.ToUpper(identity[:1])+identity[1:], true
	return startMember(t, ctx, s, identity, toneOf[identity], c)
}

// Whatever happens to a connection, the sender goes on under its newest key; and so does who
// takes an identity over in another tab.
func TestRoomKeysReconnect(t *testing.T) {
	t.Parallel()
	ctx, s := startServer(t)
	gil := listen(t, ctx, s, "gil", keys.Member)
	c := browser.Config{Pins: [][]byte{gil.card}}
	ada, ben := startKeyed(t, ctx, s, "ada", c), startKeyed(t, ctx, s, "ben", c)
	gil.pin(t, ada)
	gil.pin(t, ben)
	befriend(t, ctx, ada, ben)
	gil.hears(t, ctx, "ada", 10)

	// After each kind of reconnect the sending index is the newest.
	kinds := []struct {
		name string
		do   func() error
	}{
		{"a resumed signal connection", func() error { return ada.Simulate(ctx, "signal-reconnect") }},
		{"a resume", func() error { return ada.Simulate(ctx, "resume-reconnect") }},
		{"a full reconnect", func() error { return ada.Simulate(ctx, "full-reconnect") }},
		{"the same Room connected again", func() error { return ada.Again(ctx) }},
		{"a reload", func() error { return ada.Reload(ctx) }},
	}
	for i := range sample.Cases(t, len(kinds), 3) {
		how := kinds[i]
		if err := how.do(); err != nil {
			t.Fatalf("%s: %v", how.name, err)
		}
		wait(t, ctx, ada, how.name+": connected", func(s browser.State) bool { return s.Connected })
		wait(t, ctx, ben, how.name+": the key of ada", given("ada"))
		wait(t, ctx, ben, how.name+": hearing ada", hears("ada", toneOf["ada"]))
		wait(t, ctx, ada, how.name+": hearing ben", hears("ben", toneOf["ben"]))
		gil.hears(t, ctx, "ada", 25)
		gil.until(t, ctx, how.name+": the newest index", func() bool { return gil.sounds["ada"].index == ada.State().Membership.Index })
	}

	// A second tab takes the identity over, by the same card: it is another session.
	token, err := auth.NewAccessToken(s.APIKey, s.APISecret).SetIdentity("ada").SetVideoGrant(&auth.VideoGrant{RoomJoin: true, Room: t.Name()}).ToJWT()
	if err != nil {
		t.Fatal(err)
	}
	if err := ada.Tab(ctx, token); err != nil {
		t.Fatal(err)
	}
	wait(t, ctx, ben, "hearing the second tab", hears("ada", 700))
	gil.hears(t, ctx, "ada", 10)
	wait(t, ctx, ada, "the first tab to be out", func(s browser.State) bool { return !s.Connected })
	untroubled(t, ada, ben)
}

// A recorder has a browser's key after its person said yes, and not any longer after a no
// or a pause of either; who records whom all can see.
func TestRoomKeysConsent(t *testing.T) {
	t.Parallel()
	ctx, s := startServer(t)
	rec := listen(t, ctx, s, "rec", keys.Recorder)
	c := browser.Config{Pins: [][]byte{rec.card}}
	ada, ben := startKeyed(t, ctx, s, "ada", c), startKeyed(t, ctx, s, "ben", c)
	rec.pin(t, ada)
	rec.pin(t, ben)
	befriend(t, ctx, ada, ben)
	state := member.State{Phase: "recording", Recording: recordingID, Access: "whole", Policy: "named", Keeps: "everyone", Consent: "ask", Store: "folder",
		Readers: []member.Reader{{Fingerprint: cardOf(t, ada).Fingerprint(), Name: "Ada"}}}
	announce := func() {
		t.Helper()
		if err := rec.session.Announce(state); err != nil {
			t.Fatal(err)
		}
	}
	announce()
	asked := func(s browser.State) bool { return s.Membership.Question == "rec" }
	wait(t, ctx, ada, "the question", asked)
	wait(t, ctx, ben, "hearing ada", hears("ada", toneOf["ada"]))
	// closed waits until the recorder has no key of ada's, and holds that it opens nothing.
	closed := func(what string, why roomkeys.Why) {
		t.Helper()
		rec.until(t, ctx, what, func() bool { return rec.why["ada"] == why })
		rec.deaf(t, ctx, "ada", what)
		wait(t, ctx, ben, what+": ada is not recorded", func(s browser.State) bool { return !s.Membership.Peers["ada"].Recorded })
		wait(t, ctx, ben, what+": hearing ada", hears("ada", toneOf["ada"]))
	}
	opens := func(what string) {
		t.Helper()
		rec.hears(t, ctx, "ada", 10)
		wait(t, ctx, ben, what+": ada is recorded", func(s browser.State) bool { return s.Membership.Peers["ada"].Recorded })
	}
	answer := func(yes bool) {
		t.Helper()
		if err := ada.Answer(ctx, "rec", yes); err != nil {
			t.Fatal(err)
		}
	}
	pause := func(paused bool) {
		t.Helper()
		if err := ada.Pause(ctx, paused); err != nil {
			t.Fatal(err)
		}
	}
	closed("before an answer", roomkeys.NoConsent)
	if got := rec.sound("ada").opened; got > 0 {
		t.Errorf("%d frames opened before an answer", got)
	}
	answer(true)
	opens("after a yes")
	wait(t, ctx, ada, "the room code with the recorder", sameCode(rec, rec.session.CodeLines()))
	answer(false)
	closed("after a no", roomkeys.NoConsent)
	answer(true)
	opens("after another yes")
	pause(true)
	closed("after a pause of hers", roomkeys.Paused)
	pause(false)
	opens("after her pause")
	state.Phase = "paused"
	announce()
	closed("after a pause of the recorder's", roomkeys.Paused)
	state.Phase = "recording"
	announce()
	opens("after the recorder's pause")
	// Somebody whom ada does not know would be able to open it.
	state.Readers = append(state.Readers, member.Reader{Name: "Eve"})
	announce()
	wait(t, ctx, ada, "the question about another reader", asked)
	closed("with another reader", roomkeys.NoConsent)
	answer(true)
	opens("after a yes to that")
	if got := rec.sound("ben").opened; got > 0 {
		t.Errorf("%d frames of ben, who did not answer, opened", got)
	}
}

// What room keys cost one member in Chromium: the table in keys/web/README.md.
func BenchmarkRoomKeysInChromium(b *testing.B) {
	ctx, s := startServer(b)
	m := startKeyed(b, ctx, s, "ada", browser.Config{})
	for b.Loop() {
		for _, n := range []int{2, 10, 50} {
			join, leave, err := m.Costs(ctx, n)
			if err != nil {
				b.Fatal(err)
			}
			b.Logf("%d members: joining %+v, a leave %+v", n, join, leave)
		}
	}
}
