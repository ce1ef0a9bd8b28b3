package recorder_test

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

func TestLossIsDeclared(t *testing.T) {
	s, report := record(t, recorder.Config{Duration: 8 * time.Second}, func(room *roomtest.Room, _ func()) {
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
	frames, events, tracks := s.read(t)
	var audio, video int
	for _, f := range frames {
		if tracks[f.Track].Codec == media.Opus {
			audio++
		} else {
			video++
			if f.Time > 2390*time.Millisecond && f.Time < 3190*time.Millisecond {
				t.Errorf("a picture that needs the lost one was kept, at %v", f.Time)
			}
		}
	}
	if audio != 290 || video != 60+70 {
		t.Errorf("%d audio and %d video frames, want 290 and 130", audio, video)
	}
	ms := time.Millisecond
	gaps := find(events, media.EventGap)
	if len(gaps) != 2 {
		t.Fatalf("holes: %+v", gaps)
	}
	for _, g := range gaps {
		from, to := 2000*ms, 2200*ms
		if tracks[g.Track].Codec == media.VP8 {
			from, to = 2360*ms, 3200*ms
		}
		if g.Reason != media.GapLoss || (g.From-from).Abs() > ms || (g.To-to).Abs() > ms {
			t.Errorf("hole %+v, want %v to %v", g, from, to)
		}
	}
	if report.Incomplete {
		t.Error("holes shorter than a second made the recording incomplete")
	}
}

// What waited for the track to be set up comes in a burst. It belongs before
// its arrival, and only as far as the recording had begun.
func TestBurstAtTheStartIsSpreadOverTime(t *testing.T) {
	s, _ := record(t, recorder.Config{Duration: 4 * time.Second}, func(room *roomtest.Room, _ func()) {
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
	frames, events, tracks := s.read(t)
	last := make(map[uint64]time.Duration)
	count := make(map[media.Codec]int)
	for _, f := range frames {
		codec := tracks[f.Track].Codec
		want := time.Duration(f.Data[1])*20*time.Millisecond - 480*time.Millisecond
		if codec == media.VP8 {
			n := int(f.Data[3])
			if f.Key {
				n = int(f.Data[10])
			}
			want = time.Duration(n)*40*time.Millisecond - 480*time.Millisecond
		}
		if (f.Time - max(0, want)).Abs() > 25*time.Millisecond {
			t.Errorf("%s frame at %v, want %v", codec, f.Time, want)
		}
		if before, ok := last[f.Track]; ok && f.Time <= before {
			t.Errorf("%s frame at %v after one at %v", codec, f.Time, before)
		}
		last[f.Track] = f.Time
		count[codec]++
	}
	if a, v := count[media.Opus], count[media.VP8]; a < 124 || a > 126 || v != 63 {
		t.Errorf("%d sounds and %d pictures, want 125 and 63", a, v)
	}
	if gaps := find(events, media.EventGap); len(gaps) > 0 {
		t.Errorf("holes: %+v", gaps)
	}
}

// A track whose first frame never gets whole has no time to go by until the
// next one, which comes out of the reorder buffer a second later.
func TestTrackThatBeginsWithABrokenFrame(t *testing.T) {
	s, _ := record(t, recorder.Config{Duration: 5 * time.Second}, func(room *roomtest.Room, _ func()) {
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
	frames, _, _ := s.read(t)
	if len(frames) != 58 {
		t.Fatalf("%d frames, want 58", len(frames))
	}
	for n, f := range frames {
		if want := 1040*time.Millisecond + time.Duration(n)*40*time.Millisecond; (f.Time - want).Abs() > 45*time.Millisecond {
			t.Fatalf("frame %d at %v, want %v", n, f.Time, want)
		}
	}
}

// A frame that is nothing but a packet trailer is empty without it. Whatever a
// sender makes up, it must not end the recording of the others.
func TestEmptyFramesAreHarmless(t *testing.T) {
	s, _ := record(t, recorder.Config{Duration: 3 * time.Second}, func(room *roomtest.Room, _ func()) {
		odd := opusInfo
		odd.ID, odd.Participant, odd.PacketTrailer = "TR_odd", "mallory", true
		good, bad := room.Publish(opusInfo), room.Publish(odd)
		for n := range 50 {
			good.Send(opusPacket(n, opusPayload(n)))
			bad.Send(opusPacket(n, []byte{3 ^ 0xff, 0 ^ 0xff, 7 ^ 0xff, 'L', 'K', 'T', 'S'}))
			time.Sleep(20 * time.Millisecond)
		}
	})
	frames, _, _ := s.read(t)
	if len(frames) != 50 {
		t.Errorf("%d frames, want 50", len(frames))
	}
}

func TestSlowStartIsDeclared(t *testing.T) {
	for wait, want := range map[time.Duration]int{200 * time.Millisecond: 0, 700 * time.Millisecond: 1} {
		s, _ := record(t, recorder.Config{Duration: 3 * time.Second}, func(room *roomtest.Room, _ func()) {
			info := opusInfo
			info.Wanted = time.Now()
			tr := room.Publish(info)
			time.Sleep(wait)
			for n := range 50 {
				tr.Send(opusPacket(n, opusPayload(n)))
				time.Sleep(20 * time.Millisecond)
			}
		})
		_, events, _ := s.read(t)
		gaps := find(events, media.EventGap)
		if len(gaps) != want {
			t.Errorf("after %v: holes %+v, want %d", wait, gaps, want)
		}
		for _, g := range gaps {
			if g.Reason != media.GapStart || g.From != 0 || g.To != wait {
				t.Errorf("after %v: hole %+v", wait, g)
			}
		}
	}
}

func TestMuteIsNoHole(t *testing.T) {
	trailer := []byte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFG")
	info := opusInfo
	info.SIFTrailer = trailer
	s, _ := record(t, recorder.Config{Duration: 20 * time.Second}, func(room *roomtest.Room, _ func()) {
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
	frames, events, _ := s.read(t)
	if len(frames) != 100 {
		t.Errorf("%d frames, want 100: the server's silence is not media", len(frames))
	}
	if last := frames[len(frames)-1].Time; (last - 11980*time.Millisecond).Abs() > 5*time.Millisecond {
		t.Errorf("the last frame is at %v, want 11.98 s: mute must keep time", last)
	}
	if gaps := find(events, media.EventGap); len(gaps) != 0 {
		t.Errorf("holes: %+v", gaps)
	}
	if m, u := find(events, media.EventMute), find(events, media.EventUnmute); len(m) != 1 || len(u) != 1 || m[0].Track != 1 {
		t.Errorf("mutes %+v, unmutes %+v", m, u)
	}
}

func TestForgedServerFrameIsToldOnce(t *testing.T) {
	trailer := []byte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFG")
	info := opusInfo
	info.SIFTrailer = trailer
	s, _ := record(t, recorder.Config{Duration: 2 * time.Second}, func(room *roomtest.Room, _ func()) {
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
	frames, events, _ := s.read(t)
	if len(frames) != 10 {
		t.Errorf("%d frames, want 10", len(frames))
	}
	if got := find(events, media.EventIntegrity); len(got) != 1 || got[0].Track != 1 {
		t.Errorf("integrity events: %+v", got)
	}
}
