package bot_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// ownKeys is a kind of room whose members have keys of their own, and hand them to the
// recorder in data messages of the topic "keys".
func ownKeys(room *scriptedRoom) bot.Meeting {
	keys := recorder.NewParticipantKeys(256, frame.KeyOptions{})
	return bot.Meeting{Keys: keys, Join: func(_ context.Context, p bot.Presence) (bot.Room, error) {
		bots := p.Receive
		p.Receive = func(topic, from string, data []byte) bool {
			if topic != "keys" {
				return bots(topic, from, data)
			}
			return keys.Keyring(from).SetRaw(0, data, frame.HKDF) == nil
		}
		room.presence = p
		return room, nil
	}}
}

// A kind of room whose members hand out their keys needs no more than a Meeting: what
// they sent before their key came is recorded, too, and what others sent is not.
func TestRecordMembersOwnKeys(t *testing.T) {
	r := newRecordTest(t)
	synctest.Test(t, func(t *testing.T) {
		r.enter(t)
		r.config.Meeting = ownKeys(r.room)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var result bot.Result
		done := make(chan error)
		go func() {
			var err error
			result, err = bot.Record(ctx, r.config)
			done <- err
		}()
		synctest.Wait()
		key := []byte("the key that is Ada's alone, 1.")
		go r.room.speakUnder(t, "ben", []byte("a key that Ben handed to nobody"), 3*time.Second)
		go func() {
			time.Sleep(time.Second)
			if !r.room.presence.Receive("keys", "ada", slices.Clone(key)) {
				t.Error("the key was not taken")
			}
		}()
		r.room.speakUnder(t, "ada", key, 3*time.Second)
		time.Sleep(15 * time.Second) // so long a key may be late
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if result.Frames != 150 || result.Tracks != 2 || result.Holes[media.HoleNoKey] < 2900*time.Millisecond {
			t.Errorf("%+v", result.Report)
		}
		r.opened(result.ID)
	})
}

// speakUnder lets a member come and speak for so long, end-to-end encrypted.
func (r *scriptedRoom) speakUnder(t *testing.T, identity string, key []byte, d time.Duration) {
	ring := frame.NewKeyring(256, frame.KeyOptions{})
	if err := ring.SetRaw(0, key, frame.HKDF); err != nil {
		t.Error(err)
		return
	}
	sender := frame.NewEncrypter(media.Opus, ring, 0, 1)
	r.Join(identity, identity)
	track := r.Publish(recorder.TrackInfo{ID: "TR_" + identity, Participant: identity, Name: identity, Source: media.Microphone,
		Codec: media.Opus, ClockRate: 48000, Channels: 1, Encrypted: true})
	for n := range int(d / (20 * time.Millisecond)) {
		sealed, err := sender.Encrypt(nil, []byte{0xf8, byte(n), byte(n >> 8), 7}, uint32(960*n))
		if err != nil {
			t.Error(err)
			return
		}
		track.Send(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(960 * n), SSRC: 1}, Payload: sealed})
		time.Sleep(20 * time.Millisecond)
	}
	track.End()
}
