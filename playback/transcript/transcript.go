// Package transcript reads and writes what was said: WebVTT, SubRip, and the JSON of
// whisper.cpp.
//
// What it reads may be hostile: size, number of cues, texts and times are bounded, and
// names and texts do nothing except to be read. What it writes, it reads again the same,
// except that SubRip and plain text have no voices: a name is the beginning of a line.
package transcript

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sealtape/sealtape/recorder/media"
)

// Limits of what is read.
const (
	MaxBytes = 8 << 20 // of a file
	MaxCues  = 100_000
	MaxText  = media.MaxSaid // bytes of a cue's text
	maxTime  = 1000 * time.Hour
)

// ErrFormat reports that a file is none of the formats, or not well-formed.
var ErrFormat = errors.New("not a transcript")

// A Format is a format of transcripts.
type Format string

const (
	VTT  Format = "vtt"  // WebVTT, with voices
	SRT  Format = "srt"  // SubRip
	JSON Format = "json" // as whisper.cpp writes it; with the speaker as a further field
)

// A Transcript is what was said, in order of time.
type Transcript struct {
	Language string // as BCP 47 has it, such as "en"; "": not known
	Cues     []Cue
}

// A Cue is something that somebody said.
type Cue struct {
	From, To time.Duration
	Who      string // one line, at most media.MaxTitle characters; "": not known
	Text     string // lines that are not empty
}

// Parse reads a transcript in the format that it has. The error wraps ErrFormat.
func Parse(b []byte) (Transcript, Format, error) {
	if len(b) > MaxBytes {
		return Transcript{}, "", fmt.Errorf("%w: %d bytes, more than %d", ErrFormat, len(b), MaxBytes)
	}
	text := strings.TrimPrefix(strings.ToValidUTF8(string(b), "\uFFFD"), "\uFEFF")
	var t Transcript
	var f Format
	var err error
	switch start := strings.TrimLeft(text, " \t\r\n"); {
	case strings.HasPrefix(text, "WEBVTT"):
		f = VTT
		t, err = parseVTT(text)
	case strings.HasPrefix(start, "{"):
		f = JSON
		t, err = parseJSON([]byte(text))
	default:
		f = SRT
		t, err = parseSRT(text)
	}
	if err != nil {
		return Transcript{}, f, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	slices.SortStableFunc(t.Cues, func(a, b Cue) int { return cmp.Compare(a.From, b.From) })
	return t, f, nil
}

// Write writes the transcript.
func (t Transcript) Write(w io.Writer, f Format) error {
	switch f {
	case VTT:
		return t.writeVTT(w)
	case SRT:
		return t.writeSRT(w)
	case JSON:
		return t.writeJSON(w)
	}
	return fmt.Errorf("no format of transcripts is called %.20q", string(f))
}

var errMany = fmt.Errorf("more than %d cues", MaxCues)

// add adds a cue, if anything is left of its text.
func (t *Transcript) add(c Cue) error {
	if c.Text = plain(c.Text); c.Text == "" {
		return nil
	}
	if len(t.Cues) == MaxCues {
		return errMany
	}
	c.Who = media.Plain(c.Who, media.MaxTitle)
	c.From = min(max(c.From, 0), maxTime)
	c.To = min(max(c.From, c.To), maxTime)
	t.Cues = append(t.Cues, c)
	return nil
}

// plain returns the lines of a text, cleaned, without empty ones.
func plain(s string) string {
	s = strings.ReplaceAll(media.Clamp(s, MaxText), "\r", "\n")
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		if line = media.Plain(line, MaxText); line != "" {
			lines = append(lines, line)
		}
	}
	s = strings.Join(lines, "\n")
	for len(s) > MaxText { // of bytes that were replaced
		_, n := utf8.DecodeLastRuneInString(s)
		s = strings.TrimRight(s[:len(s)-n], " \n")
	}
	return s
}

// blocks yields what is between empty lines, as lines.
func blocks(text string) func(func([]string) bool) {
	return func(yield func([]string) bool) {
		text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
		var block []string
		for line := range strings.SplitSeq(text, "\n") {
			if strings.TrimRight(line, " \t") != "" {
				block = append(block, line)
				continue
			}
			if len(block) > 0 && !yield(block) {
				return
			}
			block = nil
		}
		if len(block) > 0 {
			yield(block)
		}
	}
}

// parseTiming reads the line with the times of a cue, in WebVTT or SubRip.
func parseTiming(line string) (from, to time.Duration, ok bool) {
	a, rest, ok := strings.Cut(line, "-->")
	fields := strings.Fields(rest)
	if !ok || len(fields) == 0 {
		return 0, 0, false
	}
	from, okFrom := parseTime(strings.TrimSpace(a))
	to, okTo := parseTime(fields[0])
	return from, to, okFrom && okTo
}

// parseTime reads "1:02:03.456", "02:03,456" or "3.456".
func parseTime(s string) (time.Duration, bool) {
	whole, frac, _ := strings.Cut(strings.ReplaceAll(s, ",", "."), ".")
	var n int64
	parts := strings.Split(whole, ":")
	if len(parts) > 3 || len(frac) > 9 {
		return 0, false
	}
	for _, p := range parts {
		v, ok := digits(p)
		if !ok || len(p) > 7 || len(parts) > 1 && p != parts[0] && len(p) != 2 {
			return 0, false
		}
		n = n*60 + v
	}
	d := time.Duration(n) * time.Second
	if frac != "" {
		v, ok := digits(frac)
		if !ok {
			return 0, false
		}
		for range 9 - len(frac) {
			v *= 10
		}
		d += time.Duration(v)
	}
	return min(d, maxTime).Round(time.Millisecond), true
}

func digits(s string) (n int64, ok bool) {
	for _, r := range s {
		if r < '0' || r > '9' {
			return 0, false
		}
		n = n*10 + int64(r-'0')
	}
	return n, s != ""
}

// clock formats a time as hours, minutes, seconds and milliseconds, with a separator
// before these.
func clock(d time.Duration, separator string) string {
	ms := max(0, d.Milliseconds())
	return fmt.Sprintf("%02d:%02d:%02d%s%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, separator, ms%1000)
}

// Between returns the cues that are at least in part between two times, cut to them, with
// times that count from the first. A to of 0 means the end.
func (t Transcript) Between(from, to time.Duration) Transcript {
	part := Transcript{Language: t.Language}
	for _, c := range t.Cues {
		if c.To < from || to > 0 && c.From >= to || c.To == from && c.From < from {
			continue
		}
		c.From = max(c.From, from) - from
		if to > 0 {
			c.To = min(c.To, to)
		}
		c.To = max(c.To-from, c.From)
		part.Cues = append(part.Cues, c)
	}
	return part
}
