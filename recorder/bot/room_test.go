package bot_test

import (
	"context"
	"sync"
	"time"

	"github.com/pion/rtp"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// A scriptedRoom is what a kind of room brings, around a room that a test plays.
type scriptedRoom struct {
	*roomtest.Room
	roster   *recorder.Roster
	presence bot.Presence

	telling chan struct{} // closed once it is being told, if that takes for ever; nil: it does not

	mu   sync.Mutex
	told []string
}

func (r *scriptedRoom) Announce(ctx context.Context, text string) error {
	if r.telling != nil {
		close(r.telling)
		<-ctx.Done()
		return ctx.Err()
	}
	return r.Room.Announce(ctx, text)
}

// meet returns a meeting in a room, and the room, which was joined once its presence
// has attributes.
func meet(name string) (bot.Meeting, *scriptedRoom) {
	room := &scriptedRoom{Room: roomtest.New(name), roster: recorder.NewRoster()}
	return bot.Meeting{Join: func(_ context.Context, p bot.Presence) (bot.Room, error) {
		room.presence = p
		return room, nil
	}}, room
}

func (r *scriptedRoom) Accept(ctx context.Context) (recorder.RoomEvent, error) {
	e, err := r.Room.Accept(ctx)
	switch {
	case err != nil:
	case e.Type == media.EventJoin:
		e.Visit, _ = r.roster.Came(recorder.Member{Identity: e.Participant, Name: e.Name, Since: e.At})
	case e.Type == media.EventLeave:
		r.roster.Went(e.Participant, "")
	}
	return e, err
}

func (r *scriptedRoom) Roster() *recorder.Roster        { return r.roster }
func (r *scriptedRoom) Connected() bool                 { return true }
func (r *scriptedRoom) Identity() string                { return "recorder" }
func (r *scriptedRoom) SID() string                     { return "RM_1" }
func (r *scriptedRoom) SetAttributes(map[string]string) {}

func (r *scriptedRoom) Tell(_ context.Context, text string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, text)
	return nil
}

func (r *scriptedRoom) Change(ctx context.Context, news, _ string) error { return r.Tell(ctx, news) }

func (r *scriptedRoom) Send(context.Context, string, []string, []byte) error { return nil }

// tellings returns what the room was told besides what was announced.
func (r *scriptedRoom) tellings() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.told...)
}

// speak lets a member publish a microphone and speak for so long.
func (r *scriptedRoom) speak(identity string, d time.Duration) {
	track := r.Publish(recorder.TrackInfo{ID: "TR_" + identity, Participant: identity, Name: identity, Source: media.Microphone,
		Codec: media.Opus, ClockRate: 48000, Channels: 1})
	for n := range int(d / (20 * time.Millisecond)) {
		track.Send(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(960 * n), SSRC: 1},
			Payload: []byte{0xf8, byte(n), byte(n >> 8), 7}})
		time.Sleep(20 * time.Millisecond)
	}
	track.End()
}
