package frame

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/sealtape/sealtape/recorder/media"
)

// The fuzz targets run over committed corpora in ordinary tests; a target
// without one would test next to nothing.
func TestFuzzCorpora(t *testing.T) {
	for _, name := range []string{"FuzzAssembler", "FuzzVP8Descriptor", "FuzzDecrypt", "FuzzStripTrailer", "FuzzPayloads", "FuzzEscaped", "FuzzRED"} {
		files, err := filepath.Glob(filepath.Join("testdata", "fuzz", name, "*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) < 5 {
			t.Errorf("%s has %d inputs in its corpus", name, len(files))
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(data, []byte("go test fuzz v1\n")) {
				t.Errorf("%s is no fuzz input", file)
			}
		}
	}
}

// FuzzAssembler reads a program of six bytes a packet: what it is, the step of
// the sequence number (two bytes), the step of the timestamp, the step of time,
// the first payload byte. Each payload carries the number of its packet, so
// that every emitted byte can be traced back.
func FuzzAssembler(f *testing.F) {
	f.Add([]byte("seed"), true, uint16(4))
	f.Fuzz(func(t *testing.T, program []byte, video bool, maxPackets uint16) {
		codec := media.Opus
		if video {
			codec = media.VP8
		}
		a := NewAssembler(AssemblerConfig{Codec: codec, MaxPackets: int(maxPackets), SIFTrailer: []byte("TR")})
		var pushed []*rtp.Packet
		padding := make(map[uint16]bool)
		var next int64
		started := false
		check := func(u Unit) {
			if started && u.FirstSeq < next || u.LastSeq < u.FirstSeq || u.Arrival.Before(epoch) {
				t.Fatalf("unit %+v after %d", u, next)
			}
			if u.Kind == UnitLost && u.Lost < 0 {
				t.Fatalf("%d lost", u.Lost)
			}
			started, next = true, u.LastSeq+1
			if u.Kind != UnitFrame {
				if u.Data != nil {
					t.Fatalf("%v with data", u.Kind)
				}
				return
			}
			// The data is whole packets, in order, without a hole.
			seq := uint16(u.FirstSeq)
			data := u.Data
			for first := true; len(data) > 0; first = false {
				if len(data) < 4 || int(binary.BigEndian.Uint32(data)) >= len(pushed) {
					t.Fatalf("frame of % x", u.Data)
				}
				p := pushed[binary.BigEndian.Uint32(data)]
				body := p.Payload
				if video {
					d, n, err := parseVP8Descriptor(body)
					if err != nil || first != (d.start && d.partition == 0) {
						t.Fatalf("frame has a packet % x, first: %v (%v)", body, first, err)
					}
					body = body[n:]
				}
				if !bytes.HasPrefix(data, body) || p.Timestamp != uint32(u.Timestamp) {
					t.Fatalf("packet % x at %d in a frame of % x at %d", body, p.Timestamp, u.Data, u.Timestamp)
				}
				for ; seq != p.SequenceNumber; seq++ {
					if first || !padding[seq] {
						t.Fatalf("hole at %d before %d", seq, p.SequenceNumber)
					}
				}
				seq++
				data = data[len(body):]
				if video && (len(data) == 0) != p.Marker {
					t.Fatalf("marker %v with %d bytes to come", p.Marker, len(data))
				}
			}
			if seq != uint16(u.LastSeq+1) {
				t.Fatalf("frame ends at %d, unit at %d", seq, u.LastSeq)
			}
		}
		seq, ts, at := uint16(0xfff0), uint32(0xfffffff0), epoch
		for ; len(program) >= 6 && len(pushed) < 4000; program = program[6:] {
			op := program[0]
			seq += binary.BigEndian.Uint16(program[1:])
			ts += uint32(int8(program[3]))
			at = at.Add(time.Duration(program[4]) * 4 * time.Millisecond)
			p := &rtp.Packet{}
			p.SequenceNumber, p.Timestamp, p.Marker = seq, ts, op&1 != 0
			if op&2 == 0 {
				if video {
					p.Payload = []byte{program[5], op, op, 1, 2, 3, 4}
					_, n, _ := parseVP8Descriptor(p.Payload)
					p.Payload = p.Payload[:n]
				}
				p.Payload = binary.BigEndian.AppendUint32(p.Payload, uint32(len(pushed)))
				if op&4 != 0 {
					p.Payload = append(p.Payload, "TR"...)
				}
			} else {
				padding[seq] = true
			}
			pushed = append(pushed, p)
			a.Push(&rtp.Packet{Header: p.Header, Payload: slices.Clone(p.Payload)}, at)
			if op&8 == 0 { // else the caller is lazy
				for u, ok := a.Pop(at); ok; u, ok = a.Pop(at) {
					check(u)
				}
			}
			if op&0xf0 == 0xf0 {
				a.Flush()
			}
			if len(a.out)-a.head > a.maxUnit || a.frame.size > maxFrameSize || len(a.frame.pieces) > maxFramePackets ||
				len(a.window.slots) > 2*maxMaxPackets {
				t.Fatalf("unbounded: %d units, %d bytes, %d pieces", len(a.out)-a.head, a.frame.size, len(a.frame.pieces))
			}
		}
		a.Flush()
		for u, ok := a.Pop(at); ok; u, ok = a.Pop(at) {
			check(u)
		}
		s := a.Stats()
		if s.Packets != uint64(len(pushed)) || s.UnknownSIF != s.SIF {
			t.Fatalf("stats %+v of %d packets", s, len(pushed))
		}
		if a.window.next != a.window.high+1 && len(pushed) > 0 {
			t.Fatalf("window keeps %d to %d after Flush", a.window.next, a.window.high)
		}
	})
}

func FuzzVP8Descriptor(f *testing.F) {
	f.Add([]byte{0x90, 0xe0, 0x81, 0x02, 5, 0x20, 0x10})
	f.Fuzz(func(t *testing.T, payload []byte) {
		d, n, err := parseVP8Descriptor(payload)
		if err != nil {
			if len(payload) > 6 {
				t.Fatalf("no descriptor is longer than 6 bytes, yet % x is refused", payload[:7])
			}
			return
		}
		if n < 1 || n > 6 || n >= len(payload) || d.partition > 7 {
			t.Fatalf("descriptor of %d bytes in % x: %+v", n, payload, d)
		}
		// Nothing behind the descriptor has a say in it.
		short := append(slices.Clone(payload[:n]), 0xff)
		if d2, n2, err := parseVP8Descriptor(short); err != nil || d2 != d || n2 != n {
			t.Fatalf("% x: %+v %d, alone %+v %d %v", payload, d, n, d2, n2, err)
		}
		if _, _, err := parseVP8Descriptor(payload[:n]); err == nil {
			t.Fatalf("% x: accepted without payload", payload[:n])
		}
	})
}

// FuzzDecrypt: bytes from strangers never open, and what was sealed opens to
// what it was unless a byte of it changed.
func FuzzDecrypt(f *testing.F) {
	f.Add([]byte("\x78frame"), uint16(3), byte(1), false)
	k, stranger := ring(f, "k", KeyOptions{}), ring(f, "stranger", KeyOptions{})
	f.Fuzz(func(t *testing.T, frame []byte, at uint16, flip byte, video bool) {
		codec := media.Opus
		if video {
			codec = media.VP8
		}
		d := NewDecrypter(codec, stranger)
		if out, err := d.Decrypt(nil, frame); err == nil || len(out) != 0 {
			t.Fatalf("% x opens to % x (%v)", frame, out, err)
		}
		KeyIndex(frame)
		sealed, err := NewEncrypter(codec, k, 0, 1).Encrypt(nil, frame, 7)
		if err != nil {
			if len(frame) >= 10 {
				t.Fatal(err)
			}
			return
		}
		d = NewDecrypter(codec, k)
		if flip != 0 {
			bad := slices.Clone(sealed)
			bad[int(at)%len(bad)] ^= flip
			if out, err := d.Decrypt(nil, bad); err == nil || len(out) != 0 {
				t.Fatalf("changed frame opens to % x (%v)", out, err)
			}
			if out, err := d.Decrypt(nil, sealed[:int(at)%len(sealed)]); err == nil || len(out) != 0 {
				t.Fatalf("cut frame opens to % x (%v)", out, err)
			}
		}
		if out, err := d.Decrypt(nil, sealed); err != nil || !bytes.Equal(out, frame) {
			t.Fatalf("% x comes back as % x (%v)", frame, out, err)
		}
	})
}

// FuzzEscaped does the same for frames of NAL units.
func FuzzEscaped(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x01\x67\x42\x00\x00\x01\x65\x88\x00\x00\x01frame"), uint16(3), byte(1))
	k, stranger := ring(f, "k", KeyOptions{}), ring(f, "stranger", KeyOptions{})
	f.Fuzz(func(t *testing.T, frame []byte, at uint16, flip byte) {
		for _, codec := range []media.Codec{media.H264, media.H265} {
			if out, err := NewDecrypter(codec, stranger).Decrypt(nil, frame); err == nil || len(out) != 0 {
				t.Fatalf("% x opens to % x (%v)", frame, out, err)
			}
			sealed, err := NewEncrypter(codec, k, 0, 1).Encrypt(nil, frame, 7)
			if err != nil {
				continue
			}
			d := NewDecrypter(codec, k)
			if flip != 0 {
				bad := slices.Clone(sealed)
				bad[int(at)%len(bad)] ^= flip
				if out, err := d.Decrypt(nil, bad); err == nil || len(out) != 0 {
					t.Fatalf("changed frame opens to % x (%v)", out, err)
				}
			}
			h := d.format.header(frame)
			want := append(fourByteCodes(frame[:h]), frame[h:]...)
			if out, err := d.Decrypt(nil, sealed); err != nil || !bytes.Equal(out, want) {
				t.Fatalf("% x comes back as % x (%v)", frame, out, err)
			}
		}
	})
}

func FuzzStripTrailer(f *testing.F) {
	f.Add([]byte("frame"), []byte{1, 8, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, frame, element []byte) {
		got := StripTrailer(frame)
		if !bytes.HasPrefix(frame, got) || len(frame)-len(got) > 255 {
			t.Fatalf("% x becomes % x", frame, got)
		}
		if len(frame)-len(got) != 0 && !bytes.HasSuffix(frame, packetTrailerMagic) {
			t.Fatalf("% x has no trailer, yet becomes % x", frame, got)
		}
		if len(element) >= 2 && len(element) < 250 && int(element[1]) <= len(element)-2 {
			whole := append(slices.Clone(frame), packetTrailer(element...)...)
			if got := StripTrailer(whole); !bytes.Equal(got, frame) {
				t.Fatalf("trailer of % x after % x leaves % x", element, frame, got)
			}
		}
	})
}
