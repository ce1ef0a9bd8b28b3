// Package sidecar reads what is written down beside the files of a meeting, a chat or captions,
// and puts it into the timeline of the recording that is made of them.
//
//	a chat, captions as text  -> lines with times of some kind      chat
//	lines                     -> times on the recording's clock     script
//	a file                    -> both, and what was left out        file
//
// WebVTT is read by who uses the package. Files are hostile: they are opened for reading only,
// and what is taken of them is bounded.
package sidecar

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/sealtape/sealtape/internal/pattern"
	"github.com/sealtape/sealtape/recorder/media"
)

// Limits of a chat or of captions.
const (
	maxBytes = 16 << 20         // of the file
	maxLines = 100_000          // messages, or captions
	slack    = 10 * time.Minute // before and after the recording
)

// ErrForm reports that a text file is no chat or captions in a form that is known.
var ErrForm = errors.New("no chat or captions in a form that is known")

// A Said is a message of a chat, or a caption.
type Said struct {
	// Who said it, and to whom: "" for everybody.
	Who, To string
	Text    string
	// At is when it was said: see Script. Until is the end of a caption, 0 if not known.
	At, Until time.Duration
	day       bool // its line has a date, from which At counts
}

// A Script is what a meeting's program wrote down beside its recording: a chat or captions,
// in order of the file.
type Script struct {
	Lines []Said
	// Relative: At counts from the recording's beginning. Otherwise it is a time of day,
	// and after midnight goes on above 24 hours; or one since 1970 in local time, if
	// Dated.
	Relative, Dated bool
	// LeftOut is how many lines were not understood.
	LeftOut int
}

// The first lines of messages, as versions of Zoom wrote them since 2020. A message goes
// on in the lines below, which newer versions begin with a tab.
var (
	// 14:03:21 From  Ada  to  Bob(Direct Message):
	// 14:03:21	 From Ada to Everyone : Hello
	chatSpaced = pattern.Of(`^(?:(\d{4}-\d\d-\d\d) )?(\d\d:\d\d:\d\d)\s+From {2,}(.+?) {2,}[tT]o {2,}(.+?) ?: ?(.*)$`)
	chatNew    = pattern.Of(`^(?:(\d{4}-\d\d-\d\d) )?(\d\d:\d\d:\d\d)\s+From +(.+?) +[tT]o +(.+?) ?:(?: (.*))?$`)
	// 14:03:21	 From  Ada : Hello
	chatOld = pattern.Of(`^(\d\d:\d\d:\d\d)\s+From +(.+?) : (.*)$`)
	// 00:03:21	Ada:	Hello
	chatCloud = pattern.Of(`^(\d\d:\d\d:\d\d)\t([^\t]+?):\t(.*)$`)
	// [Ada] 14:03:21
	captionHead = pattern.Of(`^\[(.+)\] (\d\d:\d\d:\d\d)$`)
)

// private are the marks of a message to one person alone.
var private = []string{"(Direct Message)", "(Privately)", "(privately)", "(direct message)"}

// ReadChat reads a chat that Zoom saved: chat.txt, meeting_saved_chat.txt and
// meeting_saved_new_chat.txt. The error wraps ErrForm if nothing in it is a message.
func ReadChat(r io.Reader) (*Script, error) {
	return read(r, func(line string) (s Said, cloud, ok bool) {
		m := chatSpaced().FindStringSubmatch(line)
		if m == nil {
			m = chatNew().FindStringSubmatch(line)
		}
		if m != nil {
			s = Said{Who: m[3], Text: m[5]}
			to := strings.TrimSpace(m[4])
			for _, mark := range private {
				if name, found := strings.CutSuffix(to, mark); found {
					s.To = strings.TrimSpace(name)
				}
			}
			s.At, s.day, ok = moment(m[1], m[2])
			return s, false, ok
		}
		if m := chatOld().FindStringSubmatch(line); m != nil {
			s = Said{Who: m[2], Text: m[3]}
			s.At, _, ok = moment("", m[1])
			return s, false, ok
		}
		if m := chatCloud().FindStringSubmatch(line); m != nil {
			s = Said{Who: m[2], Text: m[3]}
			s.At, _, ok = moment("", m[1])
			return s, true, ok
		}
		return s, false, false
	})
}

// ReadCaptions reads captions that Zoom saved as text: closed_caption.txt and
// meeting_saved_closed_caption.txt. WebVTT is not among them.
func ReadCaptions(r io.Reader) (*Script, error) {
	return read(r, func(line string) (s Said, cloud, ok bool) {
		m := captionHead().FindStringSubmatch(line)
		if m == nil {
			return s, false, false
		}
		s.Who = m[1]
		s.At, _, ok = moment("", m[2])
		return s, false, ok
	})
}

// moment returns a time of day, or a time since 1970 if there is a date.
func moment(date, clock string) (at time.Duration, dated, ok bool) {
	parts := strings.Split(clock, ":")
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		n, err := strconv.Atoi(parts[i])
		if err != nil || i > 0 && n > 59 {
			return 0, false, false
		}
		at += time.Duration(n) * unit
	}
	if date == "" {
		return at, false, true
	}
	day, err := time.Parse(time.DateOnly, date)
	if err != nil || day.Year() < 1990 || day.Year() > 2200 {
		return 0, false, false
	}
	return time.Duration(day.Unix())*time.Second + at, true, true
}

// read reads messages whose first lines head takes apart. cloud: the time counts from
// the recording's beginning.
func read(r io.Reader, head func(string) (s Said, cloud, ok bool)) (*Script, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrForm, maxBytes)
	}
	p := new(Script)
	clouds, dated := 0, 0
	lines := bufio.NewScanner(bytes.NewReader(utf8Of(b)))
	lines.Buffer(nil, maxBytes+1)
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), "\r")
		if s, cloud, ok := head(line); ok {
			if len(p.Lines) == maxLines {
				return nil, fmt.Errorf("%w: more than %d messages", ErrForm, maxLines)
			}
			if p.Lines = append(p.Lines, s); cloud {
				clouds++
			}
			if s.day {
				dated++
			}
			continue
		}
		if len(p.Lines) == 0 {
			if strings.TrimSpace(line) != "" {
				p.LeftOut++
			}
			continue
		}
		last := &p.Lines[len(p.Lines)-1]
		if last.Text != "" {
			last.Text += "\n"
		}
		last.Text += strings.TrimPrefix(line, "\t")
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if len(p.Lines) == 0 {
		return nil, ErrForm
	}
	p.Relative = clouds == len(p.Lines)
	p.Dated = dated == len(p.Lines)
	if !p.Dated && dated > 0 || !p.Relative && clouds > 0 {
		return nil, fmt.Errorf("%w: its lines have different forms", ErrForm)
	}
	p.tidy()
	return p, nil
}

// tidy cleans what was said, leaves out what is empty, and lets times of day go on after
// midnight.
func (p *Script) tidy() {
	day := time.Duration(0)
	for i := range p.Lines {
		s := &p.Lines[i]
		s.Who = media.Plain(s.Who, media.MaxTitle)
		s.To = media.Plain(s.To, media.MaxTitle)
		s.Text = strings.Trim(strings.ReplaceAll(s.Text, "\x00", ""), "\n\t ")
		if p.Dated {
			continue
		}
		if i > 0 && s.At+day < p.Lines[i-1].At-12*time.Hour {
			day += 24 * time.Hour
		}
		s.At += day
	}
	p.Lines = slices.DeleteFunc(p.Lines, func(s Said) bool { return s.Text == "" || s.Who == "" })
}

// utf8Of returns a text without its mark of byte order. Zoom wrote UTF-16 at times.
func utf8Of(b []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		return b[3:]
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		order = binary.LittleEndian
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		order = binary.BigEndian
	default:
		return b
	}
	units := make([]uint16, 0, len(b)/2)
	for b = b[2:]; len(b) > 1; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	return []byte(string(utf16.Decode(units)))
}
