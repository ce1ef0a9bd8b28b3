package playback

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sealtape/sealtape/recorder/media"
)

// at makes an event of alice at so many seconds.
func at(seconds float64, kind media.EventType, who string) media.Event {
	return media.Event{Time: time.Duration(seconds * 1e9), Type: kind, Participant: who}
}

// called are the names of identities, which stand before them.
func called(pairs ...string) *media.Names {
	var events []media.Event
	for i := 0; i < len(pairs); i += 2 {
		events = append(events, media.Event{Type: media.EventJoin, Participant: pairs[i], Name: pairs[i+1]})
	}
	return media.NewNames(nil, events)
}

func spoke(who string, from, to float64) media.Event {
	return media.Event{Time: time.Duration(from * 1e9), Type: media.EventSpeaking, Participant: who,
		From: time.Duration(from * 1e9), To: time.Duration(to * 1e9)}
}

func TestChapters(t *testing.T) {
	names := called("ada", "Ada", "bob", "Bob", "eve", "E\u202ev\x1be\n<b>")
	for name, test := range map[string]struct {
		from, to float64 // of an hour
		events   []media.Event
		missing  []SegmentError
		chosen   string
		want     []string
	}{
		"nothing": {want: []string{"0s Start"}},
		"gathering": {
			events: []media.Event{at(0, "join", "ada"), at(30, "join", "bob"), at(3590, "leave", "bob"), at(3600, "stop", "")},
			want:   []string{"0s Start"},
		},
		"comings and goings": {
			events: []media.Event{at(300, "join", "bob"), at(310, "join", "ada"), at(320, "join", "x"), at(1000, "leave", "bob"),
				at(1030, "join", "bob"), at(2000, "leave", "ada"), at(2005, "leave", "x"), at(3600, "stop", "")},
			want: []string{"0s Start", "5m0s Bob and 2 others join", "33m20s Ada and x leave"},
		},
		"screens": {
			events: []media.Event{at(600, "screen", "ada"), at(1200, "screen-end", "ada"), at(1204, "leave", "bob"), at(1800, "screen", "eve"), at(3600, "stop", "")},
			want:   []string{"0s Start", "10m0s Ada shows a screen", "20m0s Screen of Ada ends", "30m0s Eve <b> shows a screen"},
		},
		"speech": {
			events: []media.Event{spoke("ada", 100, 130), spoke("ada", 133, 163), spoke("bob", 140, 142), spoke("ada", 163, 240), spoke("bob", 500, 550), spoke("bob", 700, 760)},
			want:   []string{"0s Start", "1m40s Ada speaks"},
		},
		"breaks": {
			events: []media.Event{at(600, "pause", ""), at(700, "resume", ""), at(800, "pause", ""), at(801, "resume", ""),
				{Time: 1000e9, Type: media.EventReconnect, From: 900e9, To: 1000e9}},
			missing: []SegmentError{{Number: 7, From: 2000e9, To: 2005e9, Err: ErrLocked}, {Number: 8, From: 2005e9, To: 2300e9, Err: ErrLocked},
				{Number: 9, From: 2500e9, To: 2600e9, Err: ErrDamaged}, {Number: 5, From: 1900e9, To: 1905e9, Err: ErrDamaged}},
			want: []string{"0s Start", "10m0s Recording paused", "11m40s Recording goes on", "15m0s Recorder away", "16m40s Recorder back",
				"31m40s Cannot be read", "31m45s Can be read again", "33m20s No key for this part", "38m20s Can be read again", "41m40s Cannot be read", "43m20s Can be read again"},
		},
		"part": {
			from: 500, to: 1300,
			events: []media.Event{at(300, "join", "bob"), at(600, "screen", "ada"), at(1250, "screen-end", "ada"), at(1300, "screen", "bob"), at(3600, "stop", "")},
			want:   []string{"0s Start", "1m40s Ada shows a screen", "12m30s Screen of Ada ends"},
		},
		"one of them": {
			chosen: "ada",
			events: []media.Event{at(300, "join", "bob"), at(600, "screen", "ada"), at(900, "screen", "bob"), at(1000, "pause", ""), at(1100, "resume", ""), at(3600, "stop", "")},
			want:   []string{"0s Start", "10m0s Ada shows a screen", "16m40s Recording paused", "18m20s Recording goes on"},
		},
		"the important one": {
			events: []media.Event{at(596, "join", "bob"), at(600, "screen", "ada"), at(3600, "stop", "")},
			want:   []string{"0s Start", "10m0s Ada shows a screen"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := &excerpt{from: time.Duration(test.from * 1e9), to: time.Duration(test.to * 1e9), events: test.events, missing: test.missing, names: names}
			if x.to == 0 {
				x.to = time.Hour
			}
			if test.chosen != "" {
				x.chosen = map[string]bool{test.chosen: true}
			}
			slices.SortStableFunc(x.events, func(a, b media.Event) int { return int(a.Time - b.Time) })
			var got []string
			for _, c := range x.chapters() {
				got = append(got, c.Start.String()+" "+c.Title)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// TestChaptersBounded: a flood of events makes a menu that can be read.
func TestChaptersBounded(t *testing.T) {
	t.Parallel()
	x := &excerpt{to: 10 * time.Hour}
	for i := range 50_000 {
		kind := []media.EventType{media.EventJoin, media.EventScreen, media.EventLeave, media.EventScreenEnd, media.EventPause, media.EventResume}[i%6]
		x.events = append(x.events, media.Event{Time: time.Duration(i) * 600 * time.Millisecond, Type: kind,
			Participant: fmt.Sprint(i % 1001), Name: strings.Repeat("\u202eÄ", 128), Track: uint64(i % 77)})
	}
	x.names = media.NewNames(nil, x.events)
	chapters := x.chapters()
	if len(chapters) != maxChapters {
		t.Errorf("%d chapters", len(chapters))
	}
	for i, c := range chapters {
		if utf8.RuneCountInString(c.Title) > 2*media.MaxTitle || strings.ContainsRune(c.Title, '\u202e') || !utf8.ValidString(c.Title) {
			t.Errorf("%q", c.Title)
		}
		if i > 0 && c.Start-chapters[i-1].Start < chapterApart {
			t.Errorf("chapters at %v and %v", chapters[i-1].Start, c.Start)
		}
	}
}

// TestChaptersAndChatInPlayers reads both as players do.
func TestChaptersAndChatInPlayers(t *testing.T) {
	t.Parallel()
	var frames []media.Frame
	for i := range 3500 {
		frames = append(frames, media.Frame{Track: alice.UID, Time: time.Duration(i) * 20 * time.Millisecond, Data: []byte{0xfc, 0xff, 0xfe}})
	}
	src := cut(t, []media.Track{alice}, frames,
		media.Event{Type: media.EventStart, Text: "Stand-up"},
		media.Event{Time: 40 * time.Second, Type: media.EventScreen, Participant: "alice", Name: "Älice"},
		media.Event{Time: 30 * time.Second, Type: media.EventChat, Participant: "alice", Name: "Älice", Text: "1 < 2, C:\\new {\\an8}<font size=\"99\">big</font>\n\n9\n00:00:00,000 --> 99:00:00,000\nforged"},
		media.Event{Time: 69900 * time.Millisecond, Type: media.EventChat, Participant: "bob", Text: "bye"})
	path := filepath.Join(t.TempDir(), "a.mkv")
	if _, err := ExportFile(t.Context(), open(t, src), path, ExportOptions{From: 10 * time.Second}); err != nil {
		t.Fatal(err)
	}
	var p struct {
		Chapters []struct {
			StartTime string `json:"start_time"`
			EndTime   string `json:"end_time"`
			Tags      map[string]string
		}
		Streams []struct {
			CodecName   string `json:"codec_name"`
			Disposition map[string]int
			Tags        map[string]string
		}
	}
	if err := json.Unmarshal(run(t, "ffprobe", "-v", "warning", "-of", "json", "-show_chapters", "-show_streams", path), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Chapters) != 2 || p.Chapters[0].Tags["title"] != "Start" || p.Chapters[0].StartTime != "0.000000" || p.Chapters[0].EndTime != "30.000000" ||
		p.Chapters[1].Tags["title"] != "Älice shows a screen" || p.Chapters[1].StartTime != "30.000000" || p.Chapters[1].EndTime != "60.000000" {
		t.Errorf("chapters %+v", p.Chapters)
	}
	if len(p.Streams) != 2 || p.Streams[1].CodecName != "subrip" || p.Streams[1].Tags["title"] != "Chat" || p.Streams[1].Disposition["default"] != 0 {
		t.Errorf("streams %+v", p.Streams)
	}
	srt := string(run(t, "ffmpeg", "-v", "error", "-i", path, "-map", "0:s", "-f", "srt", "-"))
	want := "1\n00:00:20,000 --> 00:00:28,520\nÄlice: 1 ‹ 2, C:∖new ❴∖an8❵‹font size=\"99\"›big‹/font› 9 00:00:00,000 --› 99:00:00,000 forged\n\n" +
		"2\n00:00:59,900 --> 00:01:03,380\nbob: bye\n\n"
	if srt != want {
		t.Errorf("subtitles %q\nwant %q", srt, want)
	}
	// Nothing of it is formatting to what draws it.
	ass := string(run(t, "ffmpeg", "-v", "error", "-i", path, "-map", "0:s", "-f", "ass", "-"))
	_, ass, _ = strings.Cut(ass, "[Events]")
	if strings.ContainsAny(ass, `\{}<>`) || strings.Count(ass, "Dialogue:") != 2 {
		t.Errorf("subtitles %q", ass)
	}
}

// TestChapterOfWhatFails: what turns out to be damaged while it is exported has a
// chapter, too.
func TestChapterOfWhatFails(t *testing.T) {
	t.Parallel()
	src := meeting(t)
	s := open(t, src)
	src.errs = map[int]error{2: ErrDamaged}
	var b buffer
	r, err := ExportMatroska(t.Context(), s, &b, ExportOptions{})
	if err != nil || len(r.Missing) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, title := range []string{"Start", "Cannot be read", "Can be read again"} {
		if !bytes.Contains(b.b, []byte(title)) {
			t.Errorf("there is no chapter %q", title)
		}
	}
}
