package replay

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// A Room plays a capture once, from the moment it is told of the recording. It
// implements recorder.Room.
type Room struct {
	c      *capture
	closed chan struct{}
	begun  chan struct{} // closed by the first Announce

	start time.Time // set before begun is closed
	begin sync.Once
	next  int // of c.events; of the goroutine that accepts
}

// Open reads a capture whole; what is wrong with it is told here, by an error
// that wraps ErrFormat. It need not be closed if it is not used.
func Open(r io.Reader) (*Room, error) {
	c, err := parse(r)
	if err != nil {
		return nil, err
	}
	return &Room{c: c, closed: make(chan struct{}), begun: make(chan struct{})}, nil
}

// Keys returns the end-to-end keys that are in the capture, nil if there are
// none: what recorder.Config.Keys takes.
func (r *Room) Keys() (recorder.KeyProvider, error) {
	if r.c.Passphrase == "" {
		return nil, nil
	}
	ring := frame.NewKeyring(0, frame.KeyOptions{})
	if err := ring.SetPassphrase(0, []byte(r.c.Passphrase)); err != nil {
		return nil, err
	}
	return recorder.SharedKeys(ring), nil
}

// Length is how long the capture plays.
func (r *Room) Length() time.Duration { return offset(r.c.end) }

// Name implements recorder.Room.
func (r *Room) Name() string { return r.c.Room }

// Announce implements recorder.Room: the first call starts to play. Nobody is
// there to be told.
func (r *Room) Announce(ctx context.Context, _ string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.begin.Do(func() {
		r.start = time.Now()
		close(r.begun)
	})
	return nil
}

// Accept implements recorder.Room. Before the first Announce it waits.
func (r *Room) Accept(ctx context.Context) (recorder.RoomEvent, error) {
	select {
	case <-r.begun:
	case <-r.closed:
		return recorder.RoomEvent{}, errClosed
	case <-ctx.Done():
		return recorder.RoomEvent{}, ctx.Err()
	}
	over := r.next == len(r.c.events)
	at := r.c.end
	if !over {
		at = r.c.events[r.next].At
	}
	if !r.wait(ctx, at) {
		if err := ctx.Err(); err != nil {
			return recorder.RoomEvent{}, err
		}
		return recorder.RoomEvent{}, errClosed
	}
	if over {
		return recorder.RoomEvent{}, fmt.Errorf("%w: %s", recorder.ErrEnded, r.c.reason)
	}
	l := r.c.events[r.next]
	r.next++
	if l.Event != nil {
		return l.Event.event(r.start, l.At), nil
	}
	// A track may come while Announce returns: not before it, to who replays it.
	return recorder.RoomEvent{At: r.start.Add(offset(max(0, l.At))), Type: media.EventTrack, Participant: l.Track.Participant,
		Name: l.Track.Name, Track: &track{r: r, info: l.Track.info(r.start), packets: r.c.packets[l.Track.N], end: r.c.ends[l.Track.N]}}, nil
}

var errClosed = fmt.Errorf("%w: the recorder left", recorder.ErrEnded)

// wait waits until the capture has played up to at, and reports whether it did.
func (r *Room) wait(ctx context.Context, at int64) bool {
	select {
	case <-r.closed:
		return false
	case <-ctx.Done():
		return false
	default:
	}
	d := time.Until(r.start.Add(offset(at)))
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.closed:
	case <-ctx.Done():
	}
	return false
}

// Close implements recorder.Room. It is called once.
func (r *Room) Close() error {
	close(r.closed)
	return nil
}

// A track is one that was captured.
type track struct {
	r       *Room
	info    recorder.TrackInfo
	packets []packet
	end     int64
}

// Info implements recorder.Track.
func (t *track) Info() recorder.TrackInfo { return t.info }

// Read implements recorder.Track.
func (t *track) Read() (recorder.Packet, error) {
	ctx := context.Background()
	if len(t.packets) == 0 {
		t.r.wait(ctx, t.end)
		return recorder.Packet{}, io.EOF
	}
	p := t.packets[0]
	if !t.r.wait(ctx, p.at) {
		return recorder.Packet{}, io.EOF
	}
	t.packets = t.packets[1:]
	out := recorder.Packet{RTP: p.rtp.Clone(), Arrival: t.r.start.Add(offset(p.at))}
	for _, s := range p.reports {
		// A wall clock has no monotonic reading.
		out.Reports = append(out.Reports, recorder.SenderReport{NTP: t.r.start.Round(0).Add(offset(s.NTP)), RTP: s.RTP,
			Arrival: t.r.start.Add(offset(s.At))})
	}
	return out, nil
}

// RequestKeyFrame implements recorder.Track: what was sent cannot be changed.
func (t *track) RequestKeyFrame() {}
