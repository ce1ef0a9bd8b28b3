package media

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestEventJSON(t *testing.T) {
	for _, tt := range []struct {
		event Event
		want  string
	}{
		{Event{Type: EventStart, Text: "room"}, `{"t":0,"type":"start","text":"room"}`},
		{Event{Type: EventDropped, Reason: "chat", Count: 7}, `{"t":0,"type":"dropped","reason":"chat","count":7}`},
		{Event{Type: EventStream, Reason: "files", Text: "plan.pdf", Size: maxSize}, `{"t":0,"type":"stream","reason":"files","text":"plan.pdf","size":9007199254740991}`},
		{Event{Time: 1500 * time.Millisecond, Type: EventJoin, Participant: "alice", Name: "A <b>&"},
			`{"t":1.5,"type":"join","participant":"alice","name":"A <b>&"}`},
		{Event{Time: time.Hour + time.Millisecond, Type: EventHole, Track: 1<<64 - 1, From: 20 * time.Millisecond, To: time.Second, Reason: HoleLoss},
			`{"t":3600.001,"type":"hole","track":"18446744073709551615","from":0.02,"to":1,"reason":"loss"}`},
		{Event{Type: EventHole, Track: 7, To: time.Second, Reason: HoleLoss},
			`{"t":0,"type":"hole","track":"7","from":0,"to":1,"reason":"loss"}`},
	} {
		got, err := tt.event.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
		var back Event
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatal(err)
		}
		if back != tt.event {
			t.Errorf("read back %+v, want %+v", back, tt.event)
		}
	}
}

func TestEventRounds(t *testing.T) {
	b, err := Event{Time: 1500*time.Microsecond - 1, Type: EventStop}.MarshalJSON()
	if err != nil || string(b) != `{"t":0.001,"type":"stop"}` {
		t.Errorf("got %s, %v", b, err)
	}
}

func TestEventCuts(t *testing.T) {
	long := strings.Repeat("\x00é", MaxText)
	most := Event{Type: EventType(long), Participant: long, Name: long, Reason: long, Text: long, Time: maxTime - time.Millisecond,
		From: maxTime - time.Millisecond, To: maxTime - time.Millisecond, Track: 1<<64 - 1, Count: maxCount, Size: 1<<63 - 1}
	b, err := most.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > MaxEventLine {
		t.Fatalf("line of %d bytes", len(b))
	}
	var e Event
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	if e.Size != maxSize || len(e.Text) > MaxText || len(e.Text) < MaxText-3 || !utf8.ValidString(e.Text) {
		t.Errorf("text of %d bytes", len(e.Text))
	}
}

func TestEventRefusals(t *testing.T) {
	for _, e := range []Event{
		{},
		{Type: EventJoin, Time: -1},
		{Type: EventHole, To: 1<<63 - 1},
	} {
		if b, err := e.MarshalJSON(); err == nil {
			t.Errorf("%+v: wrote %s", e, b)
		}
	}
	for _, s := range []string{
		``, `null`, `[]`, `{}`, `{"t":1}`,
		`{"t":-1,"type":"join"}`,
		`{"t":1e300,"type":"join"}`,
		`{"t":"1","type":"join"}`,
		`{"t":1,"type":"hole","track":5}`,
		`{"t":1,"type":"hole","track":"-5"}`,
		`{"t":1,"type":"hole","track":"99999999999999999999"}`,
		`{"t":1,"type":"dropped","count":-1}`, `{"t":1,"type":"dropped","count":3000000000}`,
		`{"t":1,"type":"chat","name":"` + strings.Repeat("x", MaxName+1) + `"}`,
		`{"t":1,"type":"chat","text":"` + strings.Repeat("x", MaxEventLine) + `"}`,
	} {
		var e Event
		if err := e.UnmarshalJSON([]byte(s)); err == nil {
			t.Errorf("%.80s: read as %+v", s, e)
		}
	}
}

func TestClamp(t *testing.T) {
	for _, tt := range []struct {
		in   string
		n    int
		want string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"aé", 2, "a"}, {"aé", 3, "aé"},
		{"\xff", 3, "\uFFFD"}, {"", 0, ""}, {"日本語日本語", 7, "日本"}, {"\xff\xff\xff", 2, ""},
	} {
		if got := Clamp(tt.in, tt.n); got != tt.want {
			t.Errorf("Clamp(%q, %d) = %q, want %q", tt.in, tt.n, got, tt.want)
		}
	}
}

func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"t":1.5,"type":"hole","track":"7","from":1,"to":2.25,"reason":"loss"}`))
	f.Add([]byte(`{"t":1e3,"type":"chat","text":"\u2028<b>\ud800"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Event
		if e.UnmarshalJSON(b) != nil {
			return
		}
		line, err := e.MarshalJSON()
		if err != nil {
			t.Fatalf("%+v was read but cannot be written: %v", e, err)
		}
		var back Event
		if err := back.UnmarshalJSON(line); err != nil || back != e {
			t.Fatalf("%+v came back as %+v, %v", e, back, err)
		}
	})
}
