package ffmpeg

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/sample"
)

// TestWhole: an MP4 without its end, its index or its media is none.
func TestWhole(t *testing.T) {
	box := func(kind string, size int) string {
		b := binary.BigEndian.AppendUint32(nil, uint32(size))
		return string(b) + kind + strings.Repeat("x", max(0, size-8))
	}
	large := string(binary.BigEndian.AppendUint64([]byte("\x00\x00\x00\x01mdat"), 116)) + strings.Repeat("x", 100)
	for _, tt := range []struct {
		name, file string
		ok         bool
	}{
		{"whole", box("ftyp", 32) + box("moov", 100) + box("free", 8) + box("mdat", 1000), true},
		{"a large box", box("ftyp", 32) + box("moov", 100) + large, true},
		{"empty", "", false},
		{"no index", box("ftyp", 32) + box("mdat", 1000), false},
		{"no media", box("ftyp", 32) + box("moov", 1000), false},
		{"cut", (box("ftyp", 32) + box("moov", 100) + box("mdat", 1000))[:1100], false},
		{"cut in a head", box("moov", 100) + box("mdat", 8) + "\x00\x00\x01", false},
		{"a box of no size", box("moov", 100) + "\x00\x00\x00\x00mdat", false},
		{"a box too small", box("moov", 100) + "\x00\x00\x00\x07mdat", false},
	} {
		path := filepath.Join(t.TempDir(), "a.mp4")
		if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := whole(path); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// TestFind: the ffmpeg that the tests need anyway decodes whatever is recorded.
func TestFind(t *testing.T) {
	sample.Live(t)
	p, err := Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []media.Codec{media.Opus, media.VP8, media.VP9, media.H264, media.H265, media.AV1} {
		if err := p.Decodes(c); err != nil {
			t.Error(err)
		}
	}
	if err := p.Decodes("sorenson"); err == nil {
		t.Error("it decodes what nobody records")
	}
}

// TestAskedOnce: a program is asked once what it can do, and again when its file is another.
// One that failed to answer is asked again.
func TestAskedOnce(t *testing.T) {
	sample.Live(t)
	dir := t.TempDir()
	path, asked := filepath.Join(dir, "ffmpeg"), filepath.Join(dir, "asked")
	t.Setenv("PATH", dir)
	install := func(script string) {
		t.Helper()
		if err := os.WriteFile(path, []byte("#!/bin/sh\necho >>"+asked+"\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		script string
		fails  bool
		asked  int // since the beginning
	}{
		{"exit 1", true, 1},
		{"exit 1", true, 2},
		{"echo ---\necho ' V libx264 x'\necho ' A aac x'\n", false, 4},
		{"echo ---\necho ' V libx264 x'\necho ' A aac x'\n", false, 4},
		{"echo ---\necho ' V libopenh264 x'\necho ' A aac x'\n", false, 6},
	} {
		if b, err := os.ReadFile(path); err != nil || !strings.HasSuffix(string(b), "\n"+tt.script) {
			install(tt.script)
		}
		p, err := Find(t.Context())
		if tt.fails != (err != nil) || err == nil && !strings.Contains(tt.script, p.video.name) {
			t.Errorf("%q: %v", tt.script, err)
		}
		b, err := os.ReadFile(asked)
		if err != nil || len(b) != tt.asked {
			t.Errorf("%q: it was asked %d times, want %d, %v", tt.script, len(b), tt.asked, err)
		}
	}
}
