package folder

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/sealtape/sealtape/internal/pattern"
	"github.com/sealtape/sealtape/recorder/ingest"
	"github.com/sealtape/sealtape/recorder/media"
)

// What Zoom leaves in the folder of a meeting that was recorded locally:
//
//	video1234567890.mp4, zoom_0.mp4            pictures, and everybody's sound
//	audio1234567890.m4a, audio_only.m4a,       the same sound
//	audio_only_0.m4a
//	Audio Record/audioAdaLovelace11234567890.m4a   one participant's sound: a name without
//	                                           spaces, the participant's number, and that
//	                                           of the recording
//	chat.txt, meeting_saved_chat.txt, meeting_saved_new_chat.txt
//	closed_caption.txt, meeting_saved_closed_caption.txt, *.vtt
//	recording.conf                             which files, and how much is converted
//	double_click_to_convert_01.zoom, *.tmp     what is not converted yet
//
// The folder is called after the date, the time and the meeting.
var (
	zoomVideo  = pattern.Of(`(?i)^(?:zoom_\d+|video\d*|zoom)\.mp4$`)
	zoomSound  = pattern.Of(`(?i)^(?:audio_only(?:_\d+)?|audio\d*)\.m4a$`)
	zoomVoice  = pattern.Of(`(?i)^audio_?(.*\D)(\d*)\.m4a$`)
	zoomChat   = pattern.Of(`(?i)^(?:chat|meeting_saved_chat|meeting_saved_new_chat)\.txt$`)
	zoomWords  = pattern.Of(`(?i)^(?:.*closed_caption\.txt|.*\.vtt)$`)
	zoomRaw    = pattern.Of(`(?i)^(?:.*\.zoom|(?:video|audio|zoom_|double_click).*\.tmp)$`)
	zoomFolder = pattern.Of(`^\d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d (.+)$`)
	digits     = pattern.Of(`\d+`)
)

const (
	// ZoomVoices is the name of the folder within with a file for each participant.
	ZoomVoices = "Audio Record"
	zoomConf   = "recording.conf"
)

func isZoom(names, folders []string) bool {
	return slices.Contains(folders, ZoomVoices) || slices.Contains(names, zoomConf) ||
		slices.ContainsFunc(names, func(n string) bool { return zoomRaw().MatchString(n) || zoomVideo().MatchString(n) })
}

// zoom takes the files of such a folder.
func (f *Folder) zoom(names, folders []string) error {
	f.By = "Zoom"
	if m := zoomFolder().FindStringSubmatch(f.Name); m != nil {
		f.Title = media.Plain(m[1], media.MaxTitle)
	}
	if err := f.converted(names); err != nil {
		return err
	}
	var numbers []string
	for _, name := range names {
		path := filepath.Join(f.Path, name)
		switch {
		case zoomVideo().MatchString(name):
			f.Sources = append(f.Sources, ingest.Source{Path: path, Who: f.Title, Whole: true})
			numbers = append(numbers, digits().FindAllString(name, -1)...)
		case zoomSound().MatchString(name):
			f.Sources = append(f.Sources, ingest.Source{Path: path, Who: f.Title, Double: true, Whole: true})
			numbers = append(numbers, digits().FindAllString(name, -1)...)
		case zoomChat().MatchString(name):
			f.Chat = append(f.Chat, path)
		case zoomWords().MatchString(name):
			f.Captions = append(f.Captions, path)
		default:
			f.Passed = append(f.Passed, name)
		}
	}
	if !slices.Contains(folders, ZoomVoices) {
		return nil
	}
	within := filepath.Join(f.Path, ZoomVoices)
	voices, _, err := filesIn(within)
	if err != nil {
		return err
	}
	for _, name := range voices {
		if m := zoomVoice().FindStringSubmatch(name); m != nil {
			f.Sources = append(f.Sources, ingest.Source{Path: filepath.Join(within, name), Who: spaced(m[1] + rest(m[2], numbers))})
		} else {
			f.Passed = append(f.Passed, ZoomVoices+"/"+name)
		}
	}
	return nil
}

// rest returns what of the digits behind a name is part of it: the last ones are the
// participant's number, and that of the recording, which other files have too.
func rest(behind string, numbers []string) string {
	slices.SortFunc(numbers, func(a, b string) int { return len(b) - len(a) })
	for _, n := range numbers {
		// A video's first digit counts the videos of the meeting.
		for _, n := range []string{n, n[1:]} {
			if before, ok := strings.CutSuffix(behind, n); ok && len(n) >= 8 {
				return before[:max(0, len(before)-1)]
			}
		}
	}
	return ""
}

// spaced puts the spaces back that Zoom leaves out of names: AdaLovelace. Which there
// were, it cannot know.
func spaced(name string) string {
	var b strings.Builder
	var before rune
	for _, r := range name {
		if unicode.IsUpper(r) && unicode.IsLower(before) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		before = r
	}
	return media.Plain(b.String(), media.MaxTitle)
}

// Called returns the name of a person as the chat has it, if one of the names there is
// this one but for spaces: file names have none.
func Called(name string, names []string) string {
	same := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), "")) }
	for _, n := range names {
		if same(n) == same(name) {
			return n
		}
	}
	return name
}

// converted returns an error that wraps ErrUnconverted if a part of the recording is not
// converted: what there is besides may look whole, and be a part.
func (f *Folder) converted(names []string) (err error) {
	for _, name := range names {
		if zoomRaw().MatchString(name) {
			return fmt.Errorf("%w: it has %s", ErrUnconverted, media.Plain(name, media.MaxTitle))
		}
	}
	if !slices.Contains(names, zoomConf) {
		return nil
	}
	b, err := ingest.ReadFile(filepath.Join(f.Path, zoomConf), maxManifest)
	if err != nil {
		return err
	}
	var conf struct {
		Items []struct {
			Video   string   `json:"video"`
			Audio   string   `json:"audio"`
			Process *float64 `json:"process"` // per cent
		} `json:"items"`
	}
	if json.Unmarshal(b, &conf) != nil {
		return nil // of another version: the files tell
	}
	for _, item := range conf.Items {
		if item.Process != nil && *item.Process < 100 {
			return fmt.Errorf("%w: %s says that %.0f %% is done", ErrUnconverted, zoomConf, *item.Process)
		}
		for _, name := range []string{item.Video, item.Audio} {
			if name != "" && !slices.Contains(names, name) {
				return fmt.Errorf("%w: %s names %s, which is not there", ErrUnconverted, zoomConf, media.Plain(name, media.MaxTitle))
			}
		}
	}
	return nil
}
