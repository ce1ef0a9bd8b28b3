package media_test

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

func TestOpusDuration(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name   string
		packet []byte
		want   time.Duration
	}{
		{"empty", nil, 0},
		{"libwebrtc, CELT fullband 20 ms mono", []byte{0xf8, 1}, 20 * ms},
		{"SILK wideband 20 ms", []byte{0x48, 1}, 20 * ms},
		{"SILK wideband 60 ms", []byte{0x58, 1}, 60 * ms},
		{"hybrid 10 ms", []byte{0x60, 1}, 10 * ms},
		{"hybrid fullband 20 ms stereo", []byte{0x7c, 1}, 20 * ms},
		{"CELT 2.5 ms", []byte{0xe0, 1}, 2500 * time.Microsecond},
		{"two frames of 20 ms", []byte{0xf9, 1, 2}, 40 * ms},
		{"three counted frames of 20 ms", []byte{0xfb, 3, 0}, 60 * ms},
		{"count without its byte", []byte{0xfb}, 0},
		{"no frames", []byte{0xfb, 0}, 0},
		{"more than 120 ms", []byte{0xfb, 7}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := media.OpusDuration(tt.packet); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestVP8Size(t *testing.T) {
	key := []byte{0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0xc1}
	if w, h, ok := media.VP8Size(key); w != 640 || h != 360 || !ok {
		t.Errorf("key frame: got %dx%d, %v, want 640x360", w, h, ok)
	}
	delta := append([]byte{0x11}, key[1:]...)
	if _, _, ok := media.VP8Size(delta); ok {
		t.Error("a delta frame was taken for a key frame")
	}
	if _, _, ok := media.VP8Size(key[:9]); ok {
		t.Error("a cut header was accepted")
	}
}
