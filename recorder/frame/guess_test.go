package frame

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// sealWrapped seals a frame as native clients do, which keep the length of the clear
// part in a byte.
func sealWrapped(k *Keyring, frame []byte, slice func(byte) bool, n byte) []byte {
	clear := int(byte(firstSlice(frame, slice) + clearNAL))
	iv := []byte{0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, n}
	sealed := k.load(0).current.aead.Seal(nil, iv, frame[clear:], frame[:clear])
	sealed = append(append(sealed, iv...), ivSize, 0)
	return escape(bytes.Clone(frame[:clear]), sealed)
}

// longFrame returns a key frame with so many bytes of a parameter set before its
// slice.
func longFrame(codec media.Codec, n int) []byte {
	set := bytes.Repeat([]byte{0x5a}, n)
	if codec == media.H265 {
		return bytes.Join([][]byte{nil, append([]byte{0x42, 1}, set...), {0x44, 1, 0xc1}, []byte("\x26\x01\xaf slice")}, startCode)
	}
	return bytes.Join([][]byte{nil, append([]byte{0x67, 0x42}, set...), {0x68, 0xce}, []byte("\x65\x88\x84 slice")}, startCode)
}

// TestWrappedLengths opens what native clients make of a clear part of more than 255
// bytes, of any length, and finds the next such frame at once.
func TestWrappedLengths(t *testing.T) {
	for codec, slice := range map[media.Codec]func(byte) bool{media.H264: h264Slice, media.H265: h265Slice} {
		for n := 245; n < 760; n++ {
			keys := ring(t, "k", KeyOptions{})
			d := NewDecrypter(codec, keys)
			frame := longFrame(codec, n)
			if clear := firstSlice(frame, slice) + clearNAL; clear > 255 && byte(clear) < minWrapped {
				continue // nothing of it can be sent: there is no start code in the clear
			}
			for i := range byte(2) {
				got, err := d.Decrypt(nil, sealWrapped(keys, frame, slice, i))
				if err != nil || !bytes.Equal(got, frame) {
					t.Fatalf("%s, %d bytes, frame %d: %v", codec, n, i, err)
				}
			}
		}
	}
}

// TestWrappedLengthsCostLittle: a flood of large frames without a slice is tried on
// within bounds, and a sender whose frames are too large for one go is found over a
// few of them.
func TestWrappedLengthsCostLittle(t *testing.T) {
	now := time.Unix(1e9, 0)
	keys := ring(t, "k", KeyOptions{Now: func() time.Time { return now }})
	d := NewDecrypter(media.H264, keys)
	frame := append(longFrame(media.H264, 400), make([]byte, 100_000)...)
	tries := 0
	for i := range byte(100) {
		now = now.Add(100 * time.Millisecond)
		got, err := d.Decrypt(nil, sealWrapped(keys, frame, h264Slice, i))
		if tries++; err == nil {
			if !bytes.Equal(got, frame) {
				t.Fatal("opens to something else")
			}
			break
		} else if !errors.Is(err, ErrAuth) {
			t.Fatal(err)
		}
		if d.guesses.left < 0 {
			t.Fatal("more was tried than can be afforded")
		}
	}
	if tries < 2 || tries == 100 {
		t.Errorf("found after %d frames", tries)
	}
	for i := range byte(20) { // from now on at once
		if _, err := d.Decrypt(nil, sealWrapped(keys, frame, h264Slice, 100+i)); err != nil {
			t.Fatal(err)
		}
	}
	forged := sealWrapped(ring(t, "another", KeyOptions{}), frame, h264Slice, 1)
	d.guesses.left = guessBytes
	for range 50 {
		if _, err := d.Decrypt(nil, forged); !errors.Is(err, ErrAuth) {
			t.Fatal(err)
		}
	}
	if d.guesses.left < 0 || d.guesses.left >= len(forged) {
		t.Errorf("%d bytes are left to try", d.guesses.left)
	}
}

// TestPlainWithoutSlice: a frame without a slice that is not encrypted stays refused.
func TestPlainWithoutSlice(t *testing.T) {
	d := NewDecrypter(media.H264, ring(t, "k", KeyOptions{}))
	for _, frame := range [][]byte{longFrame(media.H264, 3)[:11], []byte("\x00\x00\x00\x01\x67\x42 parameters, and nothing else in here"), startCode, {0x67}} {
		if _, err := d.Decrypt(nil, frame); !errors.Is(err, ErrShort) {
			t.Errorf("% x: %v", frame, err)
		}
	}
}
