package playback

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/sample"
)

// TestMP4Notes: what an MP4 says of itself is what a player shows: title, date,
// chapters, and the chat as subtitles that are off.
func TestMP4Notes(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	voice, sound := beeps(t, 1, "ada", 10*time.Second, 0)
	camera, pictures := flashes(2, "ada", media.VP8, 0, 10*time.Second, 0)
	s := open(t, cut(t, []media.Track{voice, camera}, merged(sound, pictures),
		media.Event{Type: media.EventStart, Text: "Stand-up"},
		media.Event{Time: 3 * time.Second, Type: media.EventChat, Participant: "eve", Name: "E\u202eve", Text: "1 < 2 {\\an8}\n\n2\n00:00:00,000 --> 00:00:09,000\nforged"},
		media.Event{Time: 7500 * time.Millisecond, Type: media.EventScreen, Participant: "ada", Name: "Ada; #="},
		media.Event{Time: 8 * time.Second, Type: media.EventChat, Participant: "ada", Text: "bye"}))
	path := filepath.Join(t.TempDir(), "a.mp4")
	o := MP4Options{Width: 160, Height: 90, Rate: 5}
	o.From = time.Second
	if r, err := ExportMP4(t.Context(), s, path, o); err != nil || r.Incomplete || len(r.Problems) > 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	p := playerSees(t, path)
	if p.kinds() != "video audio subtitle" || p.Streams[2].CodecName != "mov_text" || p.Streams[2].Tags["handler_name"] != "Chat" ||
		p.Streams[2].Disposition["default"] != 0 || p.Streams[0].Disposition["default"] != 1 || p.Streams[1].Disposition["default"] != 1 {
		t.Errorf("streams %+v", p.Streams)
	}
	if p.tag("title") != "Stand-up, 2026-03-04 05:06 UTC" || p.tag("date") != "2026-03-04" || p.tag("creation_time") != "2026-03-04T05:06:08.000000Z" {
		t.Errorf("tags %v", p.Format.Tags)
	}
	if got, want := p.chapters(), []string{"0.000000 Start", "6.500000 Ada; #= shows a screen"}; !slices.Equal(got, want) {
		t.Errorf("chapters %q, want %q", got, want)
	}
	srt := string(run(t, "ffmpeg", "-v", "error", "-i", path, "-map", "0:s", "-f", "srt", "-"))
	want := "1\n00:00:02,000 --> 00:00:07,000\nEve: 1 ‹ 2 ❴∖an8❵ 2 00:00:00,000 --› 00:00:09,000 forged\n\n" + "2\n00:00:07,000 --> 00:00:09,000\nada: bye\n\n"
	if got := srt; !strings.Contains(got, "\nEve: 1 ‹ 2 ❴∖an8❵ 2 00:00:00,000 --› 00:00:09,000 forged\n") || strings.Count(got, "bye") != 1 {
		t.Errorf("chat %q, want %q", got, want)
	}
	run(t, "ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-map", "0:a", "-f", "null", "-")
}

// TestMP4ChapterOfWhatFails: what turns out to be damaged while it is exported has a
// chapter, too, and nothing else of the file changes.
func TestMP4ChapterOfWhatFails(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	voice, sound := beeps(t, 1, "ada", 12*time.Second, 0)
	camera, pictures := flashes(2, "ada", media.VP8, 0, 12*time.Second, 0)
	src := cut(t, []media.Track{voice, camera}, merged(sound, pictures),
		media.Event{Type: media.EventStart, Text: "Stand-up"},
		media.Event{Time: 2 * time.Second, Type: media.EventChat, Participant: "ada", Text: "hello"})
	s := open(t, src)
	src.errs = map[int]error{1: ErrDamaged}
	dir := t.TempDir()
	path := filepath.Join(dir, "a.mp4")
	r, err := ExportMP4(t.Context(), s, path, MP4Options{MixOptions: unlevelled, Width: 160, Height: 90, Rate: 5})
	if err != nil || len(r.Missing) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	p := playerSees(t, path)
	if got := p.chapters(); len(got) != 3 || !strings.HasSuffix(got[1], " Cannot be read") || !strings.HasSuffix(got[2], " Can be read again") {
		t.Errorf("chapters %q", got)
	}
	if p.kinds() != "video audio subtitle" || p.Streams[2].Disposition["default"] != 0 || p.Streams[2].Tags["handler_name"] != "Chat" ||
		p.tag("title") != "Stand-up, 2026-03-04 05:06 UTC" || p.tag("creation_time") == "" {
		t.Errorf("streams %+v, tags %v", p.Streams, p.Format.Tags)
	}
	near(t, "length", p.Format.Duration, 12*time.Second, 300*time.Millisecond)
	only(t, dir, "a.mp4")
}
