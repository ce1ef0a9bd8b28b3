package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// A fixture is a file of testdata/frames; the README there has its format.
type fixture struct {
	About         string        `json:"about"`
	Codec         media.Codec   `json:"codec"`
	KeySize       int           `json:"keySize,omitempty"`
	RatchetWindow int           `json:"ratchetWindow,omitempty"`
	Keys          []fixtureKey  `json:"keys"`
	SIFTrailer    []byte        `json:"sifTrailer,omitempty"`
	Frames        []fixtureUnit `json:"frames"`
	Packets       []fixtureRTP  `json:"packets,omitempty"`
	SIF           uint64        `json:"sif"`
	Lost          uint64        `json:"lost"`
}

type fixtureKey struct {
	Index      int    `json:"index"`
	Passphrase string `json:"passphrase,omitempty"`
	Raw        []byte `json:"raw,omitempty"`
	Derivation string `json:"derivation,omitempty"`
}

type fixtureUnit struct {
	Encrypted []byte `json:"encrypted"`
	Key       bool   `json:"key,omitempty"`
}

type fixtureRTP struct {
	RTP []byte  `json:"rtp"`
	MS  float64 `json:"ms"`
}

// aroundFirstSIF chooses whole frames before the first injected one, and some
// of those.
func aroundFirstSIF(c media.Codec, packets []packet, trailer []byte) []packet {
	i := slices.IndexFunc(packets, func(p packet) bool { return p.sif(trailer) })
	if i < 0 {
		return nil
	}
	from := max(0, i-20)
	for c == media.VP8 && from < i && !starts(packets[from].rtp.Payload) {
		from++
	}
	return packets[from:min(len(packets), i+6)]
}

// fromFirstKey chooses whole VP8 frames from the first key frame on.
func fromFirstKey(_ media.Codec, packets []packet, _ []byte) []packet {
	// Clear bit 0 of a frame's first byte marks a key frame (RFC 7741, 4.3).
	from := slices.IndexFunc(packets, func(p packet) bool {
		b := p.rtp.Payload
		size := descriptor(b)
		return starts(b) && size < len(b) && b[size]&1 == 0
	})
	if from < 0 {
		return nil
	}
	frames := 0
	for i, p := range packets[from:] {
		if p.rtp.Marker {
			if frames++; frames == 15 {
				return packets[from : from+i+1]
			}
		}
	}
	return nil
}

// starts reports whether a VP8 packet begins a frame: S set and partition 0
// (RFC 7741, 4.2).
func starts(b []byte) bool { return len(b) > 0 && b[0]&0x17 == 0x10 }

// descriptor returns the length of a VP8 payload descriptor, 0 if there is none.
func descriptor(b []byte) int {
	if len(b) < 2 || b[0]&0x80 == 0 {
		return min(len(b), 1)
	}
	x, n := b[1], 2
	if x&0x80 != 0 {
		if len(b) < 3 {
			return 0
		}
		if n++; b[2]&0x80 != 0 {
			n++
		}
	}
	if x&0x40 != 0 {
		n++
	}
	if x&0x30 != 0 {
		n++
	}
	return n
}

// assemble makes a fixture of packets and checks that it is one: nothing lost,
// and every frame authentic.
func assemble(c media.Codec, trailer []byte, packets []packet) (*fixture, error) {
	if len(packets) == 0 {
		return nil, errors.New("no packets of the kind wanted came")
	}
	keys := frame.NewKeyring(0, frame.KeyOptions{})
	if err := keys.SetPassphrase(0, []byte(passphrase)); err != nil {
		return nil, err
	}
	d := frame.NewDecrypter(c, keys)
	a := frame.NewAssembler(frame.AssemblerConfig{Codec: c, SIFTrailer: trailer})
	f := &fixture{Codec: c, SIFTrailer: trailer, Keys: []fixtureKey{{Index: 0, Passphrase: passphrase}}}
	start, first := time.Now(), packets[0].at
	for _, p := range packets {
		data, err := p.rtp.Marshal()
		if err != nil {
			return nil, err
		}
		at := (p.at - first).Round(10 * time.Microsecond)
		f.Packets = append(f.Packets, fixtureRTP{data, float64(at.Microseconds()) / 1000})
		a.Push(p.rtp.Clone(), start.Add(at))
	}
	a.Flush()
	for u, ok := a.Pop(start); ok; u, ok = a.Pop(start) {
		if u.Kind != frame.UnitFrame {
			continue
		}
		if _, err := d.Decrypt(nil, u.Data); err != nil {
			return nil, fmt.Errorf("frame %d: %w", len(f.Frames), err)
		}
		f.Frames = append(f.Frames, fixtureUnit{u.Data, u.Key})
	}
	stats := a.Stats()
	f.SIF, f.Lost = stats.SIF, stats.Lost
	if stats.Lost != 0 || stats.Broken != 0 {
		return nil, fmt.Errorf("a bad capture, try again: %+v", stats)
	}
	return f, nil
}
