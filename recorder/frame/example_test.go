package frame_test

import (
	"fmt"
	"time"

	"github.com/pion/rtp"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// A track of an encrypted room, as a recorder reads it.
func Example() {
	keys := frame.NewKeyring(0, frame.KeyOptions{})
	if err := keys.SetPassphrase(0, []byte("the room's passphrase")); err != nil {
		panic(err)
	}
	assembler := frame.NewAssembler(frame.AssemblerConfig{Codec: media.Opus})
	decrypter := frame.NewDecrypter(media.Opus, keys)

	var buf []byte
	for _, p := range sentPackets(keys) {
		now := time.Now()
		assembler.Push(p, now)
		for u, ok := assembler.Pop(now); ok; u, ok = assembler.Pop(now) {
			switch u.Kind {
			case frame.UnitLost:
				fmt.Println("hole of", u.Lost)
			case frame.UnitFrame:
				plain, err := decrypter.Decrypt(buf[:0], frame.StripTrailer(u.Data))
				if err != nil {
					fmt.Println("refused:", err)
					continue
				}
				buf = plain
				fmt.Printf("at %d: %q\n", u.Timestamp, plain)
			}
		}
	}
	// Output:
	// at 960: "xone"
	// at 1920: "xtwo"
	// refused: frame was seen before
}

// sentPackets is the other end: two frames, the second one sent twice.
func sentPackets(keys *frame.Keyring) []*rtp.Packet {
	encrypter := frame.NewEncrypter(media.Opus, keys, 0, 1234)
	var packets []*rtp.Packet
	for i, text := range []string{"xone", "xtwo"} {
		sealed, err := encrypter.Encrypt(nil, []byte(text), uint32(960*(i+1)))
		if err != nil {
			panic(err)
		}
		packets = append(packets, &rtp.Packet{
			Header:  rtp.Header{SequenceNumber: uint16(i), Timestamp: uint32(960 * (i + 1))},
			Payload: sealed,
		})
	}
	again := packets[1].Clone()
	again.SequenceNumber++
	return append(packets, again)
}
