package show

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/media"
)

func TestShowTimeline(t *testing.T) {
	i := &InfoJSON{ID: "01ABC", Opens: true,
		Participants: []personJSON{{Identity: "ada", Name: "Ada"}},
		Tracks:       []InfoTrackJSON{{trackJSON: trackJSON{UID: 7, Participant: "ada", Name: "Ada", Source: "screen"}}},
		Timeline: []media.Event{
			{Time: time.Second, Type: media.EventVerified, Participant: "ada", Name: "Ada L.", Reason: media.VerifiedByOperator},
			{Time: 2 * time.Second, Type: media.EventSpeaking, Participant: "ada", From: 2 * time.Second, To: 5500 * time.Millisecond},
			{Time: 3 * time.Second, Type: media.EventChat, Participant: "eve", Text: "\x1b[2J\nfoo"},
			{Time: 4 * time.Second, Type: media.EventScreen, Participant: "ada", Track: 7},
			{Time: 5 * time.Second, Type: media.EventKeys, Participant: "ada", Track: 7, Text: "3"},
			{Time: 6 * time.Second, Type: media.EventDropped, Participant: "eve", Reason: "chat", Count: 90},
			{Time: 6 * time.Second, Type: media.EventStream, Participant: "ada", Reason: "files", Text: "plan.pdf", Size: 1500},
			{Time: 6 * time.Second, Type: media.EventStream, Participant: "eve"},
			{Time: 6 * time.Second, Type: media.EventStream, Participant: "eve"},
			{Time: 6 * time.Second, Type: media.EventChat, Participant: "ada", Text: strings.Repeat("é", 501)},
			{Time: 7 * time.Second, Type: "fro\x07m later", Participant: "ada"},
		}}
	show := func(all bool) string {
		var out bytes.Buffer
		e := &ui.Env{Stdout: &out}
		if err := Timeline(e, i, all); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	want := `
TIME  EVENT            WHO           WHAT
1.0s  verified         Ada           as Ada L., operator
2.0s  speaking         Ada           for 3.5s
3.0s  chat             eve           \u{1b}[2J foo
4.0s  screen           Ada (screen)  -
5.0s  keys             Ada (screen)  index 3
6.0s  dropped          eve           90 events of the type chat, too many came at once
6.0s  stream           Ada           the file plan.pdf, 1.5 kB, topic files, not kept
6.0s  stream           eve           a text of 0 B, not kept (2 events like this)
6.0s  chat             Ada           ` + strings.Repeat("é", 500) + `… (1.0 kB; info --json has all)
7.0s  fro\u{7}m later  Ada           -
`
	if got := show(false); got != want {
		t.Errorf("got:%s\nwant:%s", got, want)
	}
	for n := range shortTimeline {
		i.Timeline = append(i.Timeline, media.Event{Time: time.Duration(n) * time.Second, Type: media.EventChat, Text: "hello"})
	}
	if got := show(false); !strings.Contains(got, "31 events: sealtape info 01ABC --timeline") || strings.Contains(got, "hello") {
		t.Errorf("a long one: %s", got)
	}
	if got := show(true); strings.Count(got, "hello") != shortTimeline {
		t.Errorf("a long one that was asked for: %s", got)
	}
	i.Timeline = nil
	if got := show(true); got != "" {
		t.Errorf("none: %q", got)
	}
}
