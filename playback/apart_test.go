package playback

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// twins are two people of one name, who both speak, and write at 1 s.
func twins(t testing.TB) *memSource {
	var tracks []media.Track
	var frames []media.Frame
	events := []media.Event{{Type: media.EventStart, Text: "Stand-up"}}
	for i, identity := range []string{"ada-1", "ada-2"} {
		track := media.Track{UID: uint64(i + 1), Participant: identity, Name: "Ada", Source: media.Microphone, Codec: media.Opus, Channels: 2}
		tracks = append(tracks, track)
		for n := range 100 {
			frames = append(frames, media.Frame{Track: track.UID, Time: time.Duration(n) * 20 * time.Millisecond, Key: true, Data: []byte{0xfc, 0xff, 0xfe}})
		}
		events = append(events,
			media.Event{Type: media.EventJoin, Participant: identity, Name: "Ada"},
			media.Event{Time: time.Second, Type: media.EventChat, Participant: identity, Text: "hello from " + identity})
	}
	src := &memSource{segments: make(map[int][]byte)}
	slices.SortStableFunc(events, func(a, b media.Event) int { return int(a.Time - b.Time) })
	src.segments[0] = segment(t, 0, tracks, merged(frames), events...)
	return src
}

// TestToldApart: two people of one name have their identities behind it, in names
// of files, titles of tracks, chat and tiles.
func TestToldApart(t *testing.T) {
	s := open(t, twins(t))
	dir := filepath.Join(t.TempDir(), "tracks")
	r, err := ExportTracks(t.Context(), s, dir, ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"Ada (ada-1)-microphone.ogg", "Ada (ada-2)-microphone.ogg"}; !slices.Equal(r.Files, want) {
		t.Errorf("files %q, want %q", r.Files, want)
	}
	if tags := ffprobe(t, filepath.Join(dir, r.Files[1])).Streams[0].Tags; tags["TITLE"]+tags["title"] != "Ada (ada-2) (microphone)" {
		t.Errorf("ogg: %v", tags)
	}
	path := filepath.Join(t.TempDir(), "a.mkv")
	if r, err = ExportFile(t.Context(), s, path, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	p := ffprobe(t, path)
	for i, want := range []string{"Ada (ada-1) (microphone)", "Ada (ada-2) (microphone)"} {
		if got := p.Streams[i].Tags["title"]; got != want || r.Names.Title(r.Tracks[i]) != want {
			t.Errorf("mkv: title %q, in the report %q", got, r.Names.Title(r.Tracks[i]))
		}
	}
	srt := string(run(t, "ffmpeg", "-v", "error", "-i", path, "-map", "0:s", "-f", "srt", "-"))
	if !strings.Contains(srt, "\nAda (ada-1): hello from ada-1\n") || !strings.Contains(srt, "\nAda (ada-2): hello from ada-2\n") {
		t.Errorf("chat %q", srt)
	}
	x, err := s.excerpt(t.Context(), ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m := x.meeting(r)
	if m.Tracks[0].Name != "Ada (ada-1)" || m.Tracks[1].Name != "Ada (ada-2)" {
		t.Errorf("tiles %+v", m.Tracks)
	}
}
