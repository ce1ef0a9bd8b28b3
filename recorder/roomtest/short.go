package roomtest

import (
	"time"

	"github.com/pion/rtp"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// Short makes r a Meeting of a fifth of a second, as TestRoom wants it: ada is
// there, and publishes when the room was told of the recording; the rest is what
// the returned function plays. Sound is Opus without content, not encrypted.
func Short(r *Room) (play func(heard func(identity string)) error) {
	r.Join("ada", "Ada")
	published := make(chan *Track, 1)
	go func() {
		<-r.told
		published <- r.microphone("ada", "Ada", 1)
	}()
	return func(func(string)) error {
		ada := <-published
		r.Join("ben", "Ben")
		ben := r.microphone("ben", "Ben", 2)
		for n := range 10 {
			now := time.Now()
			ada.SendAt(now, silence(n, 1))
			if n < 5 {
				ben.SendAt(now, silence(n, 2))
			}
			if n == 5 {
				ben.End()
				r.Leave("ben")
			}
			time.Sleep(20 * time.Millisecond)
		}
		ada.End()
		r.Leave("ada")
		r.End("everyone left")
		return nil
	}
}

func (r *Room) microphone(identity, name string, ssrc uint32) *Track {
	t := r.Publish(recorder.TrackInfo{ID: "TR_" + identity, Participant: identity, Name: name, Source: media.Microphone,
		Codec: media.Opus, ClockRate: 48000, Channels: 2})
	t.Send(silence(-1, ssrc))
	return t
}

// silence is the nth packet of a track: an Opus frame of 20 ms without content
// (RFC 6716, 3.1: configuration 31, one frame).
func silence(n int, ssrc uint32) *rtp.Packet {
	return &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 111, SequenceNumber: uint16(n), Timestamp: uint32(960 * n), SSRC: ssrc},
		Payload: []byte{31 << 3, 0xff, 0xfe}}
}
