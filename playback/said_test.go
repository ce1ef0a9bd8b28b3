package playback

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/playback/transcript"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/sample"
)

// worded is a meeting of ten seconds in which Ada's words are known, and Bob writes.
func worded(t testing.TB) *Session {
	t.Helper()
	const length = 10 * time.Second
	ada, hers := voice(t, 1, "ada", -20, 0, length)
	ada.Name = "Ada"
	bob, his := voice(t, 2, "bob", -20, time.Second, length)
	said := func(from, to time.Duration, who, text, reason string) media.Event {
		return media.Event{Time: from, Type: media.EventTranscription, Participant: who, By: "scribe", From: from, To: to, Text: text, Reason: reason}
	}
	return open(t, cut(t, []media.Track{ada, bob}, merged(hers, his),
		media.Event{Type: media.EventJoin, Participant: "ada", Name: "Ada"},
		said(time.Second, 2*time.Second, "ada", "Good <b>morning</b>\x1b[2J\neveryone", ""),
		said(2*time.Second, 2*time.Second+1, "", "\u202e", ""),
		media.Event{Time: 3 * time.Second, Type: media.EventChat, Participant: "bob", Text: "hello"},
		media.Event{Time: 3 * time.Second, Type: media.EventSpeaking, Participant: "bob", From: 3 * time.Second, To: 4 * time.Second},
		said(4*time.Second, 5*time.Second, "bob", "and so", media.TranscriptionInterim),
		said(6*time.Second, 7*time.Second, "ada", "I never said so", media.TranscriptionPlaintext)))
}

func TestSaid(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	s := worded(t)
	words := s.Said()
	if words == nil || len(words.Cues) != 3 || words.Cues[0].Who != "Ada" || words.Cues[1].Text != "and so …" {
		t.Fatalf("%+v", words)
	}
	for format, want := range map[TextFormat]string{
		TextSRT:    "1\n00:00:01,000 --> 00:00:02,000\nAda: Good ‹b›morning‹/b›[2J\neveryone\n\n2\n00:00:04,000 --> 00:00:05,000\nbob: and so …\n\n3\n00:00:06,000 --> 00:00:07,000\nAda: [unencrypted] I never said so\n\n",
		TextPlain:  " 0:00:01  Ada: Good <b>morning</b>[2J\n            everyone\n 0:00:03  bob writes: hello\n 0:00:04  bob: and so …\n 0:00:06  Ada: [unencrypted] I never said so\n",
		TextWebVTT: "00:00:01.000 --> 00:00:02.000\n<v Ada>Good &lt;b&gt;morning&lt;/b&gt;[2J everyone</v>\n",
	} {
		if got := textOf(t, s, format, ExportOptions{Words: words}); !strings.Contains(got, want) {
			t.Errorf("%s: %q has no %q", format, got, want)
		}
	}
	for _, format := range []TextFormat{TextPlain, TextWebVTT} {
		if got := textOf(t, s, format, ExportOptions{Words: words}); !strings.Contains(got, "\n[unencrypted] words came without end-to-end encryption") {
			t.Errorf("%s: %q does not say what its mark means", format, got)
		}
	}
	if got := textOf(t, s, TextSRT, ExportOptions{Words: words, From: 4500 * time.Millisecond, Participants: []string{"bob"}}); got != "1\n00:00:00,000 --> 00:00:00,500\nbob: and so …\n\n" {
		t.Errorf("a part: %q", got)
	}
	if got := textOf(t, s, TextSRT, ExportOptions{Words: words, Participants: []string{"ada"}}); strings.Contains(got, "bob") {
		t.Errorf("ada's: %q", got)
	}
	if got := textOf(t, s, TextPlain, ExportOptions{}); !strings.Contains(got, "bob speaks") || strings.Contains(got, "morning") {
		t.Errorf("without words: %q", got)
	}
	if _, err := StreamText(t.Context(), s, new(bytes.Buffer), TextSRT, ExportOptions{}); !errors.Is(err, ErrNoWords) {
		t.Error(err)
	}
}

// ffprobe finds the words as subtitles of their own, in both kinds of files, off by default.
func TestWordsAreSubtitles(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	s := worded(t)
	dir := t.TempDir()
	o := ExportOptions{Words: &transcript.Transcript{Cues: []transcript.Cue{{From: time.Second, To: 2 * time.Second, Who: "Ada", Text: "Good morning"}, {From: 6 * time.Second, To: 7 * time.Second, Who: "bob", Text: "Bye"}}}}
	if _, err := ExportFile(t.Context(), s, filepath.Join(dir, "x.mkv"), o); err != nil {
		t.Fatal(err)
	}
	if _, err := ExportMP4(t.Context(), s, filepath.Join(dir, "x.mp4"), MP4Options{ExportOptions: o, MixOptions: unlevelled, Width: 160, Height: 90, Rate: 5}); err != nil {
		t.Fatal(err)
	}
	for name, codec := range map[string]string{"x.mkv": "subrip", "x.mp4": "mov_text"} {
		path := filepath.Join(dir, name)
		out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "s", "-show_entries", "stream=codec_name:stream_tags=title,handler_name:stream_disposition=default", "-of", "csv=p=0", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if len(lines) != 2 || !strings.HasPrefix(lines[0], codec+",0") || !strings.HasPrefix(lines[1], codec+",0") || !strings.Contains(lines[0], "Chat") || !strings.Contains(lines[1], "Words") {
			t.Errorf("%s: %q", name, lines)
		}
		said, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-map", "0:s:1", "-f", "srt", "-").Output()
		if err != nil || !strings.Contains(string(said), "00:00:01,000 --> ") || !strings.Contains(string(said), "\nAda: Good morning\n") || !strings.Contains(string(said), "00:00:06,000 --> ") {
			t.Errorf("%s: %q, %v", name, said, err)
		}
	}
}

// What a program that recognizes speech gets has the length of the meeting, and the sound
// of one speaker, where they speak.
func TestStreamSpeech(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	s := worded(t)
	people, err := s.Speakers(t.Context(), ExportOptions{})
	if err != nil || fmt.Sprint(people) != "[{ada Ada} {bob bob}]" {
		t.Errorf("%v, %v", people, err)
	}
	var b bytes.Buffer
	if _, err := StreamSpeech(t.Context(), s, &b, "ada", ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	wav := b.Bytes()
	n := int(s.Duration().Seconds()*speechRate+0.5) * 2
	if len(wav)-44 < n-1280 || len(wav)-44 > n+1280 || string(wav[:4]) != "RIFF" || binary.LittleEndian.Uint32(wav[24:]) != 16000 || binary.LittleEndian.Uint16(wav[22:]) != 1 ||
		int(binary.LittleEndian.Uint32(wav[40:])) != len(wav)-44 {
		t.Fatalf("%d bytes for %v: %x", len(wav), s.Duration(), wav[:44])
	}
	for i := range 10 { // ada speaks in the even seconds
		loudest := 0
		for at := 44 + 2*speechRate*i + speechRate/2; at < 44+2*speechRate*(i+1)-speechRate/2; at += 2 {
			v := int(int16(binary.LittleEndian.Uint16(wav[at:])))
			loudest = max(loudest, v, -v)
		}
		if loud := loudest > 1500; loud != (i%2 == 0) {
			t.Errorf("second %d: %d", i, loudest)
		}
	}
	if _, err := StreamSpeech(t.Context(), s, new(bytes.Buffer), "carol", ExportOptions{}); !errors.Is(err, ErrNothing) {
		t.Error(err)
	}
}

// The filter lets speech pass and nothing that would come back as another tone.
func TestThinned(t *testing.T) {
	t.Parallel()
	for hz, want := range map[int]bool{300: true, 3000: true, 6000: true, 9000: false, 14000: false} {
		var out bytes.Buffer
		w := &thinned{w: &out}
		var in []byte
		for i := range 48000 / 5 {
			v := uint16(int16(10000 * sine(hz, i)))
			in = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(in, v), v)
		}
		for rest := in; len(rest) > 0; { // in pieces that are no whole samples
			n := min(len(rest), 1001)
			if _, err := w.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		loudest := 0
		for b := out.Bytes()[400:]; len(b) > 0; b = b[2:] {
			loudest = max(loudest, int(int16(binary.LittleEndian.Uint16(b))))
		}
		if out.Len() != len(in)/6 || (loudest > 8500) != want || !want && loudest > 500 {
			t.Errorf("%d Hz: %d bytes, %d", hz, out.Len(), loudest)
		}
	}
}

func sine(hz, i int) float64 { return math.Sin(2 * math.Pi * float64(hz) * float64(i) / sampleRate) }
