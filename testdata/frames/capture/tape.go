package main

import (
	"bytes"
	"context"
	"sync"
	"time"

	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/sealtape/sealtape/recorder/media"
)

// A packet is one RTP packet of a track as it came.
type packet struct {
	rtp *rtp.Packet
	at  time.Duration // since the track's first
}

// sif reports whether the server put the packet in.
func (p packet) sif(trailer []byte) bool {
	return len(trailer) > 0 && bytes.HasSuffix(p.rtp.Payload, trailer)
}

// A tape holds the packets of one track.
type tape struct {
	codec media.Codec
	*tapes
	packets []packet
	ended   bool
}

// tapes are the tracks subscribed to so far.
type tapes struct {
	mu      sync.Mutex
	changed chan struct{}
	tracks  map[media.Codec]*tape
}

func newTapes() *tapes {
	return &tapes{changed: make(chan struct{}), tracks: map[media.Codec]*tape{}}
}

func (ts *tapes) callback() *lksdk.RoomCallback {
	cb := lksdk.NewRoomCallback()
	cb.OnTrackSubscribed = func(track *webrtc.TrackRemote, _ *lksdk.RemoteTrackPublication, from *lksdk.RemoteParticipant) {
		t := &tape{codec: media.Opus, tapes: ts}
		if track.Kind() == webrtc.RTPCodecTypeVideo {
			t.codec = media.VP8
			from.WritePLI(track.SSRC())
		}
		ts.change(func() { ts.tracks[t.codec] = t })
		go t.record(track) // until the track or the room ends
	}
	return cb
}

func (t *tape) record(track *webrtc.TrackRemote) {
	start := time.Now()
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			t.change(func() { t.ended = true })
			return
		}
		t.change(func() { t.packets = append(t.packets, packet{p, time.Since(start)}) })
	}
}

func (ts *tapes) change(f func()) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	f()
	close(ts.changed)
	ts.changed = make(chan struct{})
}

// until waits for cond, which is called with ts.mu held.
func (ts *tapes) until(ctx context.Context, cond func() bool) error {
	for {
		ts.mu.Lock()
		ok, changed := cond(), ts.changed
		ts.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wait returns the track of the codec once it has n packets.
func (ts *tapes) wait(ctx context.Context, c media.Codec, n int) (*tape, error) {
	var t *tape
	err := ts.until(ctx, func() bool {
		t = ts.tracks[c]
		return t != nil && len(t.packets) >= n
	})
	return t, err
}

// waitSIF waits until the server has put some packets in.
func (t *tape) waitSIF(ctx context.Context, trailer []byte) error {
	return t.until(ctx, func() bool {
		n := 0
		for _, p := range t.packets {
			if p.sif(trailer) {
				n++
			}
		}
		return n >= 10
	})
}

// waitEnd waits until the track is over.
func (t *tape) waitEnd(ctx context.Context) error {
	return t.until(ctx, func() bool { return t.ended })
}

func (t *tape) all() []packet {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.packets[:len(t.packets):len(t.packets)]
}
