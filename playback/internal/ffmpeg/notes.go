package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Notes are what a file says of itself and of what is in it. Texts are one line
// each. They go to the encoder through pipes, not in its arguments, which others
// on this machine can see.
type Notes struct {
	Title string
	// Start is when the sound and the pictures begin. Zero: not known.
	Start    time.Time
	Length   time.Duration
	Chapters []Line // in order of time; Lasts is not used
	// Subtitles are tracks that are off by default, if the file can have them.
	Subtitles []Subtitles
}

// Subtitles are a track of text. Its lines are in order of time, in the characters of a
// SubRip file.
type Subtitles struct {
	Name  string // of letters, for players to show
	Lines []Line
}

// A Line is a text with its time.
type Line struct {
	At, Lasts time.Duration
	Text      string
}

// metadata returns the notes as a file of FFmpeg's own format for them.
func (n Notes) metadata(created bool) string {
	var b strings.Builder
	b.WriteString(";FFMETADATA1\n")
	set := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s=%s\n", key, escaped.Replace(value))
		}
	}
	set("title", n.Title)
	if !n.Start.IsZero() {
		set("date", n.Start.UTC().Format(time.DateOnly))
		if created {
			set("creation_time", n.Start.UTC().Format("2006-01-02T15:04:05.000000Z"))
		}
	}
	for i, c := range n.Chapters {
		end := n.Length
		if i+1 < len(n.Chapters) {
			end = n.Chapters[i+1].At
		}
		fmt.Fprintf(&b, "[CHAPTER]\nTIMEBASE=1/1000\nSTART=%d\nEND=%d\n", c.At.Milliseconds(), max(end, c.At).Milliseconds())
		set("title", c.Text)
	}
	return b.String()
}

// escaped makes a line of text a value.
var escaped = strings.NewReplacer(`\`, `\\`, "=", `\=`, ";", `\;`, "#", `\#`, "\n", " ", "\r", " ", "\x00", " ")

// longestGap is the longest time without a subtitle. FFmpeg writes the lengths of
// subtitles, and of the gaps between them, as microseconds of 31 bits, and puts what
// comes after a longer gap at its beginning.
const longestGap = 30 * time.Minute

// subRip returns subtitles as a SubRip file. In long gaps stand subtitles of which
// nothing can be seen.
func subRip(lines []Line) string {
	var b strings.Builder
	number := 0
	add := func(at, lasts time.Duration, text string) {
		number++
		fmt.Fprintf(&b, "%d\n%s --> %s\n%s\n\n", number, subRipTime(at), subRipTime(at+lasts), text)
	}
	var last time.Duration
	for _, c := range lines {
		for c.At-last > longestGap {
			last += longestGap
			add(last, time.Millisecond, "\u200b")
		}
		add(c.At, c.Lasts, strings.Join(strings.Fields(c.Text), " "))
		last = max(last, c.At)
	}
	return b.String()
}

func subRipTime(d time.Duration) string {
	ms := d.Milliseconds()
	return fmt.Sprintf("%02d:%02d:%02d,%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
}

// inputs returns the arguments that make the notes inputs of the encoder, of which
// the first is input number and descriptor fd, and those that put them into an MP4
// file, or an Ogg file. The caller closes the pipes of the texts.
func (n Notes) inputs(number, fd int, mp4 bool) (texts []*text, inputs, outputs []string, err error) {
	add := func(format, content string, out ...string) {
		if err != nil {
			return
		}
		var t *text
		if t, err = newText(content); err == nil {
			inputs = append(inputs, "-protocol_whitelist", "pipe,fd", "-f", format, "-i", "pipe:"+strconv.Itoa(fd+len(texts)))
			outputs = append(outputs, out...)
			texts = append(texts, t)
		}
	}
	notes := strconv.Itoa(number)
	add("ffmetadata", n.metadata(mp4), "-map_metadata", notes, "-map_chapters", notes)
	for i, s := range n.Subtitles {
		add("srt", subRip(s.Lines), append([]string{"-map", strconv.Itoa(number+1+i) + ":s", "-c:s", "mov_text"}, s.arguments(i)...)...)
	}
	if err != nil {
		for _, t := range texts {
			err = errors.Join(err, t.read.Close(), t.write.Close())
		}
		return nil, nil, nil, err
	}
	return texts, inputs, outputs, nil
}

// arguments returns the output arguments of the subtitles with a number.
func (s Subtitles) arguments(i int) []string {
	of := "s:" + strconv.Itoa(i)
	return []string{"-disposition:" + of, "0", "-metadata:s:" + of, "handler_name=" + s.Name, "-metadata:s:" + of, "title=" + s.Name}
}

// Rewrite writes the MP4 file from again as the file to, with other chapters. Nothing
// is encoded again.
func (p *Program) Rewrite(ctx context.Context, from, to string, n Notes) error {
	from, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	if to, err = filepath.Abs(to); err != nil {
		return err
	}
	var subtitles []string
	for i, s := range n.Subtitles {
		subtitles = slices.Concat(subtitles, []string{"-map", "0:s:" + strconv.Itoa(i)}, s.arguments(i))
	}
	n.Subtitles = nil // it is in the file
	texts, inputs, outputs, err := n.inputs(1, 0, true)
	if err != nil {
		return err
	}
	args := slices.Concat([]string{"-nostdin", "-hide_banner", "-nostats", "-v", "error", "-xerror", "-y",
		"-protocol_whitelist", "file", "-f", "mov", "-ignore_chapters", "1", "-i", "file:" + from}, inputs,
		[]string{"-map", "0:v", "-map", "0:a"}, subtitles, outputs, []string{"-c", "copy", "-movflags", "+faststart", "-f", "mp4", "file:" + to})
	c, err := start(ctx, p.path, args, texts[0].read, nil)
	if err != nil {
		return errors.Join(err, texts[0].write.Close())
	}
	e := &Encoder{child: c, path: to, subtitled: true}
	e.send(texts)
	return e.Wait()
}

// A text is an input of the encoder that is whole from the beginning.
type text struct {
	read, write *os.File
	content     string
}

// newText makes a pipe for a text. The read end is the encoder's.
func newText(content string) (*text, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &text{r, w, content}, nil
}

// send writes the texts while the encoder reads them.
func (e *Encoder) send(texts []*text) {
	for _, t := range texts {
		e.texts.Go(t.send)
	}
}

// send writes the text. It returns when the encoder has read it, or has exited.
func (t *text) send() error {
	_, err := t.write.WriteString(t.content)
	if errors.Is(err, syscall.EPIPE) {
		err = nil // why the encoder exited is in its own error
	}
	return errors.Join(err, t.write.Close())
}
