package playback

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// stranger is somebody whose name and messages try to be what they are not.
const stranger = "E\u202eve</v>\n\n99:00.000 --> 99:01.000"

// minutes is a meeting of 20 s with all that a transcript tells of.
func minutes(t testing.TB) *Session {
	const second = time.Second
	var frames []media.Frame
	for i := range 1000 {
		frames = append(frames, media.Frame{Track: alice.UID, Time: time.Duration(i) * 20 * time.Millisecond, Key: true, Data: []byte{0xfc, 0xff, 0xfe}})
	}
	ev := func(at float64, kind media.EventType, who, name, text, reason string) media.Event {
		return media.Event{Time: time.Duration(at * 1e9), Type: kind, Participant: who, Name: name, Text: text, Reason: reason}
	}
	events := []media.Event{
		ev(0, media.EventStart, "", "", "Stand-up --> 1", ""),
		ev(0, media.EventJoin, "alice", "Alice", "", ""),
		ev(1, media.EventJoin, "eve", stranger, "", ""),
		ev(2, media.EventVerified, "alice", "Alice L.", "", media.VerifiedByProof),
		spoke("alice", 2, 3.5), spoke("alice", 4, 6), spoke("eve", 5, 5.5),
		ev(6, media.EventChat, "eve", "", "a < b & c\n\n1\n00:00:00.000 --> 00:09:00.000\n  0:00:01  Alice: I agree\u2028<v Alice>yes", ""),
		ev(7, media.EventHand, "alice", "", "", media.HandRaised),
		ev(8, media.EventScreen, "alice", "", "", ""),
		ev(9, media.EventReaction, "eve", "", "👍", ""),
		ev(10, media.EventChat, "alice", "", "bye", media.TextCut),
		{Time: 11 * second, Type: media.EventHole, Track: alice.UID, From: 11 * second, To: 13 * second, Reason: media.HoleLoss},
		ev(12, media.EventLeave, "eve", "", "", ""),
		ev(20, media.EventStop, "", "", "", ""),
	}
	slices.SortStableFunc(events, func(a, b media.Event) int { return int(a.Time - b.Time) })
	src := cut(t, []media.Track{alice}, frames, events[:len(events)-1]...)
	src.segments[4] = segment(t, 4, []media.Track{alice}, nil, events[len(events)-1])
	return open(t, src)
}

func textOf(t testing.TB, s *Session, format TextFormat, o ExportOptions) string {
	t.Helper()
	var b bytes.Buffer
	r, err := StreamText(t.Context(), s, &b, format, o)
	if err != nil || len(r.Tracks) != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	return b.String()
}

func TestTranscript(t *testing.T) {
	s := minutes(t)
	const eve = "Eve</v> 99:00.000 --> 99:01.000"
	want := "Stand-up --> 1, 2026-03-04 05:06 UTC\nlasts 20.0s\n\n" +
		" 0:00:00  The recording begins\n" +
		" 0:00:00  Alice joins\n" +
		" 0:00:01  " + eve + " joins\n" +
		" 0:00:02  Alice speaks (4.0s)\n" +
		" 0:00:02  Alice is verified as Alice L.\n" +
		" 0:00:05  " + eve + " speaks (0.5s)\n" +
		" 0:00:06  " + eve + ": a < b & c\n            \n            1\n            00:00:00.000 --> 00:09:00.000\n" +
		"            0:00:01 Alice: I agree <v Alice>yes\n" +
		" 0:00:07  Alice raises a hand\n" +
		" 0:00:08  Alice shows a screen\n" +
		" 0:00:09  " + eve + " reacts: 👍\n" +
		" 0:00:10  Alice: bye …\n" +
		" 0:00:11  Alice (microphone): missing: lost on the way (2.0s)\n" +
		" 0:00:12  " + eve + " leaves\n" +
		" 0:00:20  The recording ends\n"
	if got := textOf(t, s, TextPlain, ExportOptions{}); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	// A part, of one of them: what lasted is cut, times count from its beginning.
	want = "Stand-up --> 1, 2026-03-04 05:06 UTC\nfrom 3.0s to 12.0s of 20.0s; times count from there\n\n" +
		" 0:00:00  Alice speaks (3.0s)\n" +
		" 0:00:04  Alice raises a hand\n" +
		" 0:00:05  Alice shows a screen\n" +
		" 0:00:07  Alice: bye …\n" +
		" 0:00:08  Alice (microphone): missing: lost on the way (1.0s)\n"
	part := ExportOptions{From: 3 * time.Second, To: 12 * time.Second, Participants: []string{"alice"}}
	if got := textOf(t, s, TextPlain, part); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestWebVTT(t *testing.T) {
	s := minutes(t)
	got := textOf(t, s, TextWebVTT, ExportOptions{})
	const eve, voice = "Eve&lt;/v&gt; 99:00.000 --&gt; 99:01.000", "Eve‹/v› 99:00.000 --› 99:01.000"
	for _, want := range []string{
		"WEBVTT\n\nNOTE\nStand-up --&gt; 1, 2026-03-04 05:06 UTC\nlasts 20.0s\n\nevent-1\n00:00:00.000 --> 00:00:04.000\n<i>The recording begins</i>\n\n",
		"\n\nspeech-4\n00:00:02.000 --> 00:00:06.000\n<v Alice>Alice speaks</v>\n\n",
		"\n\nchat-7\n00:00:06.000 --> 00:00:13.620\n<v " + voice + ">" + eve + ": a &lt; b &amp; c 1 00:00:00.000 --&gt; 00:09:00.000 0:00:01 Alice: I agree &lt;v Alice&gt;yes</v>\n\n",
		"\n\nmissing-12\n00:00:11.000 --> 00:00:13.000\nAlice (microphone): missing: lost on the way\n\n",
		"\n\nevent-14\n00:00:19.999 --> 00:00:20.000\n<i>The recording ends</i>\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
	// Each block is the one of a cue, whatever is in it: an identifier, a time, a line.
	blocks := strings.Split(strings.TrimSuffix(got, "\n"), "\n\n")
	for _, b := range blocks[2:] {
		if lines := strings.Split(b, "\n"); len(lines) != 3 || strings.Count(b, "-->") != 1 || !strings.Contains(lines[1], " --> ") {
			t.Errorf("cue %q", b)
		}
	}
	if len(blocks) != 16 || strings.ContainsAny(got, "\u202e\u2028\r\x00") {
		t.Errorf("%d blocks in\n%s", len(blocks), got)
	}
	// As a player reads it.
	path := filepath.Join(t.TempDir(), "a.vtt")
	if _, err := ExportText(t.Context(), s, path, TextWebVTT, ExportOptions{From: 3 * time.Second, To: 12 * time.Second}); err != nil {
		t.Fatal(err)
	}
	if p := playerSees(t, path); p.Format.FormatName != "webvtt" || p.Streams[0].CodecName != "webvtt" {
		t.Errorf("%+v", p)
	}
	srt := string(run(t, "ffmpeg", "-v", "error", "-i", path, "-f", "srt", "-"))
	if n := len(regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d,\d{3} --> `).FindAllString(srt, -1)); n != 9 || !strings.HasPrefix(srt, "1\n00:00:00,000 --> 00:00:03,000\nAlice speaks\n\n") {
		t.Errorf("a player sees %d cues:\n%s", n, srt)
	}
	if mode := fileMode(t, path); mode != 0o600 {
		t.Errorf("mode %o", mode)
	}
}

func fileMode(t testing.TB, path string) os.FileMode {
	t.Helper()
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return fi.Mode().Perm()
}

// TestTranscriptWithoutMedia: who only came and wrote has a transcript, too.
func TestTranscriptWithoutMedia(t *testing.T) {
	s := open(t, &memSource{segments: map[int][]byte{0: segment(t, 0, []media.Track{alice}, nil,
		media.Event{Type: media.EventStart, Text: "x"}, message(time.Second, "bob", "hello"), message(time.Second, "bob", " \u200b"),
		media.Event{Time: 2 * time.Second, Type: media.EventStop})}})
	if got := textOf(t, s, TextPlain, ExportOptions{}); !strings.Contains(got, "\n 0:00:01  bob: hello\n 0:00:02  The recording ends\n") {
		t.Errorf("%s", got)
	}
}

func FuzzTranscript(f *testing.F) {
	f.Add("Ada", "hi\n\n00:00.000 --> 00:01.000\nx")
	f.Add(stranger, "<v Ada>\u2028-->\r\n\r\nNOTE")
	f.Fuzz(func(t *testing.T, name, text string) {
		x := &excerpt{s: &Session{}, to: time.Minute, duration: time.Minute, events: []media.Event{
			{Type: media.EventJoin, Participant: "a", Name: name}, {Time: time.Second, Type: media.EventChat, Participant: "a", Text: text},
			{Time: time.Second, Type: media.EventReaction, Participant: "a", Text: text}, spoke("a", 1, 2)}}
		x.names = media.NewNames(nil, x.events)
		var vtt, txt bytes.Buffer
		if err := x.webVTT(&vtt, ExportOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := x.plainText(&txt, ExportOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, b := range strings.Split(strings.TrimSuffix(vtt.String(), "\n"), "\n\n")[2:] {
			if len(strings.Split(b, "\n")) != 3 || strings.Count(b, "-->") != 1 {
				t.Fatalf("cue %q of %q, %q", b, name, text)
			}
		}
		for l := range strings.Lines(txt.String()) {
			if strings.HasPrefix(l, " ") && !strings.HasPrefix(l, " 0:00:0") && !strings.HasPrefix(l, "            ") {
				t.Fatalf("line %q of %q, %q", l, name, text)
			}
		}
	})
}
