package playback

import (
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

func message(at time.Duration, who, text string) media.Event {
	return media.Event{Time: at, Type: media.EventChat, Participant: who, Text: text}
}

func TestChat(t *testing.T) {
	x := &excerpt{from: 10 * time.Second, to: time.Minute, names: called("ada", "Ada L."), events: []media.Event{
		message(9*time.Second, "ada", "before"),
		message(11*time.Second, "ada", "hi"),
		message(12*time.Second, "bob", " \n\u200b "),
		message(20*time.Second, "bob", "a\tb\r\n  c\u0000\u202e👩\u200d💻"),
		message(21*time.Second, "bob", strings.Repeat("long ", 1000)),
		message(22*time.Second, "", "whose?"),
		message(23*time.Second, "bob", "three at once"),
		message(61*time.Second, "ada", "after"),
	}}
	want := []subtitle{
		{1 * time.Second, 3600 * time.Millisecond, "Ada L.: hi"},
		{10 * time.Second, 3 * time.Second, "bob: a b c👩\u200d💻"},
		{11 * time.Second, 10 * time.Second, "bob: " + strings.Repeat("long ", 55) + "long…"},
		{12 * time.Second, 3360 * time.Millisecond, "whose?"},
		{13 * time.Second, 4080 * time.Millisecond, "bob: three at once"},
	}
	got := x.chat()
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
	x.chosen = map[string]bool{"ada": true}
	if got := x.chat(); len(got) != 1 || got[0] != want[0] {
		t.Errorf("of Ada alone %+v", got)
	}
}

// TestChatFlood: however much is written at once, few lines are on the screen,
// and each for some time.
func TestChatFlood(t *testing.T) {
	x := &excerpt{to: time.Hour, names: called()}
	for i := range 3 * maxChat {
		x.events = append(x.events, message(time.Duration(i/100)*time.Millisecond, "bob", "spam"))
	}
	lines := x.chat()
	if len(lines) != maxChat {
		t.Errorf("%d lines", len(lines))
	}
	for i, l := range lines {
		if l.lasts <= 0 || l.lasts > chatLongest {
			t.Fatalf("line %d lasts %v", i, l.lasts)
		}
	}
}
