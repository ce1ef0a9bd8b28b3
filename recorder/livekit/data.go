package livekit

import (
	"context"
	"errors"
	"fmt"
	"time"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"

	"github.com/sealtape/sealtape/recorder"
)

// Send sends a user data packet reliably to the given members. No members means
// all. The packet is encrypted if the recorder has a key. Send returns when the
// packet was handed to the network. While the room is lost, and when it is over,
// the error is recorder.ErrAway; ErrNoData if the server does not let the recorder send any, see
// Config.Told.
func (r *Room) Send(ctx context.Context, topic string, to []string, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	s := r.s
	r.mu.Unlock()
	if !s.connected() {
		return recorder.ErrAway
	}
	if s.gagged() {
		return ErrNoData
	}
	opts := []lksdk.DataPublishOption{lksdk.WithDataPublishTopic(topic), lksdk.WithDataPublishReliable(true)}
	if len(to) > 0 {
		opts = append(opts, lksdk.WithDataPublishDestination(to))
	}
	err := s.room.LocalParticipant.PublishDataPacket(lksdk.UserData(data), opts...)
	if err != nil && !s.connected() {
		return fmt.Errorf("%w: %w", recorder.ErrAway, err)
	}
	return err
}

// watchEvery is how often a session checks its permissions: the SDK does not
// report when the server changes them.
const watchEvery = time.Second

// watch does what is due with members' data. It ends the session if the server
// hides the recorder, or no longer lets it send data to the room: then it may not
// record.
func (s *session) watch() {
	every := time.NewTicker(watchEvery)
	defer every.Stop()
	for {
		select {
		case now := <-every.C:
			s.contain("", func() { s.streamed(s.streams.expire(now)) })
		case <-s.ended():
			return
		case <-s.r.closed:
			return
		}
		if err := forbidden(s.room.LocalParticipant.Permissions()); err != nil && !(s.r.c.Told && errors.Is(err, ErrGagged)) {
			s.endFor(err)
			return
		}
	}
}

// gagged reports whether the server does not let the recorder send data, which matters
// to nobody if the members are told elsewhere.
func (s *session) gagged() bool {
	p := s.room.LocalParticipant.Permissions()
	return s.r.c.Told && p != nil && !p.GetCanPublishData()
}

// forbidden returns why a recorder may not record under these permissions.
func forbidden(p *lkproto.ParticipantPermission) error {
	switch {
	case p == nil: // the server has not said
		return nil
	case p.GetHidden():
		return fmt.Errorf("%w: %w", recorder.ErrEnded, ErrHid)
	case !p.GetCanPublishData():
		return fmt.Errorf("%w: %w", recorder.ErrEnded, ErrGagged)
	}
	return nil
}
