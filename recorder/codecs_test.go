package recorder_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
	"github.com/sealtape/sealtape/recorder/roomtest"
	fixtures "github.com/sealtape/sealtape/testdata/media"
)

// A camera packs frames, 50 ms apart, with pion's packetizers.
type camera struct {
	t     *roomtest.Track
	codec media.Codec
	enc   *frame.Encrypter // nil: not encrypted
	pay   rtp.Payloader
	seq   uint16
}

func newCamera(room *roomtest.Room, info recorder.TrackInfo, codec media.Codec, keys *frame.Keyring) *camera {
	info.Codec, info.Encrypted = codec, keys != nil
	c := &camera{t: room.Publish(info), codec: codec, seq: 0xfff0}
	if keys != nil {
		c.enc = frame.NewEncrypter(codec, keys, 0, 99)
	}
	switch codec {
	case media.VP8:
		c.pay = &codecs.VP8Payloader{EnablePictureID: true}
	case media.VP9:
		c.pay = &codecs.VP9Payloader{FlexibleMode: true}
	case media.H264:
		c.pay = &codecs.H264Payloader{}
	case media.H265:
		c.pay = &codecs.H265Payloader{}
	case media.AV1:
		c.pay = &codecs.AV1Payloader{}
	}
	return c
}

// send sends frame n; of packets that lose names, by number, nothing.
func (c *camera) send(t *testing.T, n int, data []byte, lose ...int) {
	t.Helper()
	ts := uint32(4500 * n)
	if c.enc != nil {
		var err error
		if data, err = c.enc.Encrypt(nil, data, ts); err != nil {
			t.Fatal(err)
		}
	}
	payloads := c.pay.Payload(1100, data)
	for i, p := range payloads {
		if !slices.Contains(lose, i) {
			c.t.Send(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: c.seq, Timestamp: ts, Marker: i == len(payloads)-1}, Payload: p})
		}
		c.seq++
	}
}

// TestEveryCodec records the clock in each codec, loses a packet on the way, and
// finds each frame either kept whole or in a declared hole that a key frame
// ends.
func TestEveryCodec(t *testing.T) {
	keys := ring(t, "correct horse")
	for _, codec := range []media.Codec{media.VP8, media.VP9, media.H264, media.H265, media.AV1} {
		for _, sealed := range []bool{false, true} {
			if sealed && !frame.EncryptionSupported(codec) {
				continue
			}
			t.Run(fmt.Sprintf("%s, encrypted %v", codec, sealed), func(t *testing.T) {
				t.Parallel()
				clock := fixtures.ClockFrames(string(codec))
				c := recorder.Config{Duration: 13 * time.Second}
				var with *frame.Keyring
				if sealed {
					with, c.Keys = keys, recorder.SharedKeys(keys)
				}
				const lost = 50 // two and a half seconds in; the next key frame is at 4 s
				s, _ := record(t, c, func(room *roomtest.Room, _ func()) {
					cam := newCamera(room, vp8Info, codec, with)
					for n, f := range clock {
						if n == lost {
							cam.send(t, n, f, 0)
						} else {
							cam.send(t, n, f)
						}
						time.Sleep(50 * time.Millisecond)
					}
				})
				tr := s.track("alice", media.Camera).wantFrames(len(clock)-30).wantHole(2450*time.Millisecond, 4*time.Second, media.HoleLoss)
				for i, f := range tr.frames {
					n := i
					if n >= lost {
						n += 30
					}
					want := media.Store(codec, bytes.TrimPrefix(bytes.Clone(clock[n]), []byte{0x12, 0}))
					if codec != media.AV1 {
						want = media.Store(codec, bytes.Clone(clock[n]))
					}
					if !bytes.Equal(f.Data, want) || f.Key != (n%40 == 0) || (f.Time-time.Duration(n)*50*time.Millisecond).Abs() > time.Millisecond {
						t.Fatalf("frame %d at %v, key %v, is % x, want % x", n, f.Time, f.Key, f.Data[:12], want[:12])
					}
				}
				if s.wantTracks(1); tr.Codec != codec || tr.Width != 320 || tr.Height != 180 || media.NeedsPrivate(codec) != (tr.Private != "") {
					t.Errorf("the track is %+v", tr.Track)
				}
			})
		}
	}
}

// TestSpatialLayersAreOnePicture: layers are encrypted one by one and kept as one
// frame; a picture that misses a layer is missing.
func TestSpatialLayersAreOnePicture(t *testing.T) {
	keys := ring(t, "correct horse")
	s, _ := record(t, recorder.Config{Duration: 3 * time.Second, Keys: recorder.SharedKeys(keys)}, func(room *roomtest.Room, _ func()) {
		info := encrypted(vp8Info)
		info.Codec = media.VP9
		tr := room.Publish(info)
		enc := frame.NewEncrypter(media.VP9, keys, 0, 5)
		seq := uint16(0)
		for n := range 30 {
			layers := 3
			if n >= 5 && n < 10 {
				layers = 1 // the server leaves layers out, and moves the marker
			}
			for l := range layers {
				data := vp9Layer(n, l, n%10 == 0)
				sealed, err := enc.Encrypt(nil, data, uint32(n*4500))
				if err != nil {
					t.Fatal(err)
				}
				head := []byte{0xac, byte(n), byte(l << 1), byte(n)} // I, L, B and E
				if n%10 > 0 {
					head[0] |= 0x40 // P
				}
				p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: uint32(n * 4500), Marker: l == layers-1},
					Payload: append(head, sealed...)}
				seq++
				switch {
				case n == 10 && l == 1:
					continue // a key picture misses a layer
				case n == 20 && l == 1:
					p.Payload[10] ^= 1 // another does not open
				}
				tr.Send(p)
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	tr := s.track("alice", media.Camera).wantFrames(10) // those before the one that misses a layer
	for n, f := range tr.frames {
		want := [][]byte{vp9Layer(n, 0, n%10 == 0), vp9Layer(n, 1, n%10 == 0), vp9Layer(n, 2, n%10 == 0)}
		if n >= 5 && n < 10 {
			want = want[:1]
		}
		if !bytes.Equal(f.Data, new(media.VP9Joiner).Join(want)) || f.Key != (n%10 == 0) {
			t.Errorf("picture %d, key %v, is % x", n, f.Key, f.Data)
		}
	}
	if hole := s.want(media.EventHole, 1)[0]; hole.Reason != media.HoleLoss {
		t.Errorf("hole %+v", hole)
	}
	if tr.Width != 1280 || tr.Height != 720 {
		t.Errorf("the track is %dx%d, want what the top layer says", tr.Width, tr.Height)
	}
}

// vp9Layer is the beginning of a frame (VP9 bitstream specification, section 6.2)
// and some bytes. The upper layers of a key picture are no key frames, but say
// their size.
func vp9Layer(n, layer int, key bool) []byte {
	if key && layer == 0 {
		// frame_marker, profile 0, key, shown, sync code, color, 319 and 179.
		return []byte{0x82, 0x49, 0x83, 0x42, 0x00, 0x13, 0xf0, 0x0b, 0x30, byte(n)}
	}
	b := []byte{0x86, 0x00, 0x40, 0x92, 0x9c, byte(n), byte(layer), 7}
	if key {
		// No context is reset, nothing refreshed, three references named and
		// the size of none taken: 25 bits. Then its own.
		size := uint64(320<<layer-1)<<16 | uint64(180<<layer-1)
		b = append([]byte{0x86, 0, 0, 0}, binary.BigEndian.AppendUint64(nil, size<<7)[3:]...)
		b = append(b, byte(n))
	}
	return b
}

// TestOneTrackThroughChanges: layer switches, rotation and publishing again
// change the size of a track and nothing else; another codec of the same source
// is another track.
func TestOneTrackThroughChanges(t *testing.T) {
	s, _ := record(t, recorder.Config{Duration: 10 * time.Second, Segment: time.Second}, func(room *roomtest.Room, _ func()) {
		cam := newCamera(room, vp8Info, media.VP8, nil)
		n := 0
		for i, size := range [][2]int{{640, 360}, {320, 180}, {180, 320}, {640, 360}, {640, 360}, {320, 180}} {
			if i >= 4 { // published again, as large and smaller
				cam.t.End()
				time.Sleep(50 * time.Millisecond)
				again := vp8Info
				again.ID = fmt.Sprint("TR_", i)
				cam, n = newCamera(room, again, media.VP8, nil), 0
			}
			for i := range 20 {
				f := vp8Frame(n, i == 0)
				if i == 0 {
					f[6], f[7], f[8], f[9] = byte(size[0]), byte(size[0]>>8), byte(size[1]), byte(size[1]>>8)
				}
				cam.send(t, n, f)
				n++
				time.Sleep(50 * time.Millisecond)
			}
		}
		cam.t.End()
		time.Sleep(50 * time.Millisecond)
		again := vp8Info
		again.ID = "TR_again"
		cam = newCamera(room, again, media.H264, nil)
		for n, f := range fixtures.ClockFrames("h264")[:60] {
			cam.send(t, n, f)
			time.Sleep(50 * time.Millisecond)
		}
	})
	s.wantTracks(2)
	count := map[uint64]int{}
	for _, f := range s.frames {
		count[f.Track]++
	}
	if count[1] != 120 || count[2] != 60 {
		t.Errorf("%v frames", count)
	}
	for uid, codec := range map[uint64]media.Codec{1: media.VP8, 2: media.H264} {
		if tr := s.tracks[uid]; tr.Codec != codec || tr.Participant != "alice" || tr.Source != media.Camera {
			t.Errorf("track %d is %+v", uid, tr)
		}
	}
	var sizes []string
	for _, e := range s.find(media.EventSize) {
		sizes = append(sizes, fmt.Sprintf("%v %d %s", e.Time.Round(time.Millisecond), e.Track, e.Text))
	}
	if want := []string{"0s 1 640x360", "1s 1 320x180", "2s 1 180x320", "3s 1 640x360", "5.1s 1 320x180", "6.15s 2 320x180"}; !slices.Equal(sizes, want) {
		t.Errorf("sizes change at %q, want %q", sizes, want)
	}
	s.want(media.EventHole, 0)
}

// TestNewParameterSets: parameter sets that change are in the frames at once and
// in the header of the next segment.
func TestNewParameterSets(t *testing.T) {
	clock := fixtures.ClockFrames("h264")
	s, _ := record(t, recorder.Config{Duration: 6 * time.Second, Segment: time.Second}, func(room *roomtest.Room, _ func()) {
		cam := newCamera(room, vp8Info, media.H264, nil)
		for n, f := range clock[:80] {
			if n == 40 { // another constraint flag
				f = bytes.Replace(f, []byte{0x67, 0x42, 0xc0}, []byte{0x67, 0x42, 0x80}, 1)
			}
			cam.send(t, n, f)
			time.Sleep(50 * time.Millisecond)
		}
	})
	var seen []byte // constraint flags, by segment
	for _, b := range s.segments {
		for _, tr := range headerOf(t, b).Tracks {
			seen = append(seen, tr.Private[2])
		}
	}
	if len(seen) < 4 || seen[0] != 0xc0 || seen[len(seen)-1] != 0x80 || !slices.IsSortedFunc(seen, func(a, b byte) int { return int(b) - int(a) }) {
		t.Errorf("headers say % x", seen)
	}
}

// TestOpus: packets of every length, pauses of a sender that is silent (DTX), one
// channel and two.
func TestOpus(t *testing.T) {
	tocs := []struct {
		toc  byte
		more []byte
		d    time.Duration
	}{
		{0xf8, []byte{1, 2}, 20 * time.Millisecond},       // CELT, 20 ms
		{0x08, []byte{1}, 20 * time.Millisecond},          // SILK, 20 ms
		{0x18, []byte{1, 2, 3}, 60 * time.Millisecond},    // SILK, 60 ms
		{0x10, []byte{3}, 40 * time.Millisecond},          // SILK, 40 ms
		{0xf0, []byte{4}, 10 * time.Millisecond},          // CELT, 10 ms
		{0xf9, []byte{4, 4}, 40 * time.Millisecond},       // two of 20 ms
		{0xfb, []byte{0x03, 4, 4}, 60 * time.Millisecond}, // three of 20 ms
		{0x08, nil, 20 * time.Millisecond},                // DTX
	}
	var want []time.Duration
	s, _ := record(t, recorder.Config{Duration: 12 * time.Second, Segment: 2 * time.Second}, func(room *roomtest.Room, _ func()) {
		tr := room.Publish(opusInfo)
		var at time.Duration
		for n := range 200 {
			p := tocs[n%len(tocs)]
			toc := p.toc
			if n >= 100 {
				toc |= 0x04 // stereo
			}
			pk := opusPacket(n, append([]byte{toc}, p.more...))
			pk.Timestamp = uint32(at * 48 / time.Millisecond)
			tr.Send(pk)
			want = append(want, at)
			next := p.d
			if p.more == nil {
				next = 400 * time.Millisecond // of silence; the numbers go on
			}
			if at+next > 11*time.Second {
				break
			}
			at += next
			time.Sleep(next)
		}
	})
	s.wantNoHoles()
	tr := s.track("alice", media.Microphone).wantFrames(len(want))
	for n, f := range tr.frames[:min(len(tr.frames), len(want))] {
		if (f.Time-want[n]).Abs() > time.Millisecond || f.Duration != tocs[n%len(tocs)].d {
			t.Fatalf("frame %d at %v for %v, want %v for %v", n, f.Time, f.Duration, want[n], tocs[n%len(tocs)].d)
		}
	}
	if len(want) < 120 {
		t.Fatalf("only %d packets", len(want))
	}
	var channels []int
	for _, b := range s.segments {
		for _, tr := range headerOf(t, b).Tracks {
			channels = append(channels, tr.Channels)
		}
	}
	if channels[0] != 1 || channels[len(channels)-1] != 2 || tr.Channels != 2 || !slices.IsSorted(channels) {
		t.Errorf("segments say %v channels", channels)
	}
}

// TestRedundantAudio: a sender repeats each frame in the next packet, and every
// third packet is lost.
func TestRedundantAudio(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		info := opusInfo
		info.RED, info.Encrypted = true, sealed
		c := recorder.Config{Duration: 4 * time.Second}
		if sealed {
			c.Keys = recorder.SharedKeys(ring(t, "correct horse"))
		}
		s, _ := record(t, c, func(room *roomtest.Room, _ func()) {
			tr := room.Publish(info)
			for n := range 100 {
				own := append([]byte{111}, opusPayload(n)...)
				if n > 0 {
					before := opusPayload(n - 1)
					own = append([]byte{0x80 | 111, 960 >> 6, 960 << 2 & 0xff, byte(len(before)), 111}, append(before, opusPayload(n)...)...)
				}
				if n%3 != 1 {
					tr.Send(opusPacket(n, own))
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
		if sealed {
			if holes := s.find(media.EventHole); len(s.frames) != 0 || len(holes) == 0 || holes[0].Reason != media.HoleCodec {
				t.Errorf("%d frames of encrypted redundant audio, holes %v", len(s.frames), holes)
			}
			continue
		}
		for n, f := range s.track("alice", media.Microphone).wantFrames(100).wantHoles().frames {
			if !bytes.Equal(f.Data, opusPayload(n)) || (f.Time-time.Duration(n)*20*time.Millisecond).Abs() > time.Millisecond {
				t.Errorf("frame %d at %v is % x", n, f.Time, f.Data)
			}
		}
	}
}

func headerOf(t *testing.T, segment []byte) matroska.Header {
	t.Helper()
	r, err := matroska.NewReader(bytes.NewReader(segment))
	if err != nil {
		t.Fatal(err)
	}
	return r.Header()
}

// TestKeyFramesAreNeverFarApart: of a sender that makes key frames only when
// asked, one is asked for every ten seconds, or a little earlier where a segment
// ends; one that makes them by itself is left alone.
func TestKeyFramesAreNeverFarApart(t *testing.T) {
	for _, tt := range []struct {
		name  string
		every int           // frames between the sender's own key frames, 0: none but the first
		limit time.Duration // Config.KeyFrames
		asked int
		keys  []time.Duration // of the recording, in whole seconds
	}{
		{name: "when asked", asked: 3, keys: []time.Duration{0, 10 * time.Second, 19 * time.Second}},
		{name: "by itself", every: 160, asked: 1, keys: []time.Duration{0, 8 * time.Second, 16 * time.Second, 24 * time.Second}},
		{name: "never", limit: recorder.Never, asked: 1, keys: []time.Duration{0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clock := fixtures.ClockFrames("vp8")
			asked := 0
			s, _ := record(t, recorder.Config{Duration: 26 * time.Second, KeyFrames: tt.limit}, func(room *roomtest.Room, _ func()) {
				cam := newCamera(room, vp8Info, media.VP8, nil)
				for n := range 500 {
					data := clock[1] // a frame that needs the one before
					select {
					case <-cam.t.KeyFrameRequested():
						asked++
						data = clock[0]
					default:
					}
					if n == 0 || tt.every > 0 && n%tt.every == 0 {
						data = clock[0]
					}
					cam.send(t, n, data)
					time.Sleep(50 * time.Millisecond)
				}
			})
			var keys []time.Duration
			for _, f := range s.track("alice", media.Camera).wantFrames(500).frames {
				if f.Key {
					keys = append(keys, f.Time.Truncate(time.Second))
				}
			}
			keys = slices.Compact(keys)
			if asked != tt.asked || !slices.Equal(keys, tt.keys) {
				t.Errorf("asked %d times, key frames at %v, want %d, %v", asked, keys, tt.asked, tt.keys)
			}
		})
	}
}
