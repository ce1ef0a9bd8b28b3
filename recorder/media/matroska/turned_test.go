package matroska

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// TestTurned: by how much pictures are turned is in segments and in files for people, and is
// read as it was written. Other programs' angles are rounded, and what is no flat picture is
// not turned.
func TestTurned(t *testing.T) {
	for _, turned := range []int{0, 90, 180, 270} {
		track := media.Track{UID: 7, Participant: "ada", Source: media.Camera, Codec: media.VP8, Width: 320, Height: 180, Turned: turned}
		frame := media.Frame{Track: 7, Key: true, Data: []byte{1}}
		var segment bytes.Buffer
		w, err := NewWriter(&segment, Header{Recording: "R", Start: time.Unix(1e9, 0), Tracks: []media.Track{track}})
		if err == nil {
			err = w.WriteFrame(frame)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		file := new(memory)
		f, err := NewFileWriter(file, FileHeader{Start: time.Unix(1e9, 0), Tracks: []media.Track{track}})
		if err == nil {
			err = f.WriteFrame(frame)
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string][]byte{"segment": segment.Bytes(), "file": file.b} {
			r, err := NewReader(bytes.NewReader(b))
			if err != nil || len(r.Header().Tracks) != 1 || r.Header().Tracks[0].Turned != turned || r.Header().Tracks[0].Width != 320 {
				t.Errorf("%s turned by %d: %v", name, turned, err)
			}
		}
	}
	if err := (media.Track{UID: 7, Codec: media.VP8, Turned: 45}).Check(); err == nil {
		t.Error("a turn by 45 degrees can be written")
	}
	four := func(v float32) []byte { return binary.BigEndian.AppendUint32(nil, math.Float32bits(v)) }
	for _, tt := range []struct {
		kind uint64
		roll []byte
		want int
		err  bool
	}{
		{0, four(-90), 90, false}, {0, four(88), 270, false}, {0, four(-180), 180, false}, {0, nil, 0, false}, {0, four(1e9), 0, false},
		{0, four(float32(math.NaN())), 0, false}, {1, four(-90), 0, false}, {0, []byte{1, 2}, 0, true},
	} {
		data := append(uintElement(idProjectionType, tt.kind), element(idProjectionRoll, tt.roll)...)
		if got, err := parseProjection(data); got != tt.want || (err != nil) != tt.err {
			t.Errorf("type %d, roll %x: %d, %v; want %d", tt.kind, tt.roll, got, err, tt.want)
		}
	}
}

// A memory is a file in memory.
type memory struct {
	b  []byte
	at int
}

func (m *memory) Write(b []byte) (int, error) {
	m.b = append(m.b[:m.at], append(bytes.Clone(b), m.b[min(len(m.b), m.at+len(b)):]...)...)
	m.at += len(b)
	return len(b), nil
}

func (m *memory) Seek(offset int64, whence int) (int64, error) {
	if whence == 0 {
		m.at = int(offset)
	}
	return int64(m.at), nil
}
