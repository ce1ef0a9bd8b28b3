package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/sealtape/sealtape/recorder/media"
)

func TestDecryptRoundTrip(t *testing.T) {
	for _, size := range []int{16, 32} {
		k := ring(t, "k", KeyOptions{Size: size})
		for _, test := range []struct {
			codec media.Codec
			frame []byte
			clear int
		}{
			{media.Opus, []byte{0x78}, 1},
			{media.Opus, []byte{0x78, 1, 2, 3}, 1},
			{media.VP8, []byte{0x31, 0, 0}, 3},
			{media.VP8, append([]byte{0x31, 0, 0}, make([]byte, 5000)...), 3},
			{media.VP8, append([]byte{0x10, 2, 0, 0x9d, 1, 0x2a, 8, 0, 8, 0}, "rest"...), 10},
			{media.VP8, []byte{0x10, 2, 0, 0x9d, 1, 0x2a, 8, 0, 8, 0}, 10},
		} {
			e, d := NewEncrypter(test.codec, k, 0, 7), NewDecrypter(test.codec, k)
			sealed := seal(t, e, string(test.frame), 9)
			if len(sealed) != len(test.frame)+overhead || !bytes.Equal(sealed[:test.clear], test.frame[:test.clear]) {
				t.Fatalf("%s of %d bytes seals to %d bytes", test.codec, len(test.frame), len(sealed))
			}
			if i, ok := KeyIndex(sealed); i != 0 || !ok {
				t.Errorf("KeyIndex = %d, %v", i, ok)
			}
			dst := []byte("dst ")
			// Every byte counts: none may be changed without notice.
			for i := range min(len(sealed), 64) {
				bad := bytes.Clone(sealed)
				bad[len(bad)-1-i] ^= 0x41
				out, err := d.Decrypt(dst, bad)
				if err == nil || string(out) != "dst " {
					t.Fatalf("%s of %d bytes with byte -%d changed: %q, %v", test.codec, len(test.frame), 1+i, out, err)
				}
			}
			for i := range test.clear {
				bad := bytes.Clone(sealed)
				bad[i] ^= 2
				if _, err := d.Decrypt(dst, bad); !errors.Is(err, ErrAuth) {
					t.Fatalf("%s with header byte %d changed: %v", test.codec, i, err)
				}
			}
			got, err := d.Decrypt(dst, sealed)
			if err != nil || !bytes.Equal(got, append([]byte("dst "), test.frame...)) {
				t.Fatalf("%s of %d bytes: got %d bytes, %v", test.codec, len(test.frame), len(got), err)
			}
		}
	}
}

func TestDecryptErrors(t *testing.T) {
	k := ring(t, "k", KeyOptions{})
	good := seal(t, NewEncrypter(media.Opus, k, 0, 1), "frame", 1)
	end := func(tail ...byte) []byte { return append(make([]byte, 60), tail...) }
	for _, test := range []struct {
		name  string
		codec media.Codec
		frame []byte
		want  error
	}{
		{"nil", media.Opus, nil, ErrEmpty},
		{"one byte", media.Opus, []byte{0x78}, ErrShort},
		{"too short by one", media.Opus, append(make([]byte, 28), 12, 0), ErrShort},
		{"shortest, forged", media.Opus, append(make([]byte, 29), 12, 0), ErrAuth},
		{"IV of 16 bytes", media.Opus, end(16, 0), ErrShort},
		{"IV of no bytes", media.Opus, end(0, 0), ErrShort},
		{"VP8 key frame within its header", media.VP8, append(make([]byte, 37), 12, 0), ErrShort},
		{"VP8 delta of that length", media.VP8, append([]byte{1}, append(make([]byte, 36), 12, 0)...), ErrAuth},
		{"index without key", media.Opus, end(12, 1), ErrNoKey},
		{"index beyond the ring", media.Opus, end(12, 16), ErrNoKey},
		{"last index", media.Opus, end(12, 255), ErrNoKey},
		{"codec", media.AV1, good, ErrCodec},
		{"no codec", "", good, ErrCodec},
		{"plaintext silence", media.Opus, opusSilence[:], ErrShort},
		{"good", media.Opus, good, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := NewDecrypter(test.codec, k).Decrypt(nil, test.frame); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

// A forged frame must not make the real one of the same nonce a replay.
func TestReplayIsOfGenuineFrames(t *testing.T) {
	k := ring(t, "k", KeyOptions{})
	d := NewDecrypter(media.Opus, k)
	real := seal(t, NewEncrypter(media.Opus, k, 0, 1), "frame", 1)
	forged := bytes.Clone(real)
	forged[3] ^= 1
	if _, err := d.Decrypt(nil, forged); !errors.Is(err, ErrAuth) {
		t.Fatal(err)
	}
	if _, err := d.Decrypt(nil, real); err != nil {
		t.Fatal(err)
	}
	if out, err := d.Decrypt(make([]byte, 0, 100), real); !errors.Is(err, ErrReplay) || !bytes.Equal(out[:cap(out)], make([]byte, 100)) {
		t.Fatalf("replay gives % x, %v", out[:cap(out)], err)
	}
	if _, err := NewDecrypter(media.Opus, k).Decrypt(nil, real); err != nil {
		t.Errorf("on another track: %v", err) // as documented
	}
}

// A nonce is used once per key: a sender that starts again under a new key may
// come to the same one.
func TestReplayIsPerKey(t *testing.T) {
	sender, k := ring(t, "one", KeyOptions{}), ring(t, "one", KeyOptions{})
	e, d := NewEncrypter(media.Opus, sender, 0, 1), NewDecrypter(media.Opus, k)
	for _, raw := range []string{"one", "two"} {
		set(t, sender, 0, raw)
		set(t, k, 0, raw)
		e.count = 7
		if _, err := d.Decrypt(nil, seal(t, e, "frame", 1)); err != nil {
			t.Errorf("key %s: %v", raw, err)
		}
	}
}

func TestReplayWindow(t *testing.T) {
	var w replayWindow
	iv := func(i int) []byte {
		b := make([]byte, ivSize)
		binary.BigEndian.PutUint64(b[4:], uint64(i))
		return b
	}
	const n = 5 * replaySize
	for i := range n {
		if !w.add(1, iv(i)) {
			t.Fatalf("nonce %d is new", i)
		}
		if j := max(i-replaySize+1, 0); w.add(1, iv(j)) {
			t.Fatalf("nonce %d was forgotten at %d", j, i)
		}
	}
	for i := n - replaySize; i < n; i++ {
		if w.add(1, iv(i)) {
			t.Fatalf("nonce %d was forgotten", i)
		}
	}
	if !w.add(2, iv(n-1)) {
		t.Error("the same nonce under another key")
	}
	if !w.add(1, iv(0)) {
		t.Error("the oldest nonce is remembered")
	}
}

func TestEncryptNonce(t *testing.T) {
	k := ring(t, "k", KeyOptions{})
	e := NewEncrypter(media.Opus, k, 0, 0x01020304)
	e.count = 0xfffe // next: 0, modulo 65535
	seen := make(map[string]bool)
	for i := range 100 {
		ts := uint32(0xffffff00 + 960*i)
		frame := seal(t, e, "same frame", ts)
		iv := frame[len(frame)-trailerSize : len(frame)-2]
		count := uint32((0xfffe + i) % 0xffff)
		if binary.BigEndian.Uint32(iv) != 0x01020304 || binary.BigEndian.Uint32(iv[4:]) != ts ||
			binary.BigEndian.Uint32(iv[8:]) != ts-count {
			t.Fatalf("frame %d has the nonce % x", i, iv)
		}
		if seen[string(iv)] {
			t.Fatalf("frame %d repeats a nonce", i)
		}
		seen[string(iv)] = true
	}
	a, b := NewEncrypter(media.Opus, k, 0, 1), NewEncrypter(media.Opus, k, 0, 1)
	if a.count == b.count { // once in 2^32 runs
		t.Error("two encrypters start at the same count")
	}
	for _, test := range []struct {
		codec media.Codec
		index int
		frame string
		want  error
	}{
		{media.Opus, 0, "", ErrEmpty},
		{media.VP8, 0, "\x01x", ErrShort},
		{media.VP8, 0, "\x00xxxxxxxx", ErrShort},
		{media.AV1, 0, "x", ErrCodec},
		{media.Opus, 3, "x", ErrNoKey},
	} {
		out, err := NewEncrypter(test.codec, k, test.index, 1).Encrypt([]byte("dst"), []byte(test.frame), 1)
		if !errors.Is(err, test.want) || string(out) != "dst" {
			t.Errorf("%q: %q, %v, want %v", test.frame, out, err, test.want)
		}
	}
}

func TestDecryptAllocatesNothing(t *testing.T) {
	k := ring(t, "k", KeyOptions{})
	e, d := NewEncrypter(media.VP8, k, 0, 1), NewDecrypter(media.VP8, k)
	var frames [][]byte
	for i := range 300 {
		frames = append(frames, seal(t, e, "\x01"+string(make([]byte, 1000)), uint32(i)))
	}
	dst := make([]byte, 0, 2000)
	d.Decrypt(dst, frames[0]) // makes the replay window
	i := 0
	allocs := testing.AllocsPerRun(200, func() {
		i++
		if _, err := d.Decrypt(dst, frames[i]); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations a frame", allocs)
	}
	stranger := NewDecrypter(media.VP8, ring(t, "x", KeyOptions{}))
	if allocs := testing.AllocsPerRun(100, func() { stranger.Decrypt(dst, frames[0]) }); allocs != 0 {
		t.Errorf("%v allocations a frame that does not authenticate", allocs)
	}
}
