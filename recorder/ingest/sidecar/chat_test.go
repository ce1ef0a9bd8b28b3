package sidecar

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/sealtape/sealtape/recorder/media"
)

const hms = time.Second

func at(h, m, s int) time.Duration {
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*hms
}

// utf16Of is a text as some versions of Zoom write it.
func utf16Of(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// TestChatForms: each form that versions of Zoom wrote is read.
func TestChatForms(t *testing.T) {
	ada := Said{Who: "Ada Lovelace", Text: "Hello", At: at(14, 3, 21)}
	bob := Said{Who: "Bob", To: "Ada Lovelace", Text: "only you\nsee this", At: at(14, 3, 22)}
	both := []Said{ada, bob}
	for name, tt := range map[string]struct {
		text     string
		want     []Said
		relative bool
		leftOut  int
	}{
		"new":      {"14:03:21 From Ada Lovelace to Everyone:\r\n\tHello\r\n14:03:22 From Bob to Ada Lovelace(Direct Message):\r\n\tonly you\r\n\tsee this\r\n", both, false, 0},
		"spaced":   {"14:03:21 From  Ada Lovelace  to  Everyone:\n\tHello\n14:03:22 From  Bob  to  Ada Lovelace(Direct Message):\n\tonly you\n\tsee this\n", both, false, 0},
		"tab":      {"14:03:21\t From  Ada Lovelace  to  Everyone : Hello\n14:03:22\t From  Bob  to  Ada Lovelace(Privately) : only you\nsee this\n", both, false, 0},
		"capital":  {"14:03:21 From Ada Lovelace To Everyone:\n\tHello\n", both[:1], false, 0},
		"old":      {"14:03:21\t From  Ada Lovelace : Hello\n", both[:1], false, 0},
		"cloud":    {"14:03:21\tAda Lovelace:\tHello\n", both[:1], true, 0},
		"bom":      {"\ufeff14:03:21 From Ada Lovelace to Everyone:\n\tHello\n", both[:1], false, 0},
		"utf-16":   {utf16Of("14:03:21 From Ada Lovelace to Everyone:\n\tHello\n"), both[:1], false, 0},
		"named to": {"14:03:21 From  Ada to Bob  to  Everyone:\n\tHello: to you\n", []Said{{Who: "Ada to Bob", Text: "Hello: to you", At: at(14, 3, 21)}}, false, 0},
		"preface":  {"a line of a later version\n14:03:21 From Ada Lovelace to Everyone:\n\tHello\n", both[:1], false, 1},
		"midnight": {"23:59:59 From Ada to Everyone:\n\ta\n00:00:01 From Bob to Everyone:\n\tb\n",
			[]Said{{Who: "Ada", Text: "a", At: at(23, 59, 59)}, {Who: "Bob", Text: "b", At: at(24, 0, 1)}}, false, 0},
		"empty": {"14:03:20 From Bob to Everyone:\n\t\n14:03:21 From Ada Lovelace to Everyone:\n\tHello\n\n", both[:1], false, 0},
	} {
		p, err := ReadChat(strings.NewReader(tt.text))
		if err != nil || p.Relative != tt.relative || p.LeftOut != tt.leftOut || !reflect.DeepEqual(p.Lines, tt.want) {
			t.Errorf("%s: %+v, %v\nwant %+v", name, p, err, tt.want)
		}
	}
	for _, text := range []string{"", "no chat\n", "14:03:21\tAda:\tx\n14:03:22 From Ada to Everyone:\n\ty\n", "25:99:00 From Ada to Everyone:\n\tx\n"} {
		if p, err := ReadChat(strings.NewReader(text)); !errors.Is(err, ErrForm) {
			t.Errorf("%q: %+v, %v", text, p, err)
		}
	}
	p, err := ReadCaptions(strings.NewReader("[Ada Lovelace] 14:03:21\nHello\n\n[Bob] 14:03:25\nGood\nday\n\n"))
	if want := []Said{ada, {Who: "Bob", Text: "Good\nday", At: at(14, 3, 25)}}; err != nil || !reflect.DeepEqual(p.Lines, want) {
		t.Errorf("captions: %+v, %v", p, err)
	}
}

// TestChatPlaces: times of day, times that count and times with a date are told apart, and
// put on the recording's clock.
func TestChatPlaces(t *testing.T) {
	zone := time.FixedZone("", 2*60*60)
	start := time.Date(2026, 11, 29, 14, 3, 0, 0, zone)
	for name, tt := range map[string]struct {
		text    string
		start   time.Time
		want    []time.Duration
		outside int
	}{
		"of day":   {"14:03:21 From A to Everyone:\n\tx\n14:13:00 From A to Everyone:\n\ty\n", start, []time.Duration{at(0, 0, 21), at(0, 10, 0)}, 0},
		"counting": {"00:00:21 From A to Everyone:\n\tx\n00:10:00 From A to Everyone:\n\ty\n", start, []time.Duration{at(0, 0, 21), at(0, 10, 0)}, 0},
		"cloud":    {"00:00:21\tA:\tx\n", start, []time.Duration{at(0, 0, 21)}, 0},
		"dated":    {"2026-11-29 14:03:21 From A to Everyone:\n\tx\n", start, []time.Duration{at(0, 0, 21)}, 0},
		"next day": {"2026-11-30 00:00:01 From A to Everyone:\n\tx\n", time.Date(2026, 11, 29, 23, 59, 0, 0, zone), []time.Duration{at(0, 1, 1)}, 0},
		"midnight": {"23:59:59 From A to Everyone:\n\tx\n00:00:01 From A to Everyone:\n\ty\n", time.Date(2026, 11, 29, 23, 59, 0, 0, zone), []time.Duration{at(0, 0, 59), at(0, 1, 1)}, 0},
		"early": {"14:01:00 From A to Everyone:\n\tx\n14:03:30 From A to Everyone:\n\ty\n15:30:00 From A to Everyone:\n\tz\n", start,
			[]time.Duration{0, at(0, 0, 30), time.Hour}, 2},
	} {
		p, err := ReadChat(strings.NewReader(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		lines, outside := p.Place(tt.start, time.Hour)
		var got []time.Duration
		for _, s := range lines {
			got = append(got, s.At)
		}
		if !reflect.DeepEqual(got, tt.want) || outside != tt.outside {
			t.Errorf("%s: %v, %d outside; want %v, %d", name, got, outside, tt.want, tt.outside)
		}
	}
}

// TestCaptionSpans: a caption without an end lasts until the next, and not for ever; what
// came from a file says so.
func TestCaptionSpans(t *testing.T) {
	lines := []Said{{Who: "Ada", Text: "a", At: at(0, 0, 1)}, {Who: "Bob", Text: "b", At: at(0, 0, 3)}, {Text: "c", At: at(0, 1, 0), Until: at(0, 1, 2)}}
	events := Captions(lines, "closed_caption.txt", time.Hour, func(name string) string { return "id of " + name })
	if len(events) != 3 || events[0].To != at(0, 0, 3) || events[1].To != at(0, 0, 9) || events[2].To != at(0, 1, 2) || events[2].Participant != "" {
		t.Errorf("%+v", events)
	}
	if e := events[0]; e.Participant != "id of Ada" || e.By != "closed_caption.txt" || e.Reason != media.TextImported || e.Type != media.EventTranscription {
		t.Errorf("%+v", e)
	}
	chat := Chat([]Said{{Who: "Ada", To: "Bob", Text: "x"}}, func(name string) string { return name })
	if len(chat) != 1 || chat[0].Text != "(to Bob only) x" || chat[0].Reason != media.TextImported || chat[0].Type != media.EventChat {
		t.Errorf("%+v", chat)
	}
}

// FuzzChat: whatever a chat is, its lines are in bounds, and so are their events.
func FuzzChat(f *testing.F) {
	f.Add("14:03:21 From Ada to Bob(Direct Message):\n\tx\n", int64(1_800_000_000))
	f.Add("2026-11-29 14:03:21 From Ada to Everyone:\n\tx\n", int64(0))
	f.Add("[Ada] 14:03:21\nx\n", int64(-1))
	f.Fuzz(func(t *testing.T, text string, start int64) {
		for _, read := range []func(string) (*Script, error){
			func(s string) (*Script, error) { return ReadChat(strings.NewReader(s)) },
			func(s string) (*Script, error) { return ReadCaptions(strings.NewReader(s)) },
		} {
			p, err := read(text)
			if err != nil {
				if !errors.Is(err, ErrForm) {
					t.Fatal(err)
				}
				continue
			}
			lines, outside := p.Place(time.Unix(start%(1<<36), 0).UTC(), time.Hour)
			if outside > len(lines) {
				t.Fatal(outside)
			}
			name := func(s string) string { return s }
			for _, e := range append(Chat(lines, name), Captions(lines, "x", time.Hour, name)...) {
				if e.Time < 0 || e.Time > time.Hour || e.To > time.Hour || e.From > e.To && e.To > 0 {
					t.Fatalf("%+v", e)
				}
				if _, err := e.MarshalJSON(); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
