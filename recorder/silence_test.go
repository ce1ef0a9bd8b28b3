package recorder_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// A packet is lost and then nothing comes for a long time, as at a mute or with
// DTX. What is behind the loss must not wait for the next packet.
func TestLossBeforeSilenceIsWrittenInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := roomtest.New("weekly")
		rec := start(t, recorder.Config{}, room)
		sounds, pictures := room.Publish(opusInfo), room.Publish(vp8Info)
		for n := range 100 {
			if n != 96 {
				sounds.Send(opusPacket(n, opusPayload(n)))
				pictures.Send(vp8Packet(n/2, vp8Frame(n/2, n < 2 || n >= 98)))
			}
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(9 * time.Second) // silence, in which a segment is cut
		out := rec.soFar()
		const ms = time.Millisecond
		audio, video := out.track("alice", media.Microphone), out.track("alice", media.Camera)
		if a, v := audio.last(), video.last(); a != 1980*ms || v != 1960*ms {
			t.Errorf("during the silence the last frames written are at %v and %v, want 1.98 s and 1.96 s", a, v)
		}
		audio.exactly().wantHole(1920*ms, 1940*ms, media.HoleLoss)
		video.wantHoles()
		rec.end()
	})
}

// One packet and then silence is a track too.
func TestOnePacketIsWrittenInTime(t *testing.T) {
	s, _ := record(t, recorder.Config{Duration: time.Minute}, func(room *roomtest.Room, _ func()) {
		tr := room.Publish(opusInfo)
		tr.Send(opusPacket(0, opusPayload(0)))
		time.Sleep(50 * time.Second)
		tr.Send(opusPacket(2500, opusPayload(2500)))
	})
	n := 0
	for _, b := range s.segments[:2] {
		n += len(framesOf(t, b))
	}
	if n != 1 {
		t.Errorf("the first two segments have %d frames, want 1", n)
	}
}

// A hole that a mute follows, or that one stands before, is not as long as it.
func TestHoleAtAMuteIsNotAsLong(t *testing.T) {
	trailer := []byte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFG")
	for _, injected := range []bool{false, true} {
		info := opusInfo
		info.SIFTrailer = trailer
		s, report := record(t, recorder.Config{Duration: 100 * time.Second}, func(room *roomtest.Room, _ func()) {
			tr := room.Publish(info)
			seq := uint16(0)
			send := func(from, to int, sif bool) {
				for n := from; n < to; n++ {
					p := opusPacket(n, opusPayload(n))
					p.SequenceNumber = seq
					seq++
					if sif {
						p.Payload, p.Marker = append(append([]byte{0xf8, 0xff, 0xfe}, make([]byte, 77)...), trailer...), true
					}
					tr.Send(p)
					time.Sleep(20 * time.Millisecond)
				}
			}
			send(0, 100, false)
			seq += 5
			time.Sleep(100 * time.Millisecond) // the last five are lost
			room.Emit(recorder.RoomEvent{Type: media.EventMute, Participant: "alice", TrackID: "TR_a"})
			room.Emit(recorder.RoomEvent{Type: media.EventMute, Participant: "alice", TrackID: "TR_a"})
			if injected {
				send(105, 110, true)
			}
			time.Sleep(60 * time.Second)
			room.Emit(recorder.RoomEvent{Type: media.EventUnmute, Participant: "alice", TrackID: "TR_a"})
			if n := 3110; injected {
				send(n, n+50, false)
			} else {
				send(n-5, n+50, false)
			}
		})
		var missing time.Duration
		holes := s.find(media.EventHole)
		for _, g := range holes {
			missing += g.To - g.From
		}
		if len(holes) == 0 || holes[0].From != 2*time.Second || holes[0].To < 2100*time.Millisecond || missing > 650*time.Millisecond || report.Incomplete {
			t.Errorf("with server's silence %v: holes %+v, want one from 2 s to 2.1 s and at most half a second besides", injected, holes)
		}
		s.want(media.EventMute, 1)
	}
}
