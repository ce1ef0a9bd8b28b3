package player

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

// A Loop is a fixture as stored frames, which are repeated: frame n is at n times
// Every.
type Loop struct {
	Codec         media.Codec
	Every         time.Duration
	Width, Height int    // 0 for sound
	Private       string // see media.Track
	Frames        [][]byte
	KeyEvery      int // each so many frames one needs none before it
	// Does is what a meter looks for, "flash" or "beep", or "".
	Does string
}

// Flash returns the picture to measure with in a codec that it is there in.
func Flash(c media.Codec) (*Loop, error) {
	width, height := 320, 180
	if c == media.VP8 {
		width, height = 640, 360
	}
	return does("flash")(pictures(c, width, height, 20, fixtures.FlashFrames(string(c))))
}

func does(what string) func(*Loop, error) (*Loop, error) {
	return func(l *Loop, err error) (*Loop, error) {
		if err == nil {
			l.Does = what
		}
		return l, err
	}
}

// Clock returns a running clock in any codec of a picture.
func Clock(c media.Codec) (*Loop, error) {
	return pictures(c, 320, 180, 20, fixtures.ClockFrames(string(c)))
}

// Screen returns what a shared screen would show.
func Screen() (*Loop, error) {
	return pictures(media.VP8, 640, 360, 5, ivf(fixtures.Screen()))
}

// Beep returns the sound to measure with.
func Beep() (*Loop, error) { return does("beep")(sound(fixtures.Beep())) }

// Speech returns a voice.
func Speech(n int) (*Loop, error) { return sound(fixtures.Speech(n)) }

// pictures makes a loop of what an encoder handed out, with a key frame each 2 s.
func pictures(c media.Codec, width, height, rate int, encoded [][]byte) (*Loop, error) {
	if len(encoded) == 0 {
		return nil, fmt.Errorf("there is no such picture in %q", c)
	}
	l := &Loop{Codec: c, Every: time.Second / time.Duration(rate), Width: width, Height: height, KeyEvery: 2 * rate}
	for i, f := range encoded {
		if c == media.AV1 {
			f = bytes.TrimPrefix(f, []byte{0x12, 0}) // the temporal delimiter
		}
		f = media.Store(c, bytes.Clone(f))
		p := media.Describe(c, f)
		if key := i%l.KeyEvery == 0; p.Key != key {
			return nil, fmt.Errorf("%s: frame %d is a key frame: %v", c, i, p.Key)
		}
		if l.Private == "" {
			l.Private = p.Private
		}
		l.Frames = append(l.Frames, f)
	}
	if media.NeedsPrivate(c) && l.Private == "" {
		return nil, fmt.Errorf("%s: no key frame says what a decoder must know", c)
	}
	return l, nil
}

// sound makes a loop of an Ogg file of 20 ms Opus packets, one a page.
func sound(file []byte) (*Loop, error) {
	r, _, err := oggreader.NewWith(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	l := &Loop{Codec: media.Opus, Every: 20 * time.Millisecond, KeyEvery: 1}
	for {
		page, head, err := r.ParseNextPage()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if _, header := head.HeaderType(page); header || len(page) == 0 {
			continue
		}
		if d := media.OpusDuration(page); d != l.Every {
			return nil, fmt.Errorf("packet %d lasts %v", len(l.Frames), d)
		}
		l.Frames = append(l.Frames, page)
	}
	if len(l.Frames) != 500 {
		return nil, fmt.Errorf("%d packets, want 500", len(l.Frames))
	}
	return l, nil
}

// ivf takes a file of ours apart: a 32-byte header, 12 bytes before each frame.
func ivf(file []byte) (frames [][]byte) {
	for rest := file[32:]; len(rest) > 12; {
		size := binary.LittleEndian.Uint32(rest)
		frames = append(frames, rest[12:12+size])
		rest = rest[12+size:]
	}
	return frames
}
