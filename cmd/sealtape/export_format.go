package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback"
)

// toStdout is the path that stands for standard output.
const toStdout = "-"

// A format is what export can write.
type format struct {
	name   string // for --format
	ending string // of its file; "" for a folder
	what   string
	text   bool // it may be shown on a terminal
	// mixes: it takes --no-level. pictures: it takes --layout and --size.
	mixes, pictures bool
	noStream        string // why it cannot go to standard output; "" if it can
}

var formats = []format{
	{name: "mkv", ending: ".mkv", what: "every track as it was sent"},
	{name: "mp4", ending: ".mp4", what: "all in one picture and one sound", mixes: true, pictures: true, noStream: "the index at its beginning is written last"},
	{name: "m4a", ending: ".m4a", what: "one sound, AAC", mixes: true},
	{name: "ogg", ending: ".ogg", what: "one sound, Opus", mixes: true},
	{name: "wav", ending: ".wav", what: "one sound, not compressed", mixes: true},
	{name: "vtt", ending: ".vtt", what: "chat and timeline as subtitles", text: true},
	{name: "srt", ending: ".srt", what: "what was said, as subtitles", text: true},
	{name: "txt", ending: ".txt", what: "chat and timeline to read", text: true},
	{name: "tracks", what: "a folder with a file for each track", noStream: "it is several files"},
}

// formatOf returns the format that fits, or false.
func formatOf(fits func(format) bool) (format, bool) {
	i := slices.IndexFunc(formats, fits)
	if i < 0 {
		return format{}, false
	}
	return formats[i], true
}

// namesOf joins what name returns of the formats that fit.
func namesOf(fits func(format) bool, name func(format) string, last string) string {
	var names []string
	for _, f := range formats {
		if fits(f) {
			names = append(names, name(f))
		}
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " " + last + " " + names[n-1]
	}
	return strings.Join(names, "")
}

// formatNames returns the names of all formats.
func formatNames() (names []string) {
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

func formatName(f format) string { return f.name }

// chooseFormat returns the format of an output: that of the path's ending, or the
// one that --format names, "" if it was not given.
func chooseFormat(output, name string) (format, error) {
	ending := strings.ToLower(filepath.Ext(output))
	byEnding, known := formatOf(func(f format) bool { return f.ending != "" && f.ending == ending })
	if name == "" {
		switch {
		case output == toStdout:
			return format{}, ui.Hinted(ui.Misuse("-o - has no ending that says the format"),
				"say it by --format: "+namesOf(func(f format) bool { return f.noStream == "" }, formatName, "or"))
		case !known:
			return format{}, ui.Hinted(ui.Misuse("the ending of -o %s is not that of a format", ui.Clean(output)), endingsHint())
		}
		return byEnding, nil
	}
	f, ok := formatOf(func(f format) bool { return f.name == name })
	switch {
	case !ok:
		all := func(format) bool { return true }
		return format{}, ui.Misuse("--format is %q, want %s", name, namesOf(all, formatName, "or"))
	case output == toStdout && f.noStream != "":
		return format{}, ui.Hinted(ui.Misuse("%s cannot go to standard output: %s", f.name, f.noStream), "name a file, or a folder for tracks: -o PATH")
	case known && byEnding.name != f.name:
		return format{}, ui.Misuse("-o %s would be of format %s: give it another name, or --format %s", ui.Clean(output), f.name, byEnding.name)
	}
	return f, nil
}

// endingsHint says which endings there are, and what else.
func endingsHint() string {
	files := namesOf(func(f format) bool { return f.ending != "" }, func(f format) string { return f.ending + " (" + f.what + ")" }, "and")
	return "known are " + files + "; --format tracks makes a folder with a file for each track"
}

// write exports the session to the output, or to stdout.
func (o *exportOptions) write(ctx context.Context, s *playback.Session, stdout io.Writer, options playback.ExportOptions) (playback.Report, error) {
	mixed := playback.MixOptions{Unlevelled: o.noLevel}
	sound := playback.SoundOptions{ExportOptions: options, MixOptions: mixed}
	out := o.output
	switch f := o.kind.name; f {
	case "mkv":
		if out == toStdout {
			return playback.StreamMatroska(ctx, s, stdout, options, nil)
		}
		return playback.ExportFile(ctx, s, out, options)
	case "tracks":
		return playback.ExportTracks(ctx, s, out, options)
	case "mp4":
		m := o.mp4
		m.ExportOptions, m.MixOptions = options, mixed
		return playback.ExportMP4(ctx, s, out, m)
	case "m4a", "ogg", "wav":
		if out == toStdout {
			return playback.StreamSound(ctx, s, stdout, playback.SoundFormat(f), sound)
		}
		return playback.ExportSound(ctx, s, out, playback.SoundFormat(f), sound)
	case "vtt", "srt", "txt":
		if out == toStdout {
			return playback.StreamText(ctx, s, stdout, playback.TextFormat(f), options)
		}
		return playback.ExportText(ctx, s, out, playback.TextFormat(f), options)
	}
	return playback.Report{}, fmt.Errorf("nothing writes the format %s", o.kind.name)
}
