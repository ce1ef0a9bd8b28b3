package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A moment says what to play: a recording, or "" for the library, and from which time on.
type moment struct {
	id string
	at time.Duration
	to time.Duration // where playing pauses; 0: nowhere
}

// fragment returns the end of an address that begins at the moment.
func (m moment) fragment() string {
	if m.id == "" || m.at == 0 && m.to == 0 {
		return ""
	}
	fragment := "#t=" + strconv.FormatFloat(m.at.Seconds(), 'f', -1, 64)
	if m.to > 0 {
		fragment += "," + strconv.FormatFloat(m.to.Seconds(), 'f', -1, 64)
	}
	return fragment
}

// parseMoment reads an ID, or a link to a moment or to a range: sealtape:ID#t=754 or
// sealtape:ID#t=754,790.
func parseMoment(arg string) (moment, error) {
	id, fragment, linked := strings.Cut(strings.TrimPrefix(arg, "sealtape:"), "#")
	m := moment{id: id}
	if id == "" && arg != "" {
		return m, fmt.Errorf("%q names no recording, want an ID or sealtape:ID#t=SECONDS", arg)
	}
	if !linked {
		return m, nil
	}
	at, ok := strings.CutPrefix(fragment, "t=")
	if !ok {
		return m, fmt.Errorf("%q is no link to a moment, want sealtape:ID#t=SECONDS", arg)
	}
	at, to, ranged := strings.Cut(at, ",")
	var err error
	if m.at, err = parsePosition(at); err != nil || !ranged {
		return m, err
	}
	if m.to, err = parsePosition(to); err == nil && m.to <= m.at {
		err = fmt.Errorf("%q ends before it begins, want sealtape:ID#t=SECONDS,SECONDS", arg)
	}
	return m, err
}

// maxPosition is later than the end of any recording.
const maxPosition = 31 * 24 * time.Hour

// parsePosition reads a time on the recording clock: 12:34, 1:02:03.5, 754 or
// 12m34s.
func parsePosition(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is no time in a recording, want 12:34, 1:02:03 or 90s", s)
	parts := strings.Split(s, ":")
	last := parts[len(parts)-1]
	if d, err := time.ParseDuration(s); err == nil && d >= 0 && d <= maxPosition {
		return d, nil
	}
	if len(parts) > 3 || strings.Trim(last, "0123456789.") != "" {
		return 0, bad
	}
	f, err := strconv.ParseFloat(last, 64)
	if err != nil || len(parts) > 1 && f >= 60 {
		return 0, bad
	}
	for i, unit := range []float64{60, 3600}[:len(parts)-1] {
		n, err := strconv.ParseUint(parts[len(parts)-2-i], 10, 32)
		if err != nil || n >= 60 && i < len(parts)-2 {
			return 0, bad
		}
		f += float64(n) * unit
	}
	if f > maxPosition.Seconds() {
		return 0, bad
	}
	return time.Duration(f * float64(time.Second)).Round(time.Millisecond), nil
}
