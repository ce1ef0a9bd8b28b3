package frame

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
)

// Frames of real encoders go through pion's packetizers, which are not ours, and
// have to come back.

var videoCodecs = []media.Codec{media.VP8, media.VP9, media.H264, media.H265, media.AV1}

// payloader returns pion's packetizer.
func payloader(c media.Codec) rtp.Payloader {
	switch c {
	case media.VP8:
		return &codecs.VP8Payloader{EnablePictureID: true}
	case media.VP9:
		return &codecs.VP9Payloader{FlexibleMode: true, InitialPictureIDFn: func() uint16 { return 0x7ffe }}
	case media.H264:
		return &codecs.H264Payloader{}
	case media.H265:
		return &codecs.H265Payloader{}
	case media.AV1:
		return &codecs.AV1Payloader{}
	}
	panic(c)
}

// received is what a receiver has of a frame: start codes of four bytes, no
// temporal delimiter (which libaom puts first).
func received(c media.Codec, frame []byte) []byte {
	switch c {
	case media.H264, media.H265:
		return fourByteCodes(frame)
	case media.AV1:
		return bytes.TrimPrefix(frame, []byte{0x12, 0})
	}
	return frame
}

// packets cuts frame i of a track.
func cutFrame(p rtp.Payloader, seq *uint16, i int, frame []byte) (out []*rtp.Packet) {
	payloads := p.Payload(400, frame)
	for n, payload := range payloads {
		out = append(out, &rtp.Packet{Header: rtp.Header{
			Version: 2, SequenceNumber: *seq, Timestamp: uint32(i) * 4500, Marker: n == len(payloads)-1,
		}, Payload: payload})
		*seq++
	}
	return out
}

func TestCodecs(t *testing.T) {
	for _, codec := range videoCodecs {
		for _, encrypted := range []bool{false, true} {
			for _, loss := range []int{0, 3} {
				if encrypted && !EncryptionSupported(codec) {
					continue
				}
				t.Run(fmt.Sprintf("%s, encrypted %v, loss %d%%", codec, encrypted, loss), func(t *testing.T) {
					testCodec(t, codec, encrypted, loss)
				})
			}
		}
	}
}

func testCodec(t *testing.T, codec media.Codec, encrypted bool, loss int) {
	rng := rand.New(rand.NewPCG(1, uint64(loss)))
	frames := fixtures.ClockFrames(string(codec))
	keys := ring(t, "k", KeyOptions{})
	enc, dec := NewEncrypter(codec, keys, 0, 7), NewDecrypter(codec, keys)
	p := payloader(codec)
	seq := uint16(0xff00)
	var sent []*rtp.Packet
	hit := make(map[int]bool) // frames that lost a packet
	for i, f := range frames {
		if encrypted {
			sealed, err := enc.Encrypt(nil, f, uint32(i)*4500)
			if err != nil {
				t.Fatal(err)
			}
			f = sealed
		}
		for _, packet := range cutFrame(p, &seq, i, f) {
			if rng.IntN(100) < loss && i > 0 {
				hit[i] = true
				continue
			}
			sent = append(sent, packet)
			if rng.IntN(20) == 0 {
				sent = append(sent, packet.Clone())
			}
		}
	}
	for i := 3; i < len(sent); i++ { // out of order
		if j := i - rng.IntN(3); rng.IntN(4) == 0 && j > 1 {
			sent[i], sent[j] = sent[j], sent[i]
		}
	}
	a := NewAssembler(AssemblerConfig{Codec: codec})
	got := make(map[int]bool)
	next := int64(-1)
	take := func(u Unit) {
		if next >= 0 && u.FirstSeq != next {
			t.Fatalf("unit from %d, the one before ended at %d", u.FirstSeq, next-1)
		}
		next = u.LastSeq + 1
		if u.Kind != UnitFrame {
			return
		}
		i := int(u.Timestamp) / 4500
		data := u.Data
		if encrypted {
			plain, err := dec.Decrypt(nil, data)
			if err != nil {
				t.Fatalf("frame %d: %v", i, err)
			}
			data = plain
		}
		if want := received(codec, frames[i]); !bytes.Equal(data, want) {
			t.Fatalf("frame %d is\n% x, want\n% x", i, data[:min(40, len(data))], want[:min(40, len(want))])
		}
		if hit[i] || got[i] || !u.Marker {
			t.Fatalf("frame %d: it misses something %v, came before %v, marker %v", i, hit[i], got[i], u.Marker)
		}
		// pion's VP9 descriptor does not say in flexible mode.
		if key := i%40 == 0; u.Key != key && codec != media.VP9 {
			t.Errorf("frame %d is a key frame: %v", i, u.Key)
		}
		if stored := media.Describe(codec, media.Store(codec, data)); stored.Key != (i%40 == 0) {
			t.Errorf("frame %d is kept as a key frame: %v", i, stored.Key)
		}
		got[i] = true
	}
	now := epoch
	for _, packet := range sent {
		now = now.Add(10 * time.Millisecond)
		a.Push(packet, now)
		for u, ok := a.Pop(now); ok; u, ok = a.Pop(now) {
			take(u)
		}
	}
	a.Flush()
	for u, ok := a.Pop(now); ok; u, ok = a.Pop(now) {
		take(u)
	}
	if loss > 0 && len(hit) < 5 {
		t.Fatalf("only %d frames lost something", len(hit))
	}
	for i := range frames {
		// Where only ends are marked, the frame behind a lost end may go too,
		// unless it begins as only a key frame does.
		if !got[i] && !hit[i] && (!hit[i-1] || codec == media.VP8 || codec == media.VP9 || i%40 == 0) {
			t.Errorf("frame %d did not come back", i)
		}
	}
}

// TestHeaderVariants: publishers authenticate the start codes that their encoder
// wrote, RTP drops them.
func TestHeaderVariants(t *testing.T) {
	nal := func(code, body string) string { return code + body }
	const three, four = "\x00\x00\x01", "\x00\x00\x00\x01"
	keys := ring(t, "k", KeyOptions{})
	for _, tt := range []struct {
		name  string
		codes [3]string
	}{
		{"all four", [3]string{four, four, four}},
		{"all three", [3]string{three, three, three}},
		{"x264", [3]string{four, four, three}},
		{"first four", [3]string{four, three, three}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := nal(tt.codes[0], "\x67\x42\xc0\x1f\xd9") + nal(tt.codes[1], "\x68\xce\x3c") + nal(tt.codes[2], "\x65\x88")
			body := []byte("\x00\x00\x01 a second slice \x00\x00\x00 and more")
			sealed := sealAs(keys, []byte(header), []byte(header), body)
			got, err := NewDecrypter(media.H264, keys).Decrypt(nil, fourByteCodes(sealed))
			if want := string(fourByteCodes([]byte(header))) + string(body); err != nil || string(got) != want {
				t.Errorf("opens to %q, %v", got, err)
			}
		})
	}
	t.Run("forged", func(t *testing.T) {
		header := []byte(nal(four, "\x67\x42") + nal(four, "\x68\xce") + nal(four, "\x65\x88"))
		other := bytes.Replace(header, []byte{0x42}, []byte{0x43}, 1)
		if got, err := NewDecrypter(media.H264, keys).Decrypt(nil, sealAs(keys, other, header, []byte("slice"))); !errors.Is(err, ErrAuth) {
			t.Errorf("opens to %q, %v", got, err)
		}
	})
	t.Run("no slice", func(t *testing.T) {
		if _, err := NewDecrypter(media.H264, keys).Decrypt(nil, []byte("\x00\x00\x00\x01\x67\x42 and nothing that is a slice, so in the clear")); !errors.Is(err, ErrShort) {
			t.Errorf("a frame in the clear: %v", err)
		}
	})
}

// sealAs seals body with the additional data aad behind header.
func sealAs(k *Keyring, header, aad, body []byte) []byte {
	iv := []byte{0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3}
	sealed := k.load(0).current.aead.Seal(nil, iv, body, aad)
	sealed = append(append(sealed, iv...), ivSize, 0)
	return escape(bytes.Clone(header), sealed)
}

func TestEscape(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""}, {"\x00\x00", "\x00\x00"}, {"\x00\x00\x00", "\x00\x00\x03\x00"},
		{"\x00\x00\x01", "\x00\x00\x03\x01"}, {"\x00\x00\x03", "\x00\x00\x03\x03"}, {"\x00\x00\x04", "\x00\x00\x04"},
		{"\x00\x00\x00\x00\x00", "\x00\x00\x03\x00\x00\x03\x00"}, {"a\x00\x00\x02\x00\x00\x01b", "a\x00\x00\x03\x02\x00\x00\x03\x01b"},
	} {
		if got := string(escape(nil, []byte(tt.in))); got != tt.want {
			t.Errorf("%q is escaped as %q, want %q", tt.in, got, tt.want)
		}
		if got := string(unescape(nil, []byte(tt.want))); got != tt.in {
			t.Errorf("%q is unescaped as %q", tt.want, got)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		b := make([]byte, rng.IntN(40))
		for i := range b {
			b[i] = byte(rng.IntN(5))
		}
		e := escape(nil, b)
		if bytes.Contains(e, startCode[1:]) || bytes.Contains(e, []byte{0, 0, 0}) || !bytes.Equal(unescape(nil, e), b) {
			t.Fatalf("% x is escaped as % x", b, e)
		}
	}
}

// TestSpatialLayers: the layers of a VP9 picture are frames of their own, each
// encrypted by itself, and the marker is on the last.
func TestSpatialLayers(t *testing.T) {
	keys := ring(t, "k", KeyOptions{})
	enc, dec := NewEncrypter(media.VP9, keys, 0, 7), NewDecrypter(media.VP9, keys)
	a := NewAssembler(AssemblerConfig{Codec: media.VP9})
	seq := uint16(10)
	var units []Unit
	push := func(ts uint32, marker bool, payload string) {
		a.Push(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: ts, Marker: marker}, Payload: []byte(payload)}, epoch)
		seq++
	}
	drain := func() {
		for u, ok := a.Pop(epoch); ok; u, ok = a.Pop(epoch) {
			units = append(units, u)
		}
	}
	layer := func(text string, ts uint32) string {
		sealed, err := enc.Encrypt(nil, []byte(text), ts)
		if err != nil {
			t.Fatal(err)
		}
		return string(sealed)
	}
	// A key picture of three layers with a scalability structure, in two
	// packets each; not flexible: I, L, B, V.
	const structure = "\x58\x00\xa0\x00\x5a\x01\x40\x00\xb4\x02\x80\x01\x68\x01\x04\x01"
	for spatial, text := range []string{"base", "middle", "top"} {
		data := layer(text, 100)
		head := byte(0xa8) // I L B
		index := byte(spatial << 1)
		if spatial > 0 {
			index |= 1 // D
		}
		first := []byte{head, 0x81, 0x02, index, 5}
		if spatial == 0 {
			first[0] |= 0x02 // V
			first = append(first, structure...)
		}
		push(100, false, string(first)+data[:20])
		push(100, spatial == 2, string([]byte{0xa4, 0x81, 0x02, index, 5})+data[20:])
	}
	// A predicted one, flexible, of which the server passes one layer on.
	push(200, true, "\xfc\x81\x03\x02\x03\x04"+layer("predicted", 200))
	drain()
	var got []string
	for _, u := range units {
		data, err := dec.Decrypt(nil, u.Data)
		if err != nil {
			t.Fatalf("%v at %d: %v", u.Kind, u.Timestamp, err)
		}
		got = append(got, fmt.Sprintf("%d %s key %v marker %v", u.Timestamp, data, u.Key, u.Marker))
	}
	want := []string{"100 base key true marker false", "100 middle key false marker false", "100 top key false marker true",
		"200 predicted key false marker true"}
	if !slices.Equal(got, want) {
		t.Errorf("layers are %q, want %q", got, want)
	}
}

// TestInjectedH264: the server's own picture is one STAP-A with the trailer
// behind its last entry, which no depacketizer takes.
func TestInjectedH264(t *testing.T) {
	const trailer = "TrAiLeR"
	a := NewAssembler(AssemblerConfig{Codec: media.H264, SIFTrailer: []byte(trailer)})
	for i, payload := range []string{string(h264Blank) + trailer, string(h264Blank[:40]) + trailer} {
		a.Push(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(i), Marker: true}, Payload: []byte(payload)}, epoch)
		if u, ok := a.Pop(epoch); !ok || u.Kind != UnitSIF || u.Known != (i == 0) {
			t.Errorf("frame %d is %+v, %v", i, u, ok)
		}
	}
}

// TestMalformedPayloads: what does not follow the payload format is a hole, and
// the next frame is not.
func TestMalformedPayloads(t *testing.T) {
	good := map[media.Codec]string{
		media.H264: "\x65\x88\x80", media.H265: "\x26\x01\xaf", media.AV1: "\x10\x32\x10\x00",
		media.VP9: "\x8c\x01\x82\x49\x83\x42",
	}
	for _, tt := range []struct {
		name    string
		codec   media.Codec
		packets []string // of one frame
	}{
		{"empty NAL unit", media.H264, []string{"\x65"}},
		{"STAP-A cut", media.H264, []string{"\x18\x00\x05\x67\x42"}},
		{"STAP-A with half a length", media.H264, []string{"\x18\x00\x02\x67\x42\x00"}},
		{"STAP-A with nothing", media.H264, []string{"\x18\x00\x00\x00\x00"}},
		{"FU-A without an end", media.H264, []string{"\x7c\x85\x88", "\x7c\x05\x80"}},
		{"FU-A without a start", media.H264, []string{"\x67\x42\x00", "\x7c\x45\x88"}},
		{"FU-A in FU-A", media.H264, []string{"\x7c\x85\x88", "\x7c\x85\x88"}},
		{"NAL unit in FU-A", media.H264, []string{"\x7c\x85\x88", "\x65\x88\x80"}},
		{"FU-A of nothing", media.H264, []string{"\x7c\x85"}},
		{"STAP-B", media.H264, []string{"\x19\x00\x01\x00\x02\x67\x42"}},
		{"half a header", media.H265, []string{"\x26\x01"}},
		{"FU without an end", media.H265, []string{"\x62\x01\x93\xaf", "\x62\x01\x13\xaf"}},
		{"AP cut", media.H265, []string{"\x60\x01\x00\x09\x40\x01"}},
		{"PACI", media.H265, []string{"\x64\x01\x00\x09\x40\x01"}},
		{"header alone", media.AV1, []string{"\x10"}},
		{"length beyond the packet", media.AV1, []string{"\x00\x09\x32\x10"}},
		{"fragment without an end", media.AV1, []string{"\x50\x32\x10", "\xd0\x10"}},
		{"end without a fragment", media.AV1, []string{"\x10\x32\x10", "\x90\x10"}},
		{"fragment that does not go on", media.AV1, []string{"\x50\x32\x10", "\x10\x32\x10"}},
		{"forbidden bit", media.AV1, []string{"\x10\xb2\x10"}},
		{"only a delimiter", media.AV1, []string{"\x10\x12\x00"}},
		{"no payload", media.VP9, []string{"\x8c\x01"}},
		{"descriptor cut", media.VP9, []string{"\xae\x81"}},
		{"four references", media.VP9, []string{"\xd8\x01\x03\x03\x03\x03\x02\x02"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := NewAssembler(AssemblerConfig{Codec: tt.codec})
			a.afterEnd = true
			seq := uint16(0)
			for i, p := range append(tt.packets, good[tt.codec]) {
				a.Push(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: uint32(i / len(tt.packets)),
					Marker: i >= len(tt.packets)-1}, Payload: []byte(p)}, epoch)
				seq++
			}
			var kinds []UnitKind
			for u, ok := a.Pop(epoch); ok; u, ok = a.Pop(epoch) {
				if len(kinds) == 0 || kinds[len(kinds)-1] != u.Kind {
					kinds = append(kinds, u.Kind)
				}
			}
			if !slices.Equal(kinds, []UnitKind{UnitLost, UnitFrame}) || a.Stats().Frames != 1 {
				t.Errorf("units are %v, %+v", kinds, a.Stats())
			}
		})
	}
}

// FuzzPayloads feeds arbitrary payloads of each codec, cut by lengths that the
// input holds, and looks whether every packet is in exactly one unit, memory is
// bounded and frames of AV1 and of NAL units are well formed.
func FuzzPayloads(f *testing.F) {
	f.Add(byte(2), []byte("\x03\x05\x65\x88\x80"))
	f.Fuzz(func(t *testing.T, which byte, program []byte) {
		codec := videoCodecs[int(which)%len(videoCodecs)]
		a := NewAssembler(AssemblerConfig{Codec: codec})
		next, ts, seq := int64(0), uint32(0), uint16(0)
		now := epoch
		take := func() {
			for u, ok := a.Pop(now); ok; u, ok = a.Pop(now) {
				if u.FirstSeq != next || u.LastSeq < u.FirstSeq {
					t.Fatalf("unit %+v, expected from %d", u, next)
				}
				next = u.LastSeq + 1
				if u.Kind != UnitFrame {
					continue
				}
				if len(u.Data) == 0 {
					t.Fatal("empty frame")
				}
				if (codec == media.H264 || codec == media.H265) && !bytes.HasPrefix(u.Data, startCode) {
					t.Fatalf("% x begins without a start code", u.Data)
				}
				media.Describe(codec, media.Store(codec, u.Data))
			}
		}
		for n := 0; len(program) >= 2 && n < 2000; n++ {
			op, size := program[0], min(int(program[1]), len(program)-2)
			if op&0x80 != 0 {
				ts += 3000
			}
			if op&0x40 != 0 {
				seq++ // a hole
			}
			payload := bytes.Clone(program[2 : 2+size])
			program = program[2+size:]
			p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: ts, Marker: op&1 != 0}, Payload: payload}
			if n == 0 {
				next = int64(seq)
			}
			if len(payload) == 0 {
				p.Payload = []byte{0} // padding is the reorderer's
			}
			seq++
			if now = now.Add(time.Millisecond); op&0x20 != 0 {
				now = now.Add(2 * time.Second) // no hole is waited for
			}
			a.Push(p, now)
			take()
			if a.frame.size > maxFrameSize || len(a.frame.pieces) > maxFramePieces {
				t.Fatalf("%d bytes in %d pieces", a.frame.size, len(a.frame.pieces))
			}
		}
		a.Flush()
		take()
		if a.window.started && next != a.window.high+1 {
			t.Fatalf("units end at %d, packets at %d", next, a.window.high)
		}
	})
}
