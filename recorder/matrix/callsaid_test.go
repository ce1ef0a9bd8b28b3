package matrix

import (
	"encoding/json"
	"strings"
	"testing"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
)

// What people write, by whom it was written.
func TestSaid(t *testing.T) {
	ada, _, _, _ := logIn(t)
	bot, _, _, _ := logIn(t)
	room := callRoom(t, ada, bot)
	bot1 := followCall(t, bot, CallConfig{Room: room})
	ada1 := followCall(t, ada, CallConfig{Room: room})
	ada1.begin(t, false)
	bot1.kind(t, Came, ada)
	eventually(t, "Ada knows that the recorder is in the room", func() bool {
		ada1.Call.mu.Lock()
		defer ada1.Call.mu.Unlock()
		return ada1.room.Joined(bot.User())
	})
	write := func(content any) id.EventID {
		t.Helper()
		sent, err := ada.Write(t.Context(), room, event.EventMessage, content)
		if err != nil {
			t.Fatal(err)
		}
		return sent
	}
	notice, err := bot1.Notice(t.Context(), "This call is being recorded.")
	if err != nil {
		t.Fatal(err)
	}
	e := ada1.kind(t, Chat, bot)
	if e.Text != "This call is being recorded." || e.ID != notice || !e.Encrypted || e.Caller.Standing != Signed || e.Caller.Device != bot.Device() {
		t.Errorf("Ada reads %+v", e)
	}
	sent := write(map[string]any{"msgtype": "m.text", "body": "> <@bot> This\n> call\n\nyes", "m.relates_to": map[string]any{"m.in_reply_to": map[string]any{"event_id": notice}}})
	e = bot1.kind(t, Chat, ada)
	if e.Text != "yes" || e.To != notice || e.ID != string(sent) || !e.Encrypted || e.Caller.Device != ada.Device() || e.Caller.Standing != Signed || e.Edits || e.Sent.IsZero() {
		t.Errorf("the recorder reads %+v", e)
	}
	write(map[string]any{"msgtype": "m.text", "body": "* no", "m.new_content": map[string]any{"msgtype": "m.text", "body": "no"}, "m.relates_to": map[string]any{"rel_type": "m.replace", "event_id": sent}})
	if e = bot1.kind(t, Chat, ada); e.Text != "no" || e.To != string(sent) || !e.Edits {
		t.Errorf("the recorder reads %+v", e)
	}
	// A reaction is never encrypted: only the homeserver says who sent it.
	react := func(to, key string) id.EventID {
		t.Helper()
		resp, err := ada.client.SendMessageEvent(t.Context(), room, event.EventReaction, map[string]any{"m.relates_to": map[string]any{"rel_type": "m.annotation", "event_id": to, "key": key}})
		if err != nil {
			t.Fatal(err)
		}
		return resp.EventID
	}
	react(notice, "👍")
	if e = bot1.kind(t, Reaction, ada); e.Text != "👍" || e.To != notice || e.Encrypted || e.Caller.Device != "" {
		t.Errorf("the reaction is %+v", e)
	}
	membership := string(ada1.own.sent())
	hand := react(membership, "🖐️")
	if e = bot1.kind(t, Hand, ada); e.Lowered || e.ID != string(hand) || e.Caller.Device != ada.Device() || e.Encrypted {
		t.Errorf("the hand is %+v", e)
	}
	if _, err := ada.client.RedactEvent(t.Context(), room, hand); err != nil {
		t.Fatal(err)
	}
	if e = bot1.kind(t, Hand, ada); !e.Lowered || e.To != string(hand) {
		t.Errorf("the hand is %+v", e)
	}
	if _, err := ada.Write(t.Context(), room, event.Type{Type: callReaction, Class: event.MessageEventType}, map[string]any{"emoji": "🎉", "name": "party", "m.relates_to": map[string]any{"rel_type": "m.reference", "event_id": membership}}); err != nil {
		t.Fatal(err)
	}
	if e = bot1.kind(t, Reaction, ada); e.Text != "🎉" || !e.Encrypted || e.Caller.Device != ada.Device() {
		t.Errorf("the reaction is %+v", e)
	}
	// The name in this room alone, and back.
	if err := bot1.SetName(t.Context(), "Sealtape - recording"); err != nil {
		t.Fatal(err)
	}
	write(map[string]any{"msgtype": "m.text", "body": "after"})
	bot1.kind(t, Chat, ada)
	ada1.Call.mu.Lock()
	name := ada1.room.Name(bot.User())
	ada1.Call.mu.Unlock()
	if name != "Sealtape - recording" {
		eventually(t, "the name", func() bool {
			ada1.Call.mu.Lock()
			defer ada1.Call.mu.Unlock()
			return ada1.room.Name(bot.User()) == "Sealtape - recording"
		})
	}
	if err := bot1.SetName(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the old name", func() bool {
		ada1.Call.mu.Lock()
		defer ada1.Call.mu.Unlock()
		return ada1.room.Name(bot.User()) != "Sealtape - recording"
	})
}

func TestWithoutQuote(t *testing.T) {
	for in, want := range map[string]string{"a": "a", "> a": "", "> a\n\nb": "b", "> a\n> b\n\n> c": "> c", "a\n> b": "a\n> b", ">b": ">b"} {
		if in == "> a\n> b\n\n> c" {
			want = "> c"
		}
		if got := withoutQuote(in); got != want {
			t.Errorf("of %q is left %q, want %q", in, got, want)
		}
	}
}

// FuzzSaid: whatever an event of a room says, what is told of it is bounded, and is
// its sender's.
func FuzzSaid(f *testing.F) {
	f.Add("m.room.message", `{"msgtype":"m.text","body":"a"}`)
	f.Fuzz(func(t *testing.T, kind, content string) {
		raw := json.RawMessage(content)
		e := &event.Event{ID: "$e", Sender: "@ada:meet.test", Type: event.Type{Type: kind, Class: event.MessageEventType}, Content: event.Content{VeryRaw: raw}}
		a := &Account{state: &state{savedState: savedState{User: "@bot:meet.test", Device: "BOT", Peers: map[id.UserID]*peer{}}}}
		c := &Call{a: a, room: rtc.NewRoom(), roster: rtc.NewRoster(), callers: make(map[Target]*caller), keys: newHeldKeys(), hands: make(map[id.EventID]hand), refused: make(map[refusal]bool)}
		c.event(RoomEvent{Event: e}, true)
		key := kind
		s := *e
		s.StateKey = &key
		c.event(RoomEvent{Event: &s}, true)
		for _, out := range c.pending {
			if out.Caller.User != e.Sender || len(out.Text) > maxMessage || out.Text == "" && !out.Lowered || len(out.To) > maxName || out.Encrypted {
				t.Errorf("told %+v", out)
			}
			if out.Kind != Chat && len(out.Text) > maxEmoji || strings.Contains(out.Caller.Name, "\n") {
				t.Errorf("told %+v", out)
			}
		}
	})
}
