package roomtest

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// A Meeting is what TestRoom records: a room that was joined and not yet told of
// a recording, in which "ada" publishes a microphone.
type Meeting struct {
	Room recorder.Room
	// Play lets the rest happen: "ben" comes and publishes a microphone, leaves
	// when some packets were sent, and then "ada" leaves, and with her the room
	// ends. TestRoom calls it once, in a goroutine, when the first Announce has
	// returned. Nil is a room that plays all this by itself from then on. An error
	// fails the test. heard waits until a packet of a member was read.
	Play func(heard func(identity string)) error
}

// TestRoom tests an implementation of recorder.Room: what it does not check, a
// recorder does not rely on. It calls open for a Meeting of its own in each
// subtest; open may register its clean-up with t. It waits two minutes at most.
//
//   - Name is the same at all times, and not "".
//   - No track is accepted that came before the first Announce returned; a context
//     that has ended ends Announce and Accept, and costs no event.
//   - Events have a type and a time. Who comes is told once, before their tracks;
//     who leaves is told once, after they came.
//   - A track has an ID of its own and its sender's identity; Info is the same at
//     all times. Packets have RTP, one SSRC and times of arrival in order.
//   - Read returns io.EOF when the sender has left, and again after that.
//   - Accept returns an error that wraps ErrEnded when the room is over, and again.
//   - Close ends Accept, once what was queued is accepted, and every Read, also
//     those that wait. A key frame may be asked for at any time, also after it.
func TestRoom(t *testing.T, open func(t *testing.T) Meeting) {
	for _, tt := range []struct {
		name string
		test func(context.Context, *testing.T, Meeting)
	}{
		{"Meeting", testMeeting},
		{"Close", testClose},
		{"Cancelled", testCancelled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := open(t)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // against hanging
			defer cancel()
			tt.test(ctx, t, m)
		})
	}
}

// An audience takes what a room delivers, as a recorder does, and holds it
// against the contract.
type audience struct {
	t    *testing.T
	room recorder.Room
	told time.Time // when the first Announce was called

	here    map[string]bool
	left    map[string]bool
	ids     map[string]bool
	tracks  map[string]*heard        // by participant
	some    map[string]chan struct{} // closed when a packet of ada, or ben, was read
	readers sync.WaitGroup
}

// A heard track is read by a goroutine of its own.
type heard struct {
	recorder.Track
	some chan struct{} // closed here when a packet came
	over chan struct{} // closed after io.EOF
}

func newAudience(t *testing.T, room recorder.Room) *audience {
	return &audience{t: t, room: room, here: make(map[string]bool), left: make(map[string]bool),
		ids: make(map[string]bool), tracks: make(map[string]*heard),
		some: map[string]chan struct{}{"ada": make(chan struct{}), "ben": make(chan struct{})}}
}

func (a *audience) announce(ctx context.Context) {
	a.t.Helper()
	name := a.room.Name()
	a.told = time.Now()
	if err := a.room.Announce(ctx, "This meeting is recorded."); err != nil {
		a.t.Fatalf("Announce: %v", err)
	}
	if again := a.room.Name(); name == "" || again != name {
		a.t.Errorf("the room's name is %q and %q", name, again)
	}
}

// accept takes an event, and reports whether the room goes on.
func (a *audience) accept(ctx context.Context) bool {
	t := a.t
	t.Helper()
	e, err := a.room.Accept(ctx)
	if errors.Is(err, recorder.ErrEnded) {
		return false
	}
	if err != nil {
		t.Fatalf("Accept: %v; have met %v, with tracks of %v", err, a.here, a.tracks)
	}
	if e.Type == "" || e.At.IsZero() {
		t.Errorf("event without a type or a time: %+v", e)
	}
	who := e.Participant
	switch e.Type {
	case media.EventJoin:
		if who == "" || a.here[who] {
			t.Errorf("%q came, who was there", who)
		}
		a.here[who] = true
	case media.EventLeave:
		if !a.here[who] {
			t.Errorf("%q left, who was not there", who)
		}
		delete(a.here, who)
		a.left[who] = true
	case media.EventTrack:
		if e.Track == nil {
			t.Fatalf("event of a track without one: %+v", e)
		}
		a.add(e)
	}
	if e.Type != media.EventTrack && e.Track != nil {
		t.Errorf("an event of type %s has a track", e.Type)
	}
	return true
}

func (a *audience) add(e recorder.RoomEvent) {
	t, info := a.t, e.Track.Info()
	if e.At.Before(a.told) {
		t.Errorf("a track came at %v, the room was told from %v on", e.At, a.told)
	}
	if info.Participant != e.Participant || !a.here[info.Participant] {
		t.Errorf("a track of %q came with %q, of %v", info.Participant, e.Participant, a.here)
	}
	if info.ID == "" || a.ids[info.ID] || info.Codec == "" || info.ClockRate <= 0 {
		t.Errorf("track is %+v, beside %v", info, a.ids)
	}
	if again := e.Track.Info(); again.ID != info.ID || again.Codec != info.Codec || again.ClockRate != info.ClockRate {
		t.Errorf("track is %+v and %+v", info, again)
	}
	a.ids[info.ID] = true
	h := &heard{Track: e.Track, some: a.some[info.Participant], over: make(chan struct{})}
	if h.some == nil || a.tracks[info.Participant] != nil {
		t.Fatalf("a track of %s, beside those of %v", info.Participant, a.tracks)
	}
	a.tracks[info.Participant] = h
	a.readers.Go(func() { h.read(t) })
}

func (h *heard) read(t *testing.T) {
	defer close(h.over)
	var last recorder.Packet
	for {
		p, err := h.Read()
		if err != nil {
			if _, again := h.Read(); err != io.EOF || again != io.EOF {
				t.Errorf("Read of %s ends with %v and %v, want io.EOF", h.Info().Participant, err, again)
			}
			return
		}
		switch {
		case p.RTP == nil || p.Arrival.IsZero():
			t.Errorf("packet of %s: %+v", h.Info().Participant, p)
			return
		case last.RTP == nil:
			close(h.some)
		case p.Arrival.Before(last.Arrival) || p.RTP.SSRC != last.RTP.SSRC:
			t.Errorf("packet of %s at %v with SSRC %d, after one at %v with %d", h.Info().Participant,
				p.Arrival, p.RTP.SSRC, last.Arrival, last.RTP.SSRC)
		}
		last = p
	}
}

// wait waits for a channel to close.
func (a *audience) wait(ctx context.Context, what string, c <-chan struct{}) {
	a.t.Helper()
	select {
	case <-c:
	case <-ctx.Done():
		a.t.Fatalf("still waiting for %s", what)
	}
}

// play starts what happens, and returns what waits for its end.
func (a *audience) play(ctx context.Context, m Meeting) (wait func()) {
	var playing sync.WaitGroup
	if m.Play != nil {
		playing.Go(func() {
			heard := func(identity string) {
				select {
				case <-a.some[identity]:
				case <-ctx.Done():
				}
			}
			if err := m.Play(heard); err != nil {
				a.t.Errorf("the meeting: %v", err)
			}
		})
	}
	return playing.Wait
}

func testMeeting(ctx context.Context, t *testing.T, m Meeting) {
	a := newAudience(t, m.Room)
	a.announce(ctx)
	wait := a.play(ctx, m)
	for a.accept(ctx) {
	}
	wait()
	if _, err := m.Room.Accept(ctx); !errors.Is(err, recorder.ErrEnded) {
		t.Errorf("Accept after the end: %v, want ErrEnded", err)
	}
	for _, who := range []string{"ada", "ben"} {
		h := a.tracks[who]
		if h == nil {
			t.Fatalf("no track of %s, but of %v", who, a.tracks)
		}
		a.wait(ctx, "a packet of "+who, h.some)
	}
	if !a.left["ben"] {
		t.Errorf("ben left, and was not told of: %v", a.left)
	}
	a.wait(ctx, "the end of ben's track", a.tracks["ben"].over)
	if err := m.Room.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	a.readers.Wait()
}

func testClose(ctx context.Context, t *testing.T, m Meeting) {
	a := newAudience(t, m.Room)
	a.announce(ctx)
	for a.tracks["ada"] == nil {
		if !a.accept(ctx) {
			t.Fatal("the room has ended")
		}
	}
	a.wait(ctx, "a packet of ada", a.tracks["ada"].some)
	a.tracks["ada"].RequestKeyFrame()
	accepting, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		close(accepting)
		for {
			if _, err := m.Room.Accept(ctx); err != nil {
				ended <- err
				return
			}
		}
	}()
	<-accepting
	if err := m.Room.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := <-ended; !errors.Is(err, recorder.ErrEnded) {
		t.Errorf("Accept in a closed room: %v, want ErrEnded", err)
	}
	a.wait(ctx, "the end of ada's track", a.tracks["ada"].over)
	a.tracks["ada"].RequestKeyFrame()
	a.readers.Wait()
}

func testCancelled(ctx context.Context, t *testing.T, m Meeting) {
	a := newAudience(t, m.Room)
	a.announce(ctx)
	done, cancel := context.WithCancel(ctx)
	cancel()
	for a.tracks["ada"] == nil {
		// An event that is there may come in spite of it.
		e, err := m.Room.Accept(done)
		switch {
		case err == nil && e.Type == media.EventJoin:
			a.here[e.Participant] = true
		case err == nil && e.Type == media.EventTrack:
			a.add(e)
		case err != nil && !errors.Is(err, context.Canceled):
			t.Fatalf("Accept: %v, want the context's error", err)
		case err != nil:
			if !a.accept(ctx) {
				t.Fatal("the room has ended")
			}
		}
	}
	if err := m.Room.Announce(done, "This meeting is recorded."); !errors.Is(err, context.Canceled) {
		t.Errorf("Announce: %v, want the context's error", err)
	}
	if err := m.Room.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	a.wait(ctx, "the end of ada's track", a.tracks["ada"].over)
	a.readers.Wait()
}
