package rtc

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"maunium.net/go/mautrix/event"
)

const eventTime = 1_800_000_000_000

// stateEvent and stickyEvent are memberships of Ada's with that content.
func stateEvent(key, content string) *event.Event {
	return &event.Event{Type: StateMember, StateKey: &key, Sender: "@ada:meet.test", Timestamp: eventTime, Content: event.Content{VeryRaw: json.RawMessage(content)}}
}

func stickyEvent(content string) *event.Event {
	e := &event.Event{Type: StickyMember, Sender: "@ada:meet.test", Timestamp: eventTime, Content: event.Content{VeryRaw: json.RawMessage(content)}, Sticky: new(event.Sticky)}
	e.Sticky.Duration.Duration = time.Hour
	return e
}

// What we write of ourselves is read back, in both forms, and by readers of the
// older sticky form.
func TestAnnouncement(t *testing.T) {
	a := Announcement{User: "@ada:meet.test", Device: "DEV", Room: "!r:meet.test", ID: "M", Service: "https://sfu.meet.test/jwt", Expires: 10 * time.Minute,
		Data: map[string]any{"role": "recorder"}}
	read := func(e *event.Event) Member {
		t.Helper()
		m, left, err := ReadMember(e)
		if err != nil || left {
			t.Fatal(m, left, err)
		}
		if m.User != a.User || m.Device != a.Device || !slices.Equal(m.Services, []string{a.Service}) || !m.Since.Equal(time.UnixMilli(eventTime)) {
			t.Errorf("read %+v", m)
		}
		return m
	}
	text := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if m := read(stateEvent(a.StateKey(), text(a.StateContent()))); m.Key != a.StateKey() || m.Expires.Sub(m.Since) != a.Expires || m.Oldest || m.Sticky {
		t.Errorf("read %+v", m)
	}
	sticky := a.StickyContent()
	if m := read(stickyEvent(text(sticky))); m.Key != "M" || !m.Sticky || m.Expires.Sub(m.Since) != time.Hour {
		t.Errorf("read %+v", m)
	}
	delete(sticky, "transports")
	read(stickyEvent(text(sticky)))
	if m, left, err := ReadMember(stickyEvent(text(a.StickyLeave()))); err != nil || !left || m.Key != "M" {
		t.Errorf("a leave is %+v, %v, %v", m, left, err)
	}
	if m, left, err := ReadMember(stateEvent(a.StateKey(), `{}`)); err != nil || !left || m.Key != a.StateKey() {
		t.Errorf("a leave is %+v, %v, %v", m, left, err)
	}
	// Extended, it is the same membership as before.
	a.Since, a.Oldest = time.UnixMilli(eventTime-1000), true
	if m, _, err := ReadMember(stateEvent(a.StateKey(), text(a.StateContent()))); err != nil || !m.Since.Equal(a.Since) || !m.Oldest {
		t.Errorf("extended: %+v, %v", m, err)
	}
}

// What lacks something, or is of somebody else, is no membership; what is too much
// is cut.
func TestReadMember(t *testing.T) {
	const whole = `{"application":"m.call","call_id":"","device_id":"D","focus_active":{"type":"livekit"}}`
	const sticky = `{"slot_id":"m.call#ROOM","msc4354_sticky_key":"M","application":{"type":"m.call"},"member":{"id":"M","device_id":"D"}}`
	for _, test := range []struct {
		name string
		e    *event.Event
		ok   bool
	}{
		{"state", stateEvent("_@ada:meet.test_D_m.call", whole), true},
		{"without underscore", stateEvent("@ada:meet.test_D_m.call", whole), true},
		{"of another", stateEvent("_@bob:meet.test_D_m.call", whole), false},
		{"of a longer name", stateEvent("_@ada:meet.tester_D_m.call", whole), false},
		{"another call", stateEvent("_@ada:meet.test_D_m.call", strings.Replace(whole, `"call_id":""`, `"call_id":"x"`, 1)), false},
		{"no device", stateEvent("_@ada:meet.test_D_m.call", strings.Replace(whole, `"D"`, `""`, 1)), false},
		{"no focus", stateEvent("_@ada:meet.test_D_m.call", strings.Replace(whole, `livekit`, `mesh`, 1)), false},
		{"a list", stateEvent("_@ada:meet.test_D_m.call", `[]`), false},
		{"too long", stateEvent("_@ada:meet.test_D_m.call", `{"x":"`+strings.Repeat("x", maxMembership)+`"}`), false},
		{"sticky", stickyEvent(sticky), true},
		{"sticky of another", stickyEvent(strings.Replace(sticky, `"device_id"`, `"user_id":"@bob:meet.test","device_id"`, 1)), false},
		{"sticky, another slot", stickyEvent(strings.Replace(sticky, `ROOM`, `OTHER`, 1)), false},
		{"sticky, two names", stickyEvent(strings.Replace(sticky, `"id":"M"`, `"id":"N"`, 1)), false},
	} {
		if m, _, err := ReadMember(test.e); (err == nil) != test.ok {
			t.Errorf("%s: %+v, %v", test.name, m, err)
		}
	}
	loose := stickyEvent(sticky)
	loose.Sticky = nil
	if _, _, err := ReadMember(loose); err == nil {
		t.Error("an event that does not stick is a membership")
	}
	m, _, err := ReadMember(stateEvent("_@ada:meet.test_D_m.call", `{"application":"m.call","call_id":"","device_id":"D","focus_active":{"type":"livekit"},"expires":99999999999999,"created_ts":9999999999999,
		"foci_preferred":[{"type":"livekit","livekit_service_url":"file:///etc/passwd"},{"type":"livekit","livekit_service_url":"https://u:p@x"},{"type":"full_mesh","livekit_service_url":"https://x"},{"type":"livekit","livekit_service_url":"https://y/jwt/"}]}`))
	if err != nil || m.Expires.Sub(m.Since) != maxExpiry || !m.Since.Equal(time.UnixMilli(eventTime)) || !slices.Equal(m.Services, []string{"https://y/jwt"}) {
		t.Errorf("read %+v, %v", m, err)
	}
}

// FuzzMember: whatever an event says, it speaks for its sender only.
func FuzzMember(f *testing.F) {
	f.Add(true, "_@ada:meet.test_D_m.call", `{"application":"m.call","call_id":"","device_id":"D","focus_active":{"type":"livekit"}}`)
	f.Fuzz(func(t *testing.T, state bool, key, content string) {
		e := stickyEvent(content)
		if state {
			e = stateEvent(key, content)
		}
		m, left, err := ReadMember(e)
		if err != nil {
			return
		}
		if m.User != "@ada:meet.test" || m.Key == "" || !left && (m.Device == "" || len(m.Device) > maxName) || len(m.Services) > MaxServices {
			t.Errorf("read %+v", m)
		}
		if !left && (m.Expires.Before(m.Since) || m.Expires.Sub(m.Since) > maxExpiry) {
			t.Errorf("from %v to %v", m.Since, m.Expires)
		}
	})
}
