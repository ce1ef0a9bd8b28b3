package members

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pion/webrtc/v4/pkg/media/oggreader"

	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
)

// A loop is a fixture as frames, played over and over.
type loop struct {
	frames        [][]byte
	codec         media.Codec
	duration      time.Duration // of each frame
	width, height int           // 0 for audio
}

// oggLoop reads an Ogg file of 20 ms Opus packets, one packet a page.
func oggLoop(file []byte) (*loop, error) {
	r, _, err := oggreader.NewWith(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("reading the Ogg file: %w", err)
	}
	l := &loop{codec: media.Opus, duration: 20 * time.Millisecond}
	for {
		page, head, err := r.ParseNextPage()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading the Ogg file: %w", err)
		}
		if _, header := head.HeaderType(page); !header && len(page) > 0 {
			l.frames = append(l.frames, page)
		}
	}
	if len(l.frames) == 0 {
		return nil, errors.New("the Ogg file holds no Opus packet")
	}
	return l, nil
}

// ivfLoop reads an IVF file of VP8 at a constant rate: a 32-byte header with
// the frame rate as a fraction, and a 12-byte header before each frame.
func ivfLoop(file []byte) (*loop, error) {
	if len(file) < 32 || string(file[:4]) != "DKIF" || string(file[8:12]) != "VP80" {
		return nil, errors.New("not an IVF file of VP8")
	}
	rate, scale := binary.LittleEndian.Uint32(file[16:]), binary.LittleEndian.Uint32(file[20:])
	if rate == 0 || scale == 0 {
		return nil, errors.New("the IVF file has no frame rate")
	}
	l := &loop{
		codec:    media.VP8,
		duration: time.Second * time.Duration(scale) / time.Duration(rate),
		width:    int(binary.LittleEndian.Uint16(file[12:])),
		height:   int(binary.LittleEndian.Uint16(file[14:])),
	}
	for rest := file[32:]; len(rest) > 0; {
		if len(rest) < 12 {
			return nil, errors.New("the IVF file is cut off")
		}
		size := int(binary.LittleEndian.Uint32(rest))
		if size == 0 || size > len(rest)-12 {
			return nil, errors.New("the IVF file is cut off")
		}
		l.frames = append(l.frames, rest[12:12+size])
		rest = rest[12+size:]
	}
	if len(l.frames) == 0 || !l.key(0) {
		return nil, errors.New("the IVF file does not begin with a key frame")
	}
	return l, nil
}

// clockLoop makes a loop of the clock in any codec.
func clockLoop(codec media.Codec) (*loop, error) {
	l := &loop{codec: codec, frames: fixtures.ClockFrames(string(codec)), duration: time.Second / 20, width: 320, height: 180}
	if len(l.frames) == 0 {
		return nil, fmt.Errorf("there is no clock in %q", codec)
	}
	return l, nil
}

// key reports whether frame i needs none before it: for VP8 bit 0 of its first
// byte (RFC 6386, 9.1), for the other clocks every fortieth.
func (l *loop) key(i int) bool {
	switch l.codec {
	case media.Opus:
		return true
	case media.VP8:
		return l.frames[i][0]&1 == 0
	}
	return i%40 == 0
}

// nextKey returns the first frame from i on, around the loop, that is a key
// frame.
func (l *loop) nextKey(i int) int {
	for !l.key(i) {
		i = (i + 1) % len(l.frames)
	}
	return i
}
