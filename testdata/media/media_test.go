package media_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"

	"github.com/sealtape/sealtape/testdata/media"
)

func TestSpeech(t *testing.T) {
	if bytes.Equal(media.Speech(0), media.Speech(1)) {
		t.Error("both voices are the same")
	}
	if !bytes.Equal(media.Speech(-1), media.Speech(1)) || !bytes.Equal(media.Speech(2), media.Speech(0)) {
		t.Error("the number of a voice does not wrap")
	}
	for n := range 2 {
		r, head, err := oggreader.NewWith(bytes.NewReader(media.Speech(n)))
		if err != nil {
			t.Fatal(err)
		}
		if head.Channels != 1 {
			t.Errorf("speech %d: %d channels, want 1", n, head.Channels)
		}
		packets := 0
		for {
			page, info, err := r.ParseNextPage()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, header := info.HeaderType(page); header {
				continue
			}
			packets++
			// RFC 6716 3.1: code 0, one frame, and a configuration of 20 ms.
			toc := page[0]
			config := toc >> 3
			twenty := (config < 12 && config%4 == 1) || (config >= 12 && config < 16 && config%2 == 1) || (config >= 16 && config%4 == 3)
			if toc&3 != 0 || !twenty {
				t.Fatalf("speech %d, packet %d: TOC %#02x is not one 20 ms frame", n, packets, toc)
			}
		}
		if packets != 500 {
			t.Errorf("speech %d: %d packets, want 500", n, packets)
		}
	}
}

func TestPictures(t *testing.T) {
	for _, tt := range []struct {
		name          string
		file          []byte
		width, height uint16
		rate          uint32
	}{
		{"clock", media.Clock(0), 320, 180, 20},
		{"clock2", media.Clock(1), 320, 180, 20},
		{"screen", media.Screen(), 640, 360, 5},
	} {
		r, head, err := ivfreader.NewWith(bytes.NewReader(tt.file))
		if err != nil {
			t.Fatal(err)
		}
		if head.FourCC != "VP80" || head.Width != tt.width || head.Height != tt.height ||
			head.TimebaseDenominator != tt.rate*head.TimebaseNumerator {
			t.Errorf("%s: header %+v", tt.name, *head)
		}
		n := 0
		for ; ; n++ {
			frame, _, err := r.ParseNextFrame()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			// RFC 6386 9.1: bit 0 clear marks a key frame, bit 4 a shown one.
			if key, want := frame[0]&1 == 0, n%int(2*tt.rate) == 0; key != want {
				t.Errorf("%s: frame %d: key %v, want %v", tt.name, n, key, want)
			}
			if frame[0]&0x10 == 0 {
				t.Errorf("%s: frame %d is hidden", tt.name, n)
			}
		}
		if n != int(10*tt.rate) {
			t.Errorf("%s: %d frames, want %d", tt.name, n, 10*tt.rate)
		}
	}
}

func TestClockFrames(t *testing.T) {
	for _, codec := range []string{"vp8", "vp9", "h264", "h265", "av1"} {
		frames := media.ClockFrames(codec)
		if len(frames) != 200 {
			t.Errorf("%s: %d frames, want 200", codec, len(frames))
			continue
		}
		for i, f := range frames {
			// Parameter sets make the first of each two seconds begin otherwise.
			var key bool
			switch codec {
			case "vp8":
				key = f[0]&1 == 0
			case "vp9":
				key = f[0]&0x04 == 0
			case "h264":
				key = f[4] == 0x67
			case "h265":
				key = f[4] == 0x40
			case "av1":
				key = f[2] == 0x0a // the sequence header, behind a delimiter
			}
			if key != (i%40 == 0) {
				t.Errorf("%s: frame %d is a key frame: %v, % x", codec, i, key, f[:8])
				break
			}
		}
	}
	if media.ClockFrames("vp7") != nil {
		t.Error("there are frames of VP7")
	}
}
