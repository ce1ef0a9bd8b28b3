package matrix

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"
)

// at returns a membership of Ada's at a time, in one of the formats; "" leaves.
func at(ms int64, sticky bool, key, device string) RoomEvent {
	var e *event.Event
	switch {
	case sticky && device == "":
		e = stickyEvent(fmt.Sprintf(`{"slot_id":"m.call#ROOM","msc4354_sticky_key":%q}`, key))
	case sticky:
		e = stickyEvent(fmt.Sprintf(`{"slot_id":"m.call#ROOM","msc4354_sticky_key":%q,"application":{"type":"m.call"},"member":{"id":%q,"device_id":%q}}`, key, key, device))
	case device == "":
		e = stateEvent("_@ada:meet.test_"+key+"_m.call", `{}`)
	default:
		e = stateEvent("_@ada:meet.test_"+key+"_m.call", fmt.Sprintf(`{"application":"m.call","call_id":"","device_id":%q,"focus_active":{"type":"livekit"}}`, device))
	}
	e.Timestamp += ms
	e.ID = id.EventID(fmt.Sprintf("$%d", ms))
	return RoomEvent{Event: e}
}

// Who is in the call, by the events that came.
func TestRoster(t *testing.T) {
	now := time.UnixMilli(eventTime).Add(time.Minute)
	for _, test := range []struct {
		name   string
		events []RoomEvent
		now    time.Time
		want   string // devices and the keys that count
	}{
		{"nobody", nil, now, ""},
		{"one", []RoomEvent{at(0, false, "D", "D")}, now, "D _@ada:meet.test_D_m.call"},
		{"left", []RoomEvent{at(0, false, "D", "D"), at(1, false, "D", "")}, now, ""},
		{"sticky, left", []RoomEvent{at(0, true, "M", "D"), at(1, true, "M", "")}, now, ""},
		{"sticky, the leave came first", []RoomEvent{at(1, true, "M", ""), at(0, true, "M", "D")}, now, ""},
		{"sticky, joined again", []RoomEvent{at(0, true, "M", "D"), at(1, true, "M", ""), at(2, true, "N", "D")}, now, "D N"},
		{"two devices", []RoomEvent{at(1, true, "M", "E"), at(0, false, "D", "D")}, now, "D _@ada:meet.test_D_m.call; E M"},
		{"one device in both formats", []RoomEvent{at(0, true, "M", "D"), at(1, false, "D", "D")}, now, "D M"},
		{"one device twice", []RoomEvent{at(0, true, "M", "D"), at(1, true, "N", "D")}, now, "D N"},
		{"replaced by nonsense", []RoomEvent{at(0, false, "D", "D"), {Event: stateEvent("_@ada:meet.test_D_m.call", `{"application":7}`)}}, now, ""},
		{"redacted", []RoomEvent{at(0, true, "M", "D"), {}}, now, "D M"},
		{"sticky, run out", []RoomEvent{at(0, true, "M", "D")}, now.Add(time.Hour), ""},
		{"run out", []RoomEvent{at(0, false, "D", "D")}, now.Add(defaultExpiry), ""},
		{"not run out", []RoomEvent{at(0, false, "D", "D")}, now.Add(defaultExpiry - 2*time.Minute), "D _@ada:meet.test_D_m.call"},
	} {
		r := newRoster()
		for _, e := range test.events {
			r.take(e)
		}
		r.expire(test.now)
		var got []string
		for _, e := range r.present(test.now, func(entry) bool { return true }) {
			got = append(got, string(e.Device)+" "+e.Key)
		}
		if s := strings.Join(got, "; "); s != test.want {
			t.Errorf("%s: in the call are %q, want %q", test.name, s, test.want)
		}
	}
	r := newRoster()
	r.take(at(0, true, "M", "D"))
	r.redact("$0")
	if len(r.entries) != 0 {
		t.Error("a redacted membership counts")
	}
	// One user cannot fill the list.
	for i := range 3 * maxOfUser {
		r.take(at(int64(i), false, fmt.Sprint(i), fmt.Sprint(i)))
	}
	if len(r.entries) != maxOfUser {
		t.Errorf("one user has %d memberships", len(r.entries))
	}
	if list := r.present(now, func(entry) bool { return true }); list[len(list)-1].Device != id.DeviceID(fmt.Sprint(3*maxOfUser-1)) {
		t.Error("the newest membership is not kept")
	}
}

func roomEvent(kind, key, content string) *event.Event {
	return &event.Event{Type: event.Type{Type: kind, Class: event.StateEventType}, StateKey: &key, Sender: "@ada:meet.test", Content: event.Content{VeryRaw: json.RawMessage(content)}}
}

// What people are called is the homeserver's word, and never another's name.
func TestNames(t *testing.T) {
	r := newRoomState()
	join := func(user, name string) {
		b, err := json.Marshal(map[string]any{"membership": "join", "displayname": name})
		if err != nil {
			t.Fatal(err)
		}
		r.take(roomEvent("m.room.member", user, string(b)))
	}
	join("@ada:meet.test", "Ada")
	if got := r.name("@ada:meet.test"); got != "Ada" {
		t.Errorf("Ada is %q", got)
	}
	join("@eve:meet.test", "Ada")
	if got := r.name("@ada:meet.test"); got != "Ada (@ada:meet.test)" {
		t.Errorf("beside a namesake Ada is %q", got)
	}
	join("@eve:meet.test", "@ada:meet.test")
	if got := r.name("@eve:meet.test"); got != "@ada:meet.test (@eve:meet.test)" {
		t.Errorf("who has an ID for a name is %q", got)
	}
	join("@eve:meet.test", "  A\u202eda\n\x00 ")
	if got := r.name("@eve:meet.test"); got != "Ada (@eve:meet.test)" {
		t.Errorf("who has Ada's name with marks in it is %q", got)
	}
	join("@eve:meet.test", strings.Repeat("é", 400))
	if got := r.name("@eve:meet.test"); len(got) > maxDisplayName || strings.Trim(got, "é") != "" {
		t.Errorf("a long name is %q", got)
	}
	r.take(roomEvent("m.room.member", "@eve:meet.test", `{"membership":"ban"}`))
	if got := r.name("@ada:meet.test"); got != "Ada" || len(r.joined) != 1 {
		t.Errorf("alone again Ada is %q, and %d are there", got, len(r.joined))
	}
	r.take(roomEvent("m.room.member", "@bob:meet.test", `{"membership":"join","displayname":7}`))
	if got := r.name("@bob:meet.test"); got != "@bob:meet.test" {
		t.Errorf("without a name Bob is %q", got)
	}
}

func TestPower(t *testing.T) {
	const user = "@bot:meet.test"
	message := event.EventEncrypted
	for _, test := range []struct {
		name, levels, create string
		kind                 event.Type
		ok                   bool
	}{
		{"no levels yet", "", `{}`, stateMember, true},
		{"as a room begins", `{"users":{"@ada:meet.test":100}}`, `{}`, stateMember, false},
		{"and writes", `{"users":{"@ada:meet.test":100}}`, `{}`, message, true},
		{"calls are enabled", `{"events":{"org.matrix.msc3401.call.member":0}}`, `{}`, stateMember, true},
		{"made by Element Call", `{"events":{"org.matrix.msc3401.call.member":0,"m.room.encrypted":50}}`, `{}`, message, false},
		{"a moderator", `{"users":{"@bot:meet.test":50}}`, `{}`, stateMember, true},
		{"numbers as texts", `{"users":{"@bot:meet.test":"50"}}`, `{}`, stateMember, true},
		{"everybody", `{"users_default":50}`, `{}`, stateMember, true},
		{"another default", `{"state_default":0}`, `{}`, stateMember, true},
		{"nonsense", `{"state_default":{}}`, `{}`, stateMember, true},
		{"a creator, version 12", `{"events":{"org.matrix.msc3401.call.member":1000}}`, `{"room_version":"12","additional_creators":["@bot:meet.test"]}`, stateMember, true},
		{"a creator, version 11", `{"events":{"org.matrix.msc3401.call.member":1000}}`, `{"room_version":"11","additional_creators":["@bot:meet.test"]}`, stateMember, false},
	} {
		r := newRoomState()
		r.take(roomEvent("m.room.create", "", test.create))
		r.take(roomEvent("m.room.power_levels", "", test.levels))
		err := r.may(user, "to do it", test.kind)
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
		if p, ok := errors.AsType[*PowerError](err); err != nil && (!ok || !errors.Is(err, ErrNoPower) || p.Needs <= p.Has || p.Event != test.kind.Type) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// The identities of a member in LiveKit rooms.
func TestIdentities(t *testing.T) {
	m := Member{User: "@ada:meet.test", Device: "DEV", Key: "_@ada:meet.test_DEV_m.call", ID: "custom"}
	if got := identities(m); got[0] != "@ada:meet.test:DEV" || len(got) != 3 || got[1] != StickyIdentity(m.User, m.Device, "@ada:meet.test:DEV") || got[2] != StickyIdentity(m.User, m.Device, "custom") {
		t.Errorf("by a state event: %q", got)
	}
	m = Member{User: "@ada:meet.test", Device: "DEV", Key: "M", ID: "M", Sticky: true}
	// printf '["@ada:meet.test","DEV","M"]' | openssl dgst -sha256 -binary | base64
	if got := identities(m); !slices.Equal(got, []string{stickyVector, "@ada:meet.test:DEV"}) {
		t.Errorf("by a sticky event: %q", got)
	}
	for _, device := range []string{"", "8448:DEV", strings.Repeat("D", maxName+1)} {
		if isDevice(id.DeviceID(device)) {
			t.Errorf("%q is a device", device)
		}
	}
}

const stickyVector = "9fcLXHghoHQP3ns7TQUBUrZb8EUVMSRawqsVobl38Ew"
