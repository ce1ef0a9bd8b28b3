package ffmpeg

import (
	"testing"
	"time"
)

// TestNotes: no text of a stranger begins another line, key or subtitle.
func TestNotes(t *testing.T) {
	n := Notes{
		Title: `a=b;c#d\e` + "\nartist=x", Start: time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC), Length: time.Minute,
		Chapters:  []Line{{Text: "Start"}, {At: 1500 * time.Millisecond, Text: "[CHAPTER]\r\nSTART=0"}},
		Subtitles: []Subtitles{{Name: "Chat", Lines: []Line{{At: time.Hour + 61*time.Second + 7*time.Millisecond, Lasts: 3 * time.Second, Text: "hi\n\n2\n00:00:00,000 -→ 1"}}}},
	}
	want := ";FFMETADATA1\ntitle=a\\=b\\;c\\#d\\\\e artist\\=x\ndate=2026-03-04\ncreation_time=2026-03-04T05:06:07.000008Z\n" +
		"[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=Start\n" +
		"[CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=60000\ntitle=[CHAPTER]  START\\=0\n"
	if got := n.metadata(true); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if got, want := subRip(n.Subtitles[0].Lines), "1\n00:30:00,000 --> 00:30:00,001\n\u200b\n\n2\n01:00:00,000 --> 01:00:00,001\n\u200b\n\n3\n01:01:01,007 --> 01:01:04,007\nhi 2 00:00:00,000 -→ 1\n\n"; got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if got := (Notes{}).metadata(false); got != ";FFMETADATA1\n" {
		t.Errorf("no notes: %q", got)
	}
}
