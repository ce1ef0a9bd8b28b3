package replay

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// A Capture is a recorder.Room that passes on what another delivers, and writes
// it down, unsealed. What the recorder tells the room is not written.
type Capture struct {
	room recorder.Room

	mu     sync.Mutex
	w      *bufio.Writer
	start  time.Time // when the room was told; zero before
	early  []recorder.RoomEvent
	tracks int
	ended  *line // is written last: the tracks go on until Close
	closed bool
	err    error
}

// NewCapture returns a room that writes to w whatever passes, from the first
// Announce on. The passphrase goes with it in the clear, "" for none: a capture
// is of a made-up meeting. The caller closes the Capture, which closes the room,
// and then w.
func NewCapture(room recorder.Room, w io.Writer, passphrase string) *Capture {
	c := &Capture{room: room, w: bufio.NewWriter(w)}
	c.write(header{Capture: 1, Room: room.Name(), Passphrase: passphrase})
	return c
}

// write adds a line. The first error is what Close returns. c.mu is held, or
// nobody else has c.
func (c *Capture) write(v any) {
	b, err := json.Marshal(v)
	if err == nil && c.err == nil && !c.closed {
		_, err = c.w.Write(append(b, '\n'))
	}
	if c.err == nil && err != nil {
		c.err = fmt.Errorf("writing the capture: %w", err)
	}
}

// Name implements recorder.Room.
func (c *Capture) Name() string { return c.room.Name() }

// Announce implements recorder.Room. The capture begins when the first returns.
func (c *Capture) Announce(ctx context.Context, text string) error {
	err := c.room.Announce(ctx, text)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && c.start.IsZero() {
		c.start = time.Now()
		for _, e := range c.early {
			c.event(e)
		}
		c.early = nil
	}
	return err
}

// SetState implements recorder.StateRoom, where the room does.
func (c *Capture) SetState(state string) {
	if r, ok := c.room.(recorder.StateRoom); ok {
		r.SetState(state)
	}
}

// Accept implements recorder.Room.
func (c *Capture) Accept(ctx context.Context) (recorder.RoomEvent, error) {
	e, err := c.room.Accept(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		if errors.Is(err, recorder.ErrEnded) && !c.start.IsZero() {
			reason := media.Clamp(strings.TrimPrefix(err.Error(), recorder.ErrEnded.Error()+": "), maxReason)
			c.ended = &line{At: int64(time.Since(c.start)), Ended: &reason}
		}
		return e, err
	}
	if e.Track != nil {
		t := &capturedTrack{Track: e.Track, c: c, n: c.tracks}
		c.tracks++
		e.Track = t
	}
	if c.start.IsZero() {
		c.early = append(c.early, e)
	} else {
		c.event(e)
	}
	return e, nil
}

// event writes an event, or the track it is about. c.mu is held.
func (c *Capture) event(e recorder.RoomEvent) {
	l := line{At: int64(e.At.Sub(c.start))}
	if t, ok := e.Track.(*capturedTrack); ok {
		i := t.Info()
		l.Track = &trackLine{N: t.n, ID: i.ID, Participant: i.Participant, Name: i.Name, Source: i.Source, Codec: i.Codec,
			ClockRate: i.ClockRate, Channels: i.Channels, RED: i.RED, Encrypted: i.Encrypted, SenderKind: i.SenderKind, Wanted: since(c.start, i.Wanted),
			PacketTrailer: i.PacketTrailer, SIFTrailer: i.SIFTrailer}
	} else {
		l.Event = &eventLine{Type: e.Type, Participant: e.Participant, Name: e.Name, TrackID: e.TrackID, Reason: e.Reason,
			Since: since(c.start, e.Since), Text: e.Text, Speakers: e.Speakers, Count: e.Count, Size: e.Size, Machine: e.Machine}
	}
	c.write(l)
}

// Close implements recorder.Room. It returns what kept the capture from being
// written, too. What is read of the tracks after it is not in the capture.
func (c *Capture) Close() error {
	err := c.room.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		c.write(*c.ended)
	}
	if c.err == nil {
		c.err = c.w.Flush()
	}
	c.closed = true
	return errors.Join(err, c.err)
}

// A capturedTrack writes down what is read of a track.
type capturedTrack struct {
	recorder.Track
	c     *Capture
	n     int
	ended bool
}

// Read implements recorder.Track.
func (t *capturedTrack) Read() (recorder.Packet, error) {
	p, err := t.Track.Read()
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	start := t.c.start
	switch {
	case err != nil:
		if !t.ended {
			t.ended = true
			t.c.write(line{At: int64(time.Since(start)), End: &t.n})
		}
		return p, err
	}
	b, merr := p.RTP.Marshal()
	if merr != nil {
		t.c.err = errors.Join(t.c.err, merr)
		return p, nil
	}
	out := &packetLine{Track: t.n, RTP: b}
	for _, s := range p.Reports {
		// Both without a monotonic reading: the wall clocks are compared.
		out.Reports = append(out.Reports, reportLine{NTP: int64(s.NTP.Round(0).Sub(start.Round(0))), RTP: s.RTP, At: int64(s.Arrival.Sub(start))})
	}
	t.c.write(line{At: int64(p.Arrival.Sub(start)), Packet: out})
	return p, nil
}
