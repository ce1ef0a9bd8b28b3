package recorder_test

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

func TestLossIsDeclared(t *testing.T) {
	out, _ := record(t, recorder.Config{Duration: 8 * time.Second}, func(room *roomtest.Room, _ func()) {
		audio, video := room.Publish(opusInfo), room.Publish(vp8Info)
		for n := range 300 {
			if n < 100 || n >= 110 { // 2.0 s to 2.2 s
				audio.Send(opusPacket(n, opusPayload(n)))
			}
			if n%2 == 0 && n != 120 { // one frame, at 2.4 s
				video.Send(vp8Packet(n/2, vp8Frame(n/2, n == 0 || n == 160)))
			}
			time.Sleep(20 * time.Millisecond)
		}
		select {
		case <-video.KeyFrameRequested():
		default:
			t.Error("no key frame was asked for")
		}
	})
	const ms = time.Millisecond
	out.track("alice", media.Microphone).wantFrames(290).exactly().wantHole(2000*ms, 2200*ms, media.HoleLoss)
	// A picture that needs the lost one is missing, too.
	out.track("alice", media.Camera).wantFrames(60+70).wantNoFrames(2390*ms, 3190*ms).exactly().wantHole(2360*ms, 3200*ms, media.HoleLoss)
	out.wantIncomplete(false) // both are shorter than a second
}

// What waited for the track to be set up comes in a burst. It belongs before
// its arrival, and only as far as the recording had begun.
func TestBurstAtTheStartIsSpreadOverTime(t *testing.T) {
	out, _ := record(t, recorder.Config{Duration: 4 * time.Second}, func(room *roomtest.Room, _ func()) {
		time.Sleep(time.Second)
		audio, video := room.Publish(opusInfo), room.Publish(vp8Info)
		for n := range 75 { // 1.5 s, so the first half second is from before
			audio.Send(opusPacket(n, opusPayload(n)))
			if n >= 25 && n%2 == 1 {
				video.Send(vp8Packet(n/2, vp8Frame(n/2, n == 25)))
			}
		}
		for n := 75; n < 150; n++ {
			time.Sleep(20 * time.Millisecond)
			audio.Send(opusPacket(n, opusPayload(n)))
			if n%2 == 1 {
				video.Send(vp8Packet(n/2, vp8Frame(n/2, false)))
			}
		}
	})
	audio, video := out.track("alice", media.Microphone).wantOrder(), out.track("alice", media.Camera).wantFrames(63).wantOrder()
	if n := len(audio.frames); n < 124 || n > 126 {
		t.Errorf("%d sounds, want 125", n)
	}
	at := func(f media.Frame, want time.Duration) {
		if want = max(0, want-480*time.Millisecond); (f.Time - want).Abs() > 25*time.Millisecond {
			t.Errorf("a frame of track %d is at %v, want %v", f.Track, f.Time, want)
		}
	}
	for _, f := range audio.frames {
		at(f, time.Duration(f.Data[1])*20*time.Millisecond)
	}
	for _, f := range video.frames {
		n := int(f.Data[3])
		if f.Key {
			n = int(f.Data[10])
		}
		at(f, time.Duration(n)*40*time.Millisecond)
	}
	out.want(media.EventHole, 0)
}

// A track whose first frame never gets whole has no time to go by until the
// next one, which comes out of the reorder buffer a second later.
func TestTrackThatBeginsWithABrokenFrame(t *testing.T) {
	out, _ := record(t, recorder.Config{Duration: 5 * time.Second}, func(room *roomtest.Room, _ func()) {
		time.Sleep(time.Second)
		video := room.Publish(vp8Info)
		for n := range 60 {
			p := vp8Packet(n, vp8Frame(n, n == 2))
			p.Timestamp += 4_000_000_000
			switch n {
			case 0:
				p.Marker = false // its other half is lost
			case 1:
				continue
			}
			video.Send(p)
			time.Sleep(40 * time.Millisecond)
		}
	})
	for n, f := range out.track("alice", media.Camera).wantFrames(58).frames {
		if want := 1040*time.Millisecond + time.Duration(n)*40*time.Millisecond; (f.Time - want).Abs() > 45*time.Millisecond {
			t.Fatalf("frame %d at %v, want %v", n, f.Time, want)
		}
	}
}

// A frame that is nothing but a packet trailer is empty without it. Whatever a
// sender makes up, it must not end the recording of the others.
func TestEmptyFramesAreHarmless(t *testing.T) {
	out, _ := record(t, recorder.Config{Duration: 3 * time.Second}, func(room *roomtest.Room, _ func()) {
		odd := opusInfo
		odd.ID, odd.Participant, odd.PacketTrailer = "TR_odd", "mallory", true
		good, bad := room.Publish(opusInfo), room.Publish(odd)
		for n := range 50 {
			good.Send(opusPacket(n, opusPayload(n)))
			bad.Send(opusPacket(n, []byte{3 ^ 0xff, 0 ^ 0xff, 7 ^ 0xff, 'L', 'K', 'T', 'S'}))
			time.Sleep(20 * time.Millisecond)
		}
	})
	out.track("alice", media.Microphone).wantFrames(50)
}

func TestSlowStartIsDeclared(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		wait  time.Duration
		holes []hole
	}{
		{200 * ms, nil},
		{700 * ms, []hole{{0, 700 * ms, media.HoleStart}}},
	} {
		out, _ := record(t, recorder.Config{Duration: 3 * time.Second}, func(room *roomtest.Room, _ func()) {
			info := opusInfo
			info.Wanted = time.Now()
			tr := room.Publish(info)
			time.Sleep(tt.wait)
			sound(tr, 0, 50)
		})
		out.track("alice", media.Microphone).wantFrames(50).exactly().wantHoles(tt.holes...)
	}
}

func TestMuteIsNoHole(t *testing.T) {
	trailer := []byte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFG")
	info := opusInfo
	info.SIFTrailer = trailer
	out, _ := record(t, recorder.Config{Duration: 20 * time.Second}, func(room *roomtest.Room, _ func()) {
		tr := room.Publish(info)
		send := func(from, to, seq int, sif bool) {
			for n := from; n < to; n++ {
				p := opusPacket(n, opusPayload(n))
				p.SequenceNumber = uint16(seq + n - from)
				if sif {
					p.Payload = append(append([]byte{0xf8, 0xff, 0xfe}, make([]byte, 77)...), trailer...)
					p.Marker = true
				}
				tr.Send(p)
				time.Sleep(20 * time.Millisecond)
			}
		}
		send(0, 50, 0, false)
		room.Emit(recorder.RoomEvent{Type: media.EventMute, Participant: "alice", TrackID: "TR_a"})
		send(50, 100, 50, true) // the server's own silence
		time.Sleep(9 * time.Second)
		room.Emit(recorder.RoomEvent{Type: media.EventUnmute, Participant: "alice", TrackID: "TR_a"})
		send(550, 600, 100, false)
	})
	tr := out.track("alice", media.Microphone).wantFrames(100).wantHoles() // the server's silence is not media
	if last := tr.last(); (last - 11980*time.Millisecond).Abs() > 5*time.Millisecond {
		t.Errorf("the last frame is at %v, want 11.98 s: mute must keep time", last)
	}
	out.want(media.EventUnmute, 1)
	if m := out.want(media.EventMute, 1)[0]; m.Track != tr.UID {
		t.Errorf("muted: %+v", m)
	}
}

func TestForgedServerFrameIsToldOnce(t *testing.T) {
	trailer := []byte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFG")
	info := opusInfo
	info.SIFTrailer = trailer
	out, _ := record(t, recorder.Config{Duration: 2 * time.Second}, func(room *roomtest.Room, _ func()) {
		tr := room.Publish(info)
		for n := range 20 {
			p := opusPacket(n, opusPayload(n))
			if n >= 10 {
				p.Payload, p.Marker = append([]byte("what I never said"), trailer...), true
			}
			tr.Send(p)
			time.Sleep(20 * time.Millisecond)
		}
	})
	tr := out.track("alice", media.Microphone).wantFrames(10)
	if forged := out.want(media.EventIntegrity, 1)[0]; forged.Track != tr.UID {
		t.Errorf("integrity: %+v", forged)
	}
}
