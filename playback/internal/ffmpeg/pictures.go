package ffmpeg

import (
	"encoding/binary"
	"io"
	"slices"
)

// A PictureWriter writes a film's pictures, for an Encoder's Video. The format is an
// uncompressed Matroska stream, in which pictures have times: one that stands still is
// written once.
type PictureWriter struct {
	W     io.Writer
	Film  Film
	begun bool
}

// Write writes the picture that is seen from place/rate seconds on, until the next.
// Places increase.
func (p *PictureWriter) Write(place int64, picture []byte) error {
	var head []byte
	if !p.begun {
		p.begun = true
		head = p.Film.header()
	}
	// Each picture has a cluster of its own: a block's time is less than 32768 ticks
	// after its cluster's.
	time := number(0xE7, uint64(place))
	block := slices.Concat([]byte{0xA3}, size(4+len(picture)), []byte{0x81, 0, 0, 0x80}) // of track 1, a key frame
	head = slices.Concat(head, []byte{0x1F, 0x43, 0xB6, 0x75}, size(len(time)+len(block)+len(picture)), time, block)
	if _, err := p.W.Write(head); err != nil {
		return err
	}
	_, err := p.W.Write(picture)
	return err
}

// input returns the arguments for what a PictureWriter writes.
func (f Film) input() []string {
	return []string{"-f", "matroska", "-probesize", "32", "-analyzeduration", "0"}
}

// header returns what is before the first picture (RFC 9559, section 5.1). A tick is
// the time of one picture.
func (f Film) header() []byte {
	tick := uint64(1e9 / f.Rate)
	video := slices.Concat(number(0xB0, uint64(f.Width)), number(0xBA, uint64(f.Height)), element([]byte{0x2E, 0xB5, 0x24}, []byte("I420")))
	track := slices.Concat(number(0xD7, 1), number(0x83, 1), element([]byte{0x73, 0xC5}, []byte{1}),
		element([]byte{0x23, 0xE3, 0x83}, binary.BigEndian.AppendUint64(nil, tick)),
		element([]byte{0x86}, []byte("V_UNCOMPRESSED")), element([]byte{0xE0}, video))
	return slices.Concat(
		element([]byte{0x1A, 0x45, 0xDF, 0xA3}, element([]byte{0x42, 0x82}, []byte("matroska"))),
		[]byte{0x18, 0x53, 0x80, 0x67, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, // a segment of unknown size
		element([]byte{0x15, 0x49, 0xA9, 0x66}, element([]byte{0x2A, 0xD7, 0xB1}, binary.BigEndian.AppendUint64(nil, tick))),
		element([]byte{0x16, 0x54, 0xAE, 0x6B}, element([]byte{0xAE}, track)))
}

// element returns an element with its ID, size and data.
func element(id, data []byte) []byte { return slices.Concat(id, size(len(data)), data) }

// number returns an element of an unsigned number whose ID is one byte.
func number(id byte, n uint64) []byte {
	return element([]byte{id}, binary.BigEndian.AppendUint64(nil, n))
}

// size returns a size in eight bytes.
func size(n int) []byte { return binary.BigEndian.AppendUint64(nil, 1<<56|uint64(n)) }
