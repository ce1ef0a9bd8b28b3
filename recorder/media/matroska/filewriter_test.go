package matroska_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// A memFile is a file in memory that takes n bytes in all.
type memFile struct {
	b   []byte
	pos int64
	n   int
}

func (f *memFile) Write(b []byte) (int, error) {
	if f.n < len(b) {
		return 0, errDisk
	}
	f.n -= len(b)
	if need := int(f.pos) + len(b); need > len(f.b) {
		f.b = append(f.b, make([]byte, need-len(f.b))...)
	}
	f.pos += int64(copy(f.b[f.pos:], b))
	return len(b), nil
}

func (f *memFile) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		f.pos = offset
	case io.SeekCurrent:
		f.pos += offset
	default:
		return 0, errors.New("unexpected whence")
	}
	return f.pos, nil
}

func (f *memFile) Read(b []byte) (int, error) {
	if f.pos >= int64(len(f.b)) {
		return 0, io.EOF
	}
	n := copy(b, f.b[f.pos:])
	f.pos += int64(n)
	return n, nil
}

func writeFile(w io.WriteSeeker, frames []media.Frame) error {
	f, err := matroska.NewFileWriter(w, matroska.FileHeader{Tracks: twoTracks, Texts: []string{"Chat", "Words"},
		Chapters: []matroska.Chapter{{Title: "Start"}, {Start: time.Second, Title: "Later"}}})
	if err != nil {
		return err
	}
	for i, frame := range frames {
		if i%10 == 1 {
			if err := f.WriteText(i/10%2, frame.Time, time.Second, "text"); err != nil {
				return err
			}
		}
		if err := f.WriteFrame(frame); err != nil {
			return err
		}
	}
	return f.Close()
}

func TestFileWriter(t *testing.T) {
	frames, _ := meeting()
	frames = append(frames,
		media.Frame{Track: 7, Time: time.Hour, Key: true, Data: []byte("far")},
		media.Frame{Track: 7, Time: 59 * time.Minute, Data: []byte("back")})
	for i := range frames {
		if frames[i].Track != 7 {
			frames[i].Key, frames[i].Duration = true, media.OpusDuration(frames[i].Data)
		}
	}
	m := &memFile{n: 1 << 20}
	// The file need not begin where its output does.
	if _, err := m.Write([]byte("before")); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(m, frames); err != nil {
		t.Fatal(err)
	}
	if m.pos != int64(len(m.b)) || string(m.b[:6]) != "before" {
		t.Errorf("left at %d of %d", m.pos, len(m.b))
	}
	m.pos = 6
	if _, got, _ := read(t, m); !reflect.DeepEqual(got, frames) {
		t.Error("frames differ")
	}
}

// Two pictures of a track are never at one time in a WebM file, whose ticks are
// long: what comes closer is moved, and nothing else.
func TestFileWriterCloserThanATick(t *testing.T) {
	const µs = time.Microsecond
	camera := twoTracks[slices.IndexFunc(twoTracks, func(t media.Track) bool { return !t.Codec.Audio() })]
	m := &memFile{n: 1 << 20}
	f, err := matroska.NewFileWriter(m, matroska.FileHeader{Tracks: []media.Track{camera}, WebM: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Duration{10000, 66000, 66100, 66200, 69000, 133000, 120000, 120400} {
		if err := f.WriteFrame(media.Frame{Track: camera.UID, Time: at * µs, Key: true, Data: []byte("picture")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	m.pos = 0
	_, frames, _ := read(t, m)
	var got []time.Duration
	for _, f := range frames {
		got = append(got, f.Time/time.Millisecond)
	}
	if want := []time.Duration{10, 66, 67, 68, 69, 133, 120, 121}; !slices.Equal(got, want) {
		t.Errorf("pictures at %d ms, want %d", got, want)
	}
}

// Hidden pictures keep their bytes, and have the flag in their block's head.
func TestFileWriterHidden(t *testing.T) {
	m := &memFile{n: 1 << 20}
	f, err := matroska.NewFileWriter(m, matroska.FileHeader{Tracks: twoTracks})
	if err != nil {
		t.Fatal(err)
	}
	frames := []media.Frame{
		{Track: 7, Key: true, Data: []byte("first")},
		{Track: 7, Time: 1, Data: []byte("second")},
		{Track: 7, Time: 50 * time.Millisecond, Data: []byte("third")},
	}
	for i, frame := range frames {
		write := f.WriteHidden
		if i == 2 {
			write = f.WriteFrame
		}
		if err := write(frame); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for data, flags := range map[string]byte{"first": 0x88, "second": 0x08, "third": 0} {
		if i := bytes.Index(m.b, []byte(data)); m.b[i-1] != flags {
			t.Errorf("%s has flags %#x, want %#x", data, m.b[i-1], flags)
		}
	}
	m.pos = 0
	_, got, _ := read(t, m)
	for i, want := range []time.Duration{0, 100 * time.Microsecond, 50 * time.Millisecond} {
		if string(got[i].Data) != string(frames[i].Data) || got[i].Time != want {
			t.Errorf("frame %d: %+v", i, got[i])
		}
	}
}

// What happened is known at the end; the room for it is not endless.
func TestFileWriterSetChapters(t *testing.T) {
	for _, test := range []struct {
		first, then []matroska.Chapter
		fits        bool
	}{
		{nil, []matroska.Chapter{{Title: "Other"}}, false},
		{[]matroska.Chapter{{Title: "Start"}}, nil, false},
		{[]matroska.Chapter{{Title: "Start"}}, []matroska.Chapter{{Title: "Other"}, {Start: 1e9, Title: "Second"}}, true},
		{[]matroska.Chapter{{Title: "Start"}, {Start: 1e9, Title: "Second"}}, []matroska.Chapter{{Title: "Other"}}, true},
		{[]matroska.Chapter{{Title: "Start"}}, slices.Repeat([]matroska.Chapter{{Title: strings.Repeat("x", 99)}}, 30), true},
		{[]matroska.Chapter{{Title: "Start"}}, slices.Repeat([]matroska.Chapter{{Title: strings.Repeat("x", 99)}}, 40), false},
	} {
		m := &memFile{n: 1 << 20}
		f, err := matroska.NewFileWriter(m, matroska.FileHeader{Tracks: twoTracks, Chapters: test.first})
		if err != nil {
			t.Fatal(err)
		}
		frame := media.Frame{Track: 7, Key: true, Data: []byte("picture")}
		if err := f.WriteFrame(frame); err != nil {
			t.Fatal(err)
		}
		if got := f.SetChapters(test.then); got != test.fits {
			t.Errorf("%d chapters in place of %d: %v", len(test.then), len(test.first), got)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		want := test.first
		if test.fits {
			want = test.then
		}
		if n := bytes.Count(m.b, []byte{0x73, 0xc4}); n != len(want) { // ChapterUID
			t.Errorf("%d chapters, want %d", n, len(want))
		}
		m.pos = 0
		if _, got, _ := read(t, m); len(got) != 1 || string(got[0].Data) != "picture" {
			t.Errorf("frames %+v", got)
		}
	}
}

func TestFileWriterText(t *testing.T) {
	open := func(h matroska.FileHeader) (*matroska.FileWriter, error) {
		return matroska.NewFileWriter(&memFile{n: 1 << 20}, h)
	}
	if _, err := open(matroska.FileHeader{Tracks: twoTracks, WebM: true, Texts: []string{"Chat", "Words"}}); err == nil {
		t.Error("subtitles in WebM")
	}
	f, err := open(matroska.FileHeader{Tracks: twoTracks})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.WriteText(0, 0, time.Second, "text"); !errors.Is(err, matroska.ErrFrame) {
		t.Errorf("subtitle without a track: %v", err)
	}
	// The UID of subtitles may be taken.
	if f, err = open(matroska.FileHeader{Tracks: []media.Track{{UID: 0x7365616C74657874, Codec: media.Opus}}, Texts: []string{"Chat", "Words"}}); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []struct {
		at, lasts time.Duration
		text      string
	}{{-1, 1, "x"}, {0, 0, "x"}, {0, -1, "x"}, {0, 1, ""}, {0, 1, strings.Repeat("x", 4097)}} {
		if err := f.WriteText(1, bad.at, bad.lasts, bad.text); !errors.Is(err, matroska.ErrFrame) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := f.WriteText(0, 0, time.Second, strings.Repeat("x", 4096)); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestFileWriterEmpty(t *testing.T) {
	m := &memFile{n: 1 << 20}
	if err := writeFile(m, nil); err != nil {
		t.Fatal(err)
	}
	m.pos = 0
	if h, got, _ := read(t, m); len(got) != 0 || len(h.Tracks) != 2 {
		t.Errorf("header %+v, %d frames", h, len(got))
	}
}

// TestFileWriterFullDisk: whichever write fails, the error comes back, at the
// latest from Close.
func TestFileWriterFullDisk(t *testing.T) {
	frames := syntheticFrames()
	m := &memFile{n: 1 << 20}
	if err := writeFile(m, frames); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < 1<<20-m.n; n += 61 {
		if err := writeFile(&memFile{n: n}, frames); !errors.Is(err, errDisk) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
}

// TestFileWriterLargest: the header tells the largest picture that is written,
// whatever was known of it before.
func TestFileWriterLargest(t *testing.T) {
	key := func(w, h int) []byte {
		return []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, byte(w), byte(w >> 8), byte(h), byte(h >> 8)}
	}
	for name, tt := range map[string]struct{ known, want [2]int }{
		"not known": {[2]int{}, [2]int{1280, 720}},
		"smaller":   {[2]int{160, 90}, [2]int{1280, 720}},
		"larger":    {[2]int{1920, 1080}, [2]int{1280, 720}},
	} {
		t.Run(name, func(t *testing.T) {
			track := media.Track{UID: 7, Participant: "bob", Source: media.Camera, Codec: media.VP8, Width: tt.known[0], Height: tt.known[1]}
			m := &memFile{n: 1 << 20}
			w, err := matroska.NewFileWriter(m, matroska.FileHeader{Tracks: []media.Track{track}})
			if err != nil {
				t.Fatal(err)
			}
			for i, size := range [][2]int{{320, 180}, {1280, 720}, {180, 320}} {
				if err := w.WriteFrame(media.Frame{Track: 7, Time: time.Duration(i) * time.Second, Key: true, Data: key(size[0], size[1])}); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			m.pos = 0
			h, frames, _ := read(t, m)
			if got := h.Tracks[0]; got.Width != tt.want[0] || got.Height != tt.want[1] || len(frames) != 3 {
				t.Errorf("%+v, %d frames", h.Tracks, len(frames))
			}
		})
	}
}
