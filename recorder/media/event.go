package media

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of strings that come from a room, in bytes. Longer ones are cut by
// Clamp where they are written and refused where they are read.
const (
	MaxIdentity = 512     // a participant's identity
	MaxName     = 256     // a display name, a title
	MaxReason   = 256     // a reason, a source, an event type
	MaxText     = 1 << 20 // free text: what somebody wrote
	MaxSaid     = 1 << 14 // the text of an EventTranscription

	// MaxEventLine is the most bytes of one event as JSON. JSON may need six
	// bytes for one.
	MaxEventLine = 6*(2*MaxIdentity+MaxName+2*MaxReason+MaxText) + 256
)

// maxCount is the largest Count of an event, and maxSize the largest Size:
// numbers that every JSON reader represents exactly.
const (
	maxCount = 1<<31 - 1
	maxSize  = 1<<53 - 1
)

// maxTime bounds times that are read, some 31 years: far beyond any meeting,
// and far from overflow.
const maxTime = 1e9 * time.Second

// Clamp returns s as valid UTF-8 of at most n bytes, cut between runes. Bytes
// that are not UTF-8 become U+FFFD.
func Clamp(s string, n int) string {
	// Cut first, so that the part that is dropped need not be repaired.
	if len(s) > n+utf8.UTFMax {
		s = s[:n+utf8.UTFMax]
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// eventJSON is an Event's form in JSON. Track is a string there because many
// JSON readers keep only 53 bits of a number. From and To are nil for what has no
// span: a span may begin at 0, which omitempty would leave out.
type eventJSON struct {
	Time        seconds   `json:"t"`
	Type        EventType `json:"type"`
	Participant string    `json:"participant,omitempty"`
	Name        string    `json:"name,omitempty"`
	By          string    `json:"by,omitempty"`
	Track       uint64    `json:"track,string,omitempty"`
	From        *seconds  `json:"from,omitempty"`
	To          *seconds  `json:"to,omitempty"`
	Reason      string    `json:"reason,omitempty"`
	Text        string    `json:"text,omitempty"`
	Count       int       `json:"count,omitempty"`
	Size        int64     `json:"size,omitempty"`
}

// Clamped returns the event with its strings cut to their limits by Clamp.
func (e Event) Clamped() Event {
	e.Type = EventType(Clamp(string(e.Type), MaxReason))
	e.Participant = Clamp(e.Participant, MaxIdentity)
	e.Name = Clamp(e.Name, MaxName)
	e.By = Clamp(e.By, MaxIdentity)
	e.Reason = Clamp(e.Reason, MaxReason)
	e.Text = Clamp(e.Text, MaxText)
	e.Size = max(0, min(e.Size, maxSize))
	return e
}

// MarshalJSON returns the event as one line of JSON, at most MaxEventLine
// bytes. Times are rounded to the millisecond, strings cut to their limits by
// Clamp. It fails for an event without a type or with a time out of range.
func (e Event) MarshalJSON() ([]byte, error) {
	if e.Type == "" {
		return nil, errors.New("event without a type")
	}
	for _, d := range []time.Duration{e.Time, e.From, e.To} {
		if d < 0 || d > maxTime {
			return nil, fmt.Errorf("event time %v out of range", d)
		}
	}
	if e.Count < 0 || e.Count > maxCount {
		return nil, fmt.Errorf("event count %d out of range", e.Count)
	}
	var from, to *seconds
	if e.To > 0 || e.From > 0 {
		f, t := seconds(e.From.Round(time.Millisecond)), seconds(e.To.Round(time.Millisecond))
		from, to = &f, &t
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	// Chat is for people to read, and we never put it into HTML unescaped.
	enc.SetEscapeHTML(false)
	e = e.Clamped()
	err := enc.Encode(eventJSON{
		Time:        seconds(e.Time.Round(time.Millisecond)),
		Type:        e.Type,
		Participant: e.Participant,
		Name:        e.Name,
		By:          e.By,
		Track:       e.Track,
		From:        from,
		To:          to,
		Reason:      e.Reason,
		Text:        e.Text,
		Count:       e.Count,
		Size:        e.Size,
	})
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// UnmarshalJSON reads what MarshalJSON writes. It ignores fields it does not
// know, and refuses what is longer or later than MarshalJSON would write.
func (e *Event) UnmarshalJSON(b []byte) error {
	if len(b) > MaxEventLine {
		return fmt.Errorf("event of %d bytes, more than %d", len(b), MaxEventLine)
	}
	var j eventJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	if j.Type == "" {
		return errors.New("event without a type")
	}
	if len(j.Type) > MaxReason || len(j.Participant) > MaxIdentity || len(j.Name) > MaxName || len(j.By) > MaxIdentity ||
		len(j.Reason) > MaxReason || len(j.Text) > MaxText {
		return errors.New("event with a string beyond its limit")
	}
	if j.Count < 0 || j.Count > maxCount || j.Size < 0 || j.Size > maxSize {
		return errors.New("event with a count or a size out of range")
	}
	var from, to time.Duration
	if j.From != nil {
		from = time.Duration(*j.From)
	}
	if j.To != nil {
		to = time.Duration(*j.To)
	}
	*e = Event{
		Time:        time.Duration(j.Time),
		Type:        j.Type,
		Participant: j.Participant,
		Name:        j.Name,
		By:          j.By,
		Track:       j.Track,
		From:        from,
		To:          to,
		Reason:      j.Reason,
		Text:        j.Text,
		Count:       j.Count,
		Size:        j.Size,
	}
	return nil
}

// seconds is a duration that is a number of seconds in JSON, to the
// millisecond.
type seconds time.Duration

func (s seconds) MarshalJSON() ([]byte, error) {
	ms := time.Duration(s).Round(time.Millisecond).Milliseconds()
	b := strconv.AppendInt(nil, ms/1000, 10)
	if frac := ms % 1000; frac != 0 {
		b = fmt.Appendf(b, ".%03d", frac)
		b = bytes.TrimRight(b, "0")
	}
	return b, nil
}

func (s *seconds) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || f < 0 || f > maxTime.Seconds() {
		return fmt.Errorf("time %.40q out of range", b)
	}
	*s = seconds(math.Round(f*1000)) * seconds(time.Millisecond)
	return nil
}
