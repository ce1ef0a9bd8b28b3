package rtc

import (
	"crypto/sha256"
	"encoding/base64"
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

// A sent is an event, and who made it.
type sent struct {
	*event.Event
	Author
}

// at returns a membership of Ada's at a time, in one of the formats; "" leaves.
func at(ms int64, sticky bool, key, device string) sent {
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
	return sent{Event: e}
}

// Who is in the call, by the events that came.
func TestRoster(t *testing.T) {
	now := time.UnixMilli(eventTime).Add(time.Minute)
	for _, test := range []struct {
		name   string
		events []sent
		now    time.Time
		want   string // devices and the keys that count
	}{
		{"nobody", nil, now, ""},
		{"one", []sent{at(0, false, "D", "D")}, now, "D _@ada:meet.test_D_m.call"},
		{"left", []sent{at(0, false, "D", "D"), at(1, false, "D", "")}, now, ""},
		{"sticky, left", []sent{at(0, true, "M", "D"), at(1, true, "M", "")}, now, ""},
		{"sticky, the leave came first", []sent{at(1, true, "M", ""), at(0, true, "M", "D")}, now, ""},
		{"sticky, joined again", []sent{at(0, true, "M", "D"), at(1, true, "M", ""), at(2, true, "N", "D")}, now, "D N"},
		{"two devices", []sent{at(1, true, "M", "E"), at(0, false, "D", "D")}, now, "D _@ada:meet.test_D_m.call; E M"},
		{"one device in both formats", []sent{at(0, true, "M", "D"), at(1, false, "D", "D")}, now, "D M"},
		{"one device twice", []sent{at(0, true, "M", "D"), at(1, true, "N", "D")}, now, "D N"},
		{"replaced by nonsense", []sent{at(0, false, "D", "D"), {Event: stateEvent("_@ada:meet.test_D_m.call", `{"application":7}`)}}, now, ""},
		{"redacted", []sent{at(0, true, "M", "D"), {}}, now, "D M"},
		{"sticky, run out", []sent{at(0, true, "M", "D")}, now.Add(time.Hour), ""},
		{"run out", []sent{at(0, false, "D", "D")}, now.Add(defaultExpiry), ""},
		{"not run out", []sent{at(0, false, "D", "D")}, now.Add(defaultExpiry - 2*time.Minute), "D _@ada:meet.test_D_m.call"},
	} {
		r := NewRoster()
		for _, e := range test.events {
			r.Take(e.Event, e.Author)
		}
		r.Expire(test.now)
		var got []string
		for _, e := range r.Present(test.now, func(Entry) bool { return true }) {
			got = append(got, string(e.Device)+" "+e.Key)
		}
		if s := strings.Join(got, "; "); s != test.want {
			t.Errorf("%s: in the call are %q, want %q", test.name, s, test.want)
		}
	}
	r := NewRoster()
	r.Take(at(0, true, "M", "D").Event, Author{})
	r.Redact("$0")
	if len(r.entries) != 0 {
		t.Error("a redacted membership counts")
	}
	// One user cannot fill the list.
	for i := range 3 * maxOfUser {
		r.Take(at(int64(i), false, fmt.Sprint(i), fmt.Sprint(i)).Event, Author{})
	}
	if len(r.entries) != maxOfUser {
		t.Errorf("one user has %d memberships", len(r.entries))
	}
	if list := r.Present(now, func(Entry) bool { return true }); list[len(list)-1].Device != id.DeviceID(fmt.Sprint(3*maxOfUser-1)) {
		t.Error("the newest membership is not kept")
	}
}

func roomEvent(kind, key, content string) *event.Event {
	return &event.Event{Type: event.Type{Type: kind, Class: event.StateEventType}, StateKey: &key, Sender: "@ada:meet.test", Content: event.Content{VeryRaw: json.RawMessage(content)}}
}

// What people are called is the homeserver's word, and never another's name.
func TestNames(t *testing.T) {
	r := NewRoom()
	join := func(user, name string) {
		b, err := json.Marshal(map[string]any{"membership": "join", "displayname": name})
		if err != nil {
			t.Fatal(err)
		}
		r.Take(roomEvent("m.room.member", user, string(b)))
	}
	join("@ada:meet.test", "Ada")
	if got := r.Name("@ada:meet.test"); got != "Ada" {
		t.Errorf("Ada is %q", got)
	}
	join("@eve:meet.test", "Ada")
	if got := r.Name("@ada:meet.test"); got != "Ada (@ada:meet.test)" {
		t.Errorf("beside a namesake Ada is %q", got)
	}
	join("@eve:meet.test", "@ada:meet.test")
	if got := r.Name("@eve:meet.test"); got != "@ada:meet.test (@eve:meet.test)" {
		t.Errorf("who has an ID for a name is %q", got)
	}
	join("@eve:meet.test", "  A\u202eda\n\x00 ")
	if got := r.Name("@eve:meet.test"); got != "Ada (@eve:meet.test)" {
		t.Errorf("who has Ada's name with marks in it is %q", got)
	}
	join("@eve:meet.test", strings.Repeat("é", 400))
	if got := r.Name("@eve:meet.test"); len(got) > maxDisplayName || strings.Trim(got, "é") != "" {
		t.Errorf("a long name is %q", got)
	}
	r.Take(roomEvent("m.room.member", "@eve:meet.test", `{"membership":"ban"}`))
	if got := r.Name("@ada:meet.test"); got != "Ada" || len(r.joined) != 1 {
		t.Errorf("alone again Ada is %q, and %d are there", got, len(r.joined))
	}
	r.Take(roomEvent("m.room.member", "@bob:meet.test", `{"membership":"join","displayname":7}`))
	if got := r.Name("@bob:meet.test"); got != "@bob:meet.test" {
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
		{"no levels yet", "", `{}`, StateMember, true},
		{"as a room begins", `{"users":{"@ada:meet.test":100}}`, `{}`, StateMember, false},
		{"and writes", `{"users":{"@ada:meet.test":100}}`, `{}`, message, true},
		{"calls are enabled", `{"events":{"org.matrix.msc3401.call.member":0}}`, `{}`, StateMember, true},
		{"made by Element Call", `{"events":{"org.matrix.msc3401.call.member":0,"m.room.encrypted":50}}`, `{}`, message, false},
		{"a moderator", `{"users":{"@bot:meet.test":50}}`, `{}`, StateMember, true},
		{"numbers as texts", `{"users":{"@bot:meet.test":"50"}}`, `{}`, StateMember, true},
		{"everybody", `{"users_default":50}`, `{}`, StateMember, true},
		{"another default", `{"state_default":0}`, `{}`, StateMember, true},
		{"nonsense", `{"state_default":{}}`, `{}`, StateMember, true},
		{"a creator, version 12", `{"events":{"org.matrix.msc3401.call.member":1000}}`, `{"room_version":"12","additional_creators":["@bot:meet.test"]}`, StateMember, true},
		{"a creator, version 11", `{"events":{"org.matrix.msc3401.call.member":1000}}`, `{"room_version":"11","additional_creators":["@bot:meet.test"]}`, StateMember, false},
	} {
		r := NewRoom()
		r.Take(roomEvent("m.room.create", "", test.create))
		r.Take(roomEvent("m.room.power_levels", "", test.levels))
		err := r.May(user, "to do it", test.kind)
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
		if p, ok := errors.AsType[*PowerError](err); err != nil && (!ok || p.Needs <= p.Has || p.Event != test.kind.Type) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// The identities of a member in LiveKit rooms.
func TestIdentities(t *testing.T) {
	m := Member{User: "@ada:meet.test", Device: "DEV", Key: "_@ada:meet.test_DEV_m.call", ID: "custom"}
	if got := Identities(m); got[0] != "@ada:meet.test:DEV" || len(got) != 3 || got[1] != stickyIdentity(m.User, m.Device, "@ada:meet.test:DEV") || got[2] != stickyIdentity(m.User, m.Device, "custom") {
		t.Errorf("by a state event: %q", got)
	}
	m = Member{User: "@ada:meet.test", Device: "DEV", Key: "M", ID: "M", Sticky: true}
	// printf '["@ada:meet.test","DEV","M"]' | openssl dgst -sha256 -binary | base64
	if got := Identities(m); !slices.Equal(got, []string{stickyVector, "@ada:meet.test:DEV"}) {
		t.Errorf("by a sticky event: %q", got)
	}
	for _, device := range []string{"", "8448:DEV", strings.Repeat("D", maxName+1)} {
		if isDevice(id.DeviceID(device)) {
			t.Errorf("%q is a device", device)
		}
	}
}

const stickyVector = "9fcLXHghoHQP3ns7TQUBUrZb8EUVMSRawqsVobl38Ew"

// A membership from the future lasts no longer than one that was just sent.
func TestFromTheFuture(t *testing.T) {
	now := time.UnixMilli(eventTime).Add(-1000 * time.Hour)
	r := NewRoster()
	r.Take(at(0, true, "M", "D").Event, Author{})
	r.Take(at(0, false, "E", "E").Event, Author{})
	r.Expire(now)
	for e := range r.All() {
		if most := now.Add(maxExpiry); e.Expires.After(most) || e.Sticky && e.Expires.After(now.Add(time.Hour)) {
			t.Errorf("%s lasts until %v", e.Device, e.Expires)
		}
	}
	if r.Expire(now.Add(time.Hour)); len(r.entries) != 1 {
		t.Errorf("%d memberships are left", len(r.entries))
	}
}

// LiveKit identities are those of canonical JSON.
func TestCanonicalIdentity(t *testing.T) {
	if got, sum := stickyIdentity("@a&b:x", "D", "<m>"), sha256.Sum256([]byte(`["@a&b:x","D","<m>"]`)); got != base64.RawStdEncoding.EncodeToString(sum[:]) {
		t.Errorf("identity %s", got)
	}
}
