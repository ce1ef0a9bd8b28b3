package replay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/pion/rtp"
)

// A capture is one that was read and found in order.
type capture struct {
	header
	events  []line // with tracks among them
	tracks  []*trackLine
	packets [][]packet // by track
	ends    []int64    // by track
	end     int64
	reason  string
}

// A packet's time is its line's.
type packet struct {
	at      int64
	rtp     *rtp.Packet
	reports []reportLine
}

// parse reads a capture: at most 64 MiB, 262144 lines, 256 tracks.
func parse(r io.Reader) (*capture, error) {
	limited := &io.LimitedReader{R: r, N: maxCapture + 1}
	s := bufio.NewScanner(limited)
	s.Buffer(nil, maxLine)
	c := &capture{reason: "the capture is over"}
	over := false
	n := 0
	for s.Scan() {
		n++
		var err error
		switch {
		case n == 1:
			err = c.begin(s.Bytes())
		case n > maxLines:
			err = fmt.Errorf("there are more than %d", maxLines)
		case over:
			err = fmt.Errorf("there is something after its end")
		default:
			over, err = c.add(s.Bytes())
		}
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrFormat, n, err)
		}
	}
	switch err := s.Err(); {
	case err == bufio.ErrTooLong:
		return nil, fmt.Errorf("%w: line %d has more than %d bytes", ErrFormat, n+1, maxLine)
	case err != nil:
		return nil, err
	case n == 0:
		return nil, fmt.Errorf("%w: it is empty", ErrFormat)
	case limited.N <= 0:
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrFormat, maxCapture)
	}
	for i := range c.ends {
		if c.ends[i] == open {
			c.ends[i] = c.end
		}
	}
	return c, nil
}

// open stands for the end of a track that has not ended.
const open = int64(-1 << 63)

func unmarshal(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("more than one object")
	}
	return nil
}

func (c *capture) begin(b []byte) error {
	if err := unmarshal(b, &c.header); err != nil {
		return err
	}
	if c.Capture != 1 {
		return fmt.Errorf("version %d is not known", c.Capture)
	}
	if c.Room == "" {
		return fmt.Errorf("the room has no name")
	}
	return nil
}

// add takes a line, and reports whether it is to be the last.
func (c *capture) add(b []byte) (last bool, err error) {
	var l line
	if err := unmarshal(b, &l); err != nil {
		return false, err
	}
	if !near(&l.At) {
		return false, fmt.Errorf("a time is over a day from the start")
	}
	kinds := 0
	for _, there := range []bool{l.Event != nil, l.Track != nil, l.Packet != nil, l.End != nil, l.Ended != nil} {
		if there {
			kinds++
		}
	}
	if kinds != 1 {
		return false, fmt.Errorf("it is %d things, want one", kinds)
	}
	c.end = max(c.end, l.At)
	switch {
	case l.Event != nil:
		if l.Event.Type == "" || l.Event.Type == "track" || !near(l.Event.Since) {
			return false, fmt.Errorf("an event of type %q", l.Event.Type)
		}
		c.events = append(c.events, l)
	case l.Track != nil:
		t := l.Track
		switch {
		case t.N != len(c.tracks) || t.N >= maxTracks:
			return false, fmt.Errorf("track %d after %d tracks", t.N, len(c.tracks))
		case t.ID == "" || t.Codec == "" || t.ClockRate < 1 || t.ClockRate > 1e6 || t.Channels < 0 || t.Channels > 255 || !near(t.Wanted):
			return false, fmt.Errorf("track %d has no ID, no codec or an odd clock", t.N)
		}
		c.tracks, c.packets, c.ends = append(c.tracks, t), append(c.packets, nil), append(c.ends, open)
		c.events = append(c.events, l)
	case l.Packet != nil:
		return false, c.packet(l.At, l.Packet)
	case l.End != nil:
		n := *l.End
		if !c.running(n) {
			return false, fmt.Errorf("the end of track %d, which does not run", n)
		}
		c.ends[n] = l.At
	case l.Ended != nil:
		c.reason = *l.Ended
		return true, nil
	}
	return false, nil
}

func (c *capture) packet(at int64, p *packetLine) error {
	if !c.running(p.Track) {
		return fmt.Errorf("a packet of track %d, which does not run", p.Track)
	}
	if len(p.Reports) > maxReports {
		return fmt.Errorf("%d sender reports with one packet", len(p.Reports))
	}
	for _, r := range p.Reports {
		if !near(&r.At) || !near(&r.NTP) {
			return fmt.Errorf("a sender report is over a day from the start")
		}
	}
	var in rtp.Packet
	if err := in.Unmarshal(p.RTP); err != nil {
		return err
	}
	c.packets[p.Track] = append(c.packets[p.Track], packet{at, &in, p.Reports})
	return nil
}

func (c *capture) running(n int) bool {
	return n >= 0 && n < len(c.tracks) && c.ends[n] == open
}

// near reports whether a time is within a day of the start.
func near(at *int64) bool {
	return at == nil || *at <= int64(maxSpan) && *at >= -int64(maxSpan)
}

func offset(at int64) time.Duration { return time.Duration(at) }
