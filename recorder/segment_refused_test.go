package recorder_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
	fixtures "github.com/sealtape/sealtape/testdata/media"
)

// bitString packs "1 010 …" into bytes, filled with zeros.
func bitString(s string) (b []byte) {
	n := 0
	for _, c := range strings.ReplaceAll(s, " ", "") {
		if n%8 == 0 {
			b = append(b, 0)
		}
		b[len(b)-1] |= byte(c-'0') << (7 - n%8)
		n++
	}
	return b
}

// tallSPS is the H.264 parameter set of a picture of 320x131072.
var tallSPS = escaped(append([]byte{0x67, 66, 0xc0, 31}, bitString("1 1 011 010 0 000010100 "+strings.Repeat("0", 13)+"10000000000000 1 1 0 0 1")...))

// tallHEVC is the H.265 parameter set of a picture of 320x131072.
var tallHEVC = escaped(append([]byte{0x42, 1, 1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 0x5d},
	bitString("1 010 00000000101000001 "+strings.Repeat("0", 17)+"100000000000000001 0 1 1 1 1 111 111111 0 0 0 0 1 0 0 0 0 1")...))

// escaped puts emulation prevention into a NAL unit.
func escaped(nal []byte) (b []byte) {
	zeros := 0
	for _, c := range nal {
		if zeros == 2 && c <= 3 {
			b, zeros = append(b, 3), 0
		}
		if b = append(b, c); c == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return b
}

// joined puts start codes before NAL units.
func joined(nals ...[]byte) (b []byte) {
	for _, n := range nals {
		b = append(append(b, 0, 0, 0, 1), n...)
	}
	return b
}

// TestOneTrackCannotEndTheRecording: what one member sends that no file has room
// for is left out and declared, and costs nobody else anything.
func TestOneTrackCannotEndTheRecording(t *testing.T) {
	large := func(n int, head ...byte) []byte { return append(head, bytes.Repeat([]byte{0xab}, n)...) }
	clock := map[media.Codec][][]byte{
		media.H264: fixtures.ClockFrames("h264"), media.H265: fixtures.ClockFrames("h265"),
		media.VP8: fixtures.ClockFrames("vp8"),
	}
	for _, tt := range []struct {
		name   string
		codec  media.Codec
		bad    []byte // sent in the place of frame 20
		reason string // of the hole
		also   func(room *roomtest.Room)
	}{
		{"a picture too tall", media.H264, joined(tallSPS, []byte{0x68, 0xce, 0x38, 0x80}, []byte{0x65, 0x88, 0x84}), media.HoleFormat, nil},
		{"the same in H.265", media.H265, joined([]byte{0x40, 1, 12}, tallHEVC, []byte{0x44, 1, 0xc1}, []byte{0x26, 1, 0xaf}), media.HoleFormat, nil},
		// Nothing of it may be taken as a count of what to make room for.
		{"a parameter set of counts", media.H264, joined(append([]byte{0x67, 66, 0xc0, 31},
			bitString("1 1 010 0 1 1 "+strings.Repeat("0", 31)+"1"+strings.Repeat("1", 31)+" 1")...), []byte{0x68, 0xce}, []byte{0x65, 0x88}), "", nil},
		{"parameter sets too long", media.H264, joined(large(60_000, 0x67, 66, 0xc0, 31), []byte{0x68, 0xce}, []byte{0x41, 0x88}), "", nil},
		{"NAL units that grow", media.H264, joined(append([]byte{0x41}, bytes.Repeat([]byte("\x00\x00\x01\x09"), 2_050_000)...)), media.HoleFormat, nil},
		{"a frame too large to assemble", media.VP8, large(9<<20, 0x31, 2, 0), media.HoleLoss, nil},
		{"a long name, a long line", media.VP8, nil, "", func(room *roomtest.Room) {
			long := strings.Repeat("n", 100_000)
			room.Join(long, long)
			room.Say("eve", strings.Repeat("\x01", 3_000_000))
			info := opusInfo
			info.ID, info.Participant, info.Name, info.Source = "TR_long", long, long, media.Source(long)
			other := room.Publish(info)
			for n := range 50 {
				other.Send(opusPacket(n, opusPayload(n)))
			}
			room.Emit(recorder.RoomEvent{Type: "", Participant: "eve"})
			room.Emit(recorder.RoomEvent{Type: media.EventReconnect, Since: time.Now().Add(-1 << 62)})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const frames = 120
			out, report := record(t, recorder.Config{Duration: 8 * time.Second}, func(room *roomtest.Room, _ func()) {
				sound := room.Publish(opusInfo)
				eve := vp8Info
				eve.Participant, eve.ID = "eve", "TR_eve"
				cam := newCamera(room, eve, tt.codec, nil)
				for n := range frames {
					switch {
					case n == 20 && tt.bad != nil:
						cam.sendLarge(n, tt.bad)
					case n > 60 && tt.bad != nil: // begin anew
						cam.sendLarge(n, clock[tt.codec][n-61])
					default:
						cam.sendLarge(n, clock[tt.codec][n])
					}
					if n == 20 && tt.also != nil {
						tt.also(room)
					}
					sound.Send(opusPacket(2*n, opusPayload(2*n)))
					time.Sleep(20 * time.Millisecond)
					sound.Send(opusPacket(2*n+1, opusPayload(2*n+1)))
					time.Sleep(30 * time.Millisecond)
				}
			})
			out.track("alice", media.Microphone).wantFrames(2 * frames)
			if last := out.track("eve", media.Camera).last(); last < 5900*time.Millisecond {
				t.Errorf("the track did not go on after %v", last)
			}
			var reasons []string
			for _, e := range find(out.events, media.EventHole) {
				if e.Participant == "eve" {
					reasons = append(reasons, e.Reason)
				}
			}
			if got := strings.Join(reasons, " "); tt.reason != "" && !strings.Contains(got, tt.reason) {
				t.Errorf("the track's holes are for %q, want %q", got, tt.reason)
			}
			if report.Tracks < 2 {
				t.Errorf("report %+v", report)
			}
		})
	}
}

// TestLayersTooLargeTogether: each layer of a VP9 picture may come whole, and all
// together not fit.
func TestLayersTooLargeTogether(t *testing.T) {
	layer := func(spatial int, begin, end bool, data []byte) []byte {
		head := byte(0x20) // layer indices
		if begin {
			head |= 8
		}
		if end {
			head |= 4
		}
		if spatial > 0 {
			head |= 0x40
		}
		return append([]byte{head, byte(spatial << 1), 0}, data...)
	}
	key := "\x82\x49\x83\x42\x00\x13\xf0\x0b\x30"
	big := append([]byte(key), make([]byte, 4_500_000)...)
	out, _ := record(t, recorder.Config{Duration: 4 * time.Second}, func(room *roomtest.Room, _ func()) {
		sound := room.Publish(opusInfo)
		info := vp8Info
		info.Codec, info.Participant, info.ID = media.VP9, "eve", "TR_eve"
		cam := room.Publish(info)
		seq := uint16(0)
		send := func(n, spatial int, data []byte, marker bool) {
			for first := true; len(data) > 0; first = false {
				part := data[:min(len(data), 60_000)]
				data = data[len(part):]
				cam.Send(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: uint32(4500 * n), Marker: marker && len(data) == 0},
					Payload: layer(spatial, first, len(data) == 0, part)})
				seq++
			}
		}
		for n := range 40 {
			if n == 20 {
				send(n, 0, big, false)
				send(n, 1, big, true)
			} else {
				send(n, 0, []byte(key+"data"), false)
				send(n, 1, []byte("\x86upper"), true)
			}
			sound.Send(opusPacket(n, opusPayload(n)))
			time.Sleep(50 * time.Millisecond)
		}
	})
	out.track("alice", media.Microphone).wantFrames(40).wantHoles()
	holes := out.track("eve", media.Camera).wantFrames(39).holes
	if len(holes) != 1 || holes[0].reason != media.HoleFormat {
		t.Errorf("holes are [%s]", list(holes))
	}
}

// sendLarge sends a frame in few packets.
func (c *camera) sendLarge(n int, data []byte) {
	payloads := c.pay.Payload(60_000, data)
	if _, ok := c.pay.(*codecs.H264Payloader); ok {
		payloads = fragmentH264(data)
	}
	for i, p := range payloads {
		c.t.Send(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: c.seq, Timestamp: uint32(4500 * n), Marker: i == len(payloads)-1}, Payload: p})
		c.seq++
	}
}

// fragmentH264 makes fragments (FU-A) of NAL units behind start codes of four
// bytes, whatever is in them.
func fragmentH264(data []byte) (out [][]byte) {
	for _, nal := range bytes.Split(data, []byte{0, 0, 0, 1}) {
		if len(nal) < 2 {
			continue
		}
		if len(nal) < 60_000 {
			out = append(out, nal)
			continue
		}
		for from := 1; from < len(nal); from += 50_000 {
			to := min(len(nal), from+50_000)
			head := nal[0] & 0x1f
			if from == 1 {
				head |= 0x80
			}
			if to == len(nal) {
				head |= 0x40
			}
			out = append(out, append([]byte{nal[0]&0xe0 | 28, head}, nal[from:to]...))
		}
	}
	return out
}
