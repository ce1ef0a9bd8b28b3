package members

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/media"
)

func TestLoops(t *testing.T) {
	for _, tt := range []struct {
		name     string
		read     func([]byte) (*loop, error)
		file     []byte
		frames   int
		duration time.Duration
	}{
		{"speech", oggLoop, media.Speech(0), 500, 20 * time.Millisecond},
		{"clock", ivfLoop, media.Clock(0), 200, 50 * time.Millisecond},
		{"screen", ivfLoop, media.Screen(), 50, 200 * time.Millisecond},
	} {
		l, err := tt.read(tt.file)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if len(l.frames) != tt.frames || l.duration != tt.duration {
			t.Errorf("%s: %d frames of %v, want %d of %v", tt.name, len(l.frames), l.duration, tt.frames, tt.duration)
		}
		if _, err := tt.read(tt.file[:len(tt.file)-1]); err == nil {
			t.Errorf("%s: a file that is cut off was read", tt.name)
		}
	}
}

func TestNextKey(t *testing.T) {
	l, err := ivfLoop(media.Clock(0))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range [][2]int{{0, 0}, {1, 40}, {40, 40}, {199, 0}} {
		if got := l.nextKey(tt[0]); got != tt[1] {
			t.Errorf("from frame %d the next key frame is %d, want %d", tt[0], got, tt[1])
		}
	}
}

func TestBadIVF(t *testing.T) {
	good := media.Clock(0)
	for name, change := range map[string]func([]byte) []byte{
		"empty":        func([]byte) []byte { return []byte{} },
		"magic":        func(b []byte) []byte { b[0] = 'X'; return b },
		"codec":        func(b []byte) []byte { copy(b[8:], "VP90"); return b },
		"no rate":      func(b []byte) []byte { binary.LittleEndian.PutUint32(b[16:], 0); return b },
		"no scale":     func(b []byte) []byte { binary.LittleEndian.PutUint32(b[20:], 0); return b },
		"empty frame":  func(b []byte) []byte { binary.LittleEndian.PutUint32(b[32:], 0); return b },
		"huge frame":   func(b []byte) []byte { binary.LittleEndian.PutUint32(b[32:], 1<<31); return b },
		"no key frame": func(b []byte) []byte { b[44] |= 1; return b },
		"header only":  func(b []byte) []byte { return b[:32] },
	} {
		if _, err := ivfLoop(change(append([]byte{}, good...))); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
