package folder

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/ingest"
	"github.com/sealtape/sealtape/recorder/media"
)

// head is the beginning of an MP4 file, which is enough to find it.
const head = "\x00\x00\x00\x20ftypisom"

// folder makes a folder with files.
func folder(t *testing.T, name string, files map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	for file, content := range files {
		file = filepath.Join(path, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// TestZoomFolder: every file of Zoom's is taken for what it is.
func TestZoomFolder(t *testing.T) {
	path := folder(t, "2026-11-29 14.03.21 Weekly meeting", map[string]string{
		"video1234567890.mp4": head, "audio1234567890.m4a": head,
		"Audio Record/audioAdaLovelace11234567890.m4a": head,
		"Audio Record/audioBob221234567890.m4a":        head, // "Bob2"
		"Audio Record/audio王芳31234567890.m4a":          head,
		"Audio Record/notes.txt":                       "x",
		"chat.txt":                                     "x", "meeting_saved_chat.txt": "x", "meeting_saved_closed_caption.txt": "x", "GMT.transcript.vtt": "x",
		"recording.conf": `{"items":[{"audio":"audio1234567890.m4a","process":100,"video":"video1234567890.mp4"}],"magic_number":"1"}`,
		".DS_Store":      "x", "playback.m3u": "x",
	})
	f, err := Open(path, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	if f.By != "Zoom" || f.Title != "Weekly meeting" || len(f.Chat) != 2 || len(f.Captions) != 2 ||
		!slices.Equal(f.Passed, []string{"playback.m3u", "recording.conf", "Audio Record/notes.txt"}) {
		t.Errorf("%+v", f)
	}
	var got []string
	for _, s := range f.Sources {
		got = append(got, filepath.Base(s.Path)+" "+s.Who+map[bool]string{true: " whole"}[s.Whole]+map[bool]string{true: " double"}[s.Double])
	}
	want := []string{"audio1234567890.m4a Weekly meeting whole double", "video1234567890.mp4 Weekly meeting whole",
		"audioAdaLovelace11234567890.m4a Ada Lovelace", "audioBob221234567890.m4a Bob2", "audio王芳31234567890.m4a 王芳"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if Called("Ada Lovelace", []string{"Bob", "ada  LOVELACE"}) != "ada  LOVELACE" || Called("Mc Donald", []string{"McDonald"}) != "McDonald" || Called("Eve", nil) != "Eve" {
		t.Error("names of the chat are not taken")
	}
}

// TestUnconverted: a folder of which a part is not converted is refused, and so is one with
// nothing to import.
func TestUnconverted(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  error
	}{
		"raw":        {map[string]string{"double_click_to_convert_01.zoom": "x", "video1234567890.mp4": head}, ErrUnconverted},
		"temporary":  {map[string]string{"video1234567890.mp4.tmp": head, "recording.conf": "{}"}, ErrUnconverted},
		"half":       {map[string]string{"video1.mp4": head, "recording.conf": `{"items":[{"process":40,"video":"video1.mp4"}]}`}, ErrUnconverted},
		"gone":       {map[string]string{"video1.mp4": head, "recording.conf": `{"items":[{"process":100,"video":"video9.mp4"}]}`}, ErrUnconverted},
		"other conf": {map[string]string{"video1.mp4": head, "recording.conf": `not JSON`}, nil},
		"empty":      {map[string]string{"notes.txt": "x"}, ErrEmpty},
		"folders":    {map[string]string{"2026-11-29 14.03.21 A/zoom_0.mp4": head, "2026-11-30 14.03.21 B/zoom_0.mp4": head}, ErrEmpty},
	} {
		if f, err := Open(folder(t, name, tt.files), time.UTC); !errors.Is(err, tt.want) || (tt.want == nil) != (f != nil) {
			t.Errorf("%s: %+v, %v, want %v", name, f, err, tt.want)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none"), time.UTC); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// TestOtherFolders: names and manifests of Jitsi, Galene and LiveKit's egress tell who is in
// a file, and when it began.
func TestOtherFolders(t *testing.T) {
	zone := time.FixedZone("", 2*60*60)
	path := folder(t, "board", map[string]string{
		"2026-11-29T14:03:21.250-ada.webm": "\x1a\x45\xdf\xa3", "2026-11-29T14-03-22-000-bob-02.webm": "\x1a\x45\xdf\xa3",
		"Board_2026-11-29T14_03_21.500Z.webm": "\x1a\x45\xdf\xa3",
		"eve-TR_AMxyz.ogg":                    "OggS", "carol-TR_VSabc.mp4": head, "board-2026-11-29T140321.mp4": head,
		"EG_1.json":  `{"egress_id":"EG_1","room_name":"Board room","started_at":1795953801250000000,"files":[{"filename":"out/board-2026-11-29T140321.mp4"}]}`,
		"EG_2.json":  `{"egress_id":"EG_2","room_name":"Board room","started_at":1795953802000000000,"publisher_identity":"carol@example.org","track_id":"TR_VSabc","track_source":"SCREEN_SHARE"}`,
		"other.json": `[]`, "readme.md": "x",
	})
	if err := os.Symlink(filepath.Join(path, "eve-TR_AMxyz.ogg"), filepath.Join(path, "link.ogg")); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, zone)
	if err != nil {
		t.Fatal(err)
	}
	if f.By != "LiveKit" || f.Title != "Board room" || len(f.Sources) != 6 || !slices.Equal(f.Passed, []string{"EG_1.json", "EG_2.json", "other.json", "readme.md"}) {
		t.Errorf("%+v", f)
	}
	find := func(name string) ingest.Source {
		i := slices.IndexFunc(f.Sources, func(s ingest.Source) bool { return filepath.Base(s.Path) == name })
		if i < 0 {
			t.Fatalf("%s is not there", name)
		}
		s := f.Sources[i]
		s.Path = ""
		return s
	}
	when := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return at.UTC()
	}
	for name, want := range map[string]ingest.Source{
		"2026-11-29T14:03:21.250-ada.webm":    {Who: "ada", Identity: "ada", Start: when("2026-11-29T12:03:21.25Z"), Exact: true},
		"2026-11-29T14-03-22-000-bob-02.webm": {Who: "bob", Identity: "bob", Start: when("2026-11-29T12:03:22Z"), Exact: true},
		"Board_2026-11-29T14_03_21.500Z.webm": {Who: "Board", End: when("2026-11-29T14:03:21.5Z")},
		"eve-TR_AMxyz.ogg":                    {Who: "eve", Identity: "eve"},
		"carol-TR_VSabc.mp4":                  {Who: "carol@example.org", Identity: "carol@example.org", Kind: media.Screen, Start: time.Unix(0, 1795953802000000000).UTC(), Manifest: true},
		"board-2026-11-29T140321.mp4":         {Who: "Board room", Whole: true, Start: time.Unix(0, 1795953801250000000).UTC(), Manifest: true},
	} {
		if got := find(name); got != want {
			t.Errorf("%s: %+v\nwant %+v", name, got, want)
		}
	}
}

// FuzzNames: whatever a file is called, what is taken from its name is in bounds.
func FuzzNames(f *testing.F) {
	f.Add("audioAdaLovelace11234567890.m4a", "1234567890")
	f.Add("2026-11-29T14:03:21.250-ada.webm", "")
	f.Add("Board_2026-11-29T14_03_21.500Z.webm", "0")
	f.Fuzz(func(t *testing.T, name, number string) {
		s := ingest.SourceOf(name, time.UTC)
		if len(s.Identity) > media.MaxIdentity || len([]rune(s.Who)) > media.MaxTitle || !s.Start.IsZero() && (s.Start.Year() < 1990 || s.Start.Year() > 2201) {
			t.Fatalf("%+v", s)
		}
		if m := zoomVoice().FindStringSubmatch(name); m != nil {
			var numbers []string
			if number != "" {
				numbers = []string{number}
			}
			spaced(m[1] + rest(m[2], numbers))
		}
	})
}
