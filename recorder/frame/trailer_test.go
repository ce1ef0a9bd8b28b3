package frame

import (
	"bytes"
	"testing"

	"github.com/sealtape/sealtape/recorder/media"
)

// packetTrailer builds a trailer of elements (tag, length, value, in the clear).
func packetTrailer(elements ...byte) []byte {
	var out []byte
	for _, b := range elements {
		out = append(out, b^0xff)
	}
	out = append(out, byte(len(elements)+packetTrailerEnd)^0xff)
	return append(out, "LKTS"...)
}

func TestStripTrailer(t *testing.T) {
	frame := []byte("an encoded frame")
	for _, test := range []struct {
		name    string
		trailer []byte
		strips  bool
	}{
		{"time", packetTrailer(1, 8, 0, 0, 0, 0, 0, 0, 0, 1), true},
		{"time and frame id", packetTrailer(1, 8, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 0, 0, 0, 9), true},
		{"user data of no bytes", packetTrailer(3, 0), true},
		{"unknown tag", packetTrailer(200, 1, 7), true},
		{"no element", packetTrailer(), false},
		{"half an element", packetTrailer(1), false},
		{"element longer than the trailer", packetTrailer(1, 9, 0), false},
		{"none", nil, false},
		{"magic only", []byte("LKTS"), false},
		{"longer than the frame", append([]byte{200 ^ 0xff}, "LKTS"...), false},
		{"shorter than itself", append([]byte{4 ^ 0xff}, "LKTS"...), false},
		{"magic cut", packetTrailer(3, 0)[:6], false},
	} {
		whole := append(bytes.Clone(frame), test.trailer...)
		want := whole
		if test.strips {
			want = frame
		}
		if got := StripTrailer(whole); !bytes.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", test.name, got, want)
		}
	}
	if got := StripTrailer(packetTrailer(3, 0)); len(got) != 0 {
		t.Errorf("a trailer without a frame leaves %q", got)
	}
	k := NewKeyring(256, KeyOptions{})
	set(t, k, 'S', "k")
	sealed := seal(t, NewEncrypter(media.Opus, k, 'S', 1), "frame", 1)
	if got := StripTrailer(append(bytes.Clone(sealed), packetTrailer(2, 4, 0, 0, 0, 1)...)); !bytes.Equal(got, sealed) {
		t.Error("trailer after an encrypted frame stays")
	}
	if got := StripTrailer(sealed); !bytes.Equal(got, sealed) {
		t.Error("encrypted frame lost something")
	}
}
