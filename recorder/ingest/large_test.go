package ingest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
	"github.com/sealtape/sealtape/testdata/sample"
)

// A countingSink reads what is committed to it, and keeps nothing.
type countingSink struct {
	segments, indexes int
	frames            map[uint64]int
	first, last       map[uint64]time.Duration
}

type countedObject struct {
	bytes.Buffer
	number int
	commit func([]byte) error
}

func (s *countingSink) CreateSegment() (recorder.Object, error) {
	s.segments++
	return &countedObject{number: s.segments - 1, commit: s.read}, nil
}

func (s *countingSink) CreateIndex() (recorder.Object, error) {
	s.indexes++
	return &countedObject{number: s.indexes - 1, commit: func(b []byte) error {
		_, err := media.ReadIndex(bytes.NewReader(b))
		return err
	}}, nil
}

func (o *countedObject) Number() int   { return o.number }
func (o *countedObject) Epoch() int    { return 1 }
func (o *countedObject) Commit() error { return o.commit(o.Bytes()) }
func (o *countedObject) Abort() error  { return nil }

func (s *countingSink) read(b []byte) error {
	if s.frames == nil {
		s.frames, s.first, s.last = make(map[uint64]int), make(map[uint64]time.Duration), make(map[uint64]time.Duration)
	}
	r, err := matroska.NewReader(bytes.NewReader(b))
	for err == nil {
		var k matroska.Block
		if k, err = r.Next(); err != nil || k.Event != nil {
			continue
		}
		if s.frames[k.Frame.Track]++; s.frames[k.Frame.Track] == 1 {
			s.first[k.Frame.Track] = k.Frame.Time
		}
		s.last[k.Frame.Track] = max(s.last[k.Frame.Track], k.Frame.Time)
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// counted imports a file into a sink that counts.
func counted(t *testing.T, path string) (*File, *countingSink, *Report) {
	t.Helper()
	p, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	f, err := p.Look(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	sink := new(countingSink)
	r, err := p.Write(t.Context(), sink, Meeting{Recording: "0123456789ABCDEFGHJKMNPQRS", Start: time.Unix(1e9, 0), At: time.Unix(2e9, 0),
		Parts: []Part{{File: f, Participant: "a", Name: "a"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f, sink, r
}

// TestLongFile: the times of a file of ten hours are right to its end, where they have
// more than 32 bits in its own units.
func TestLongFile(t *testing.T) {
	t.Parallel()
	const minutes = 600
	args := []string{"-f", "lavfi", "-i", "testsrc=size=32x32:rate=1:duration=60,format=yuv420p"}
	if sample.All() {
		args = append(args, "-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono", "-t", "60", "-c:a", "libopus", "-frame_duration", "60")
	}
	args = append(args, "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-b_strategy", "0", "-video_track_timescale", "1000000")
	minute := ffmpeg(t, "minute.mp4", args...)
	path := ffmpeg(t, "long.mp4", "-stream_loop", strconv.Itoa(minutes-1), "-i", minute, "-c", "copy", "-video_track_timescale", "1000000")
	f, sink, r := counted(t, path)
	const length = minutes * time.Minute
	if (f.Length-length).Abs() > time.Minute || (r.Length-length).Abs() > time.Minute || sink.indexes < 2 || int64(length/time.Microsecond) < 1<<32 {
		t.Errorf("%v, and then %v, %d indexes", f.Length, r.Length, sink.indexes)
	}
	want := packetsOf(t, path, "v")
	for _, k := range r.Tracks {
		if k.Codec.Audio() {
			if at := sink.last[k.UID]; (at - length).Abs() > time.Minute {
				t.Errorf("sound ends at %v", at)
			}
			continue
		}
		last := slices.MaxFunc(want, func(a, b seen) int { return int(a.at - b.at) })
		if at := sink.last[k.UID]; (at-last.at).Abs() > 10*time.Millisecond || sink.frames[k.UID] != len(want) || len(want) != minutes*60 {
			t.Errorf("%d pictures of %d, the last at %v, want %v", sink.frames[k.UID], len(want), at, last.at)
		}
	}
}

// TestLargeFile: what lies beyond 4 GiB in a file is read from there. The file is one with
// a hole before its pictures, which takes no room on a disk.
func TestLargeFile(t *testing.T) {
	t.Parallel()
	small := ffmpeg(t, "small.mp4", slices.Concat(film, sound, bs, []string{"-c:a", "aac"})...)
	want := packetsOf(t, small, "v")
	path := filepath.Join(t.TempDir(), "large.mp4")
	const hole = 5 << 30
	if err := withHole(small, path, hole); err != nil {
		t.Fatal(err)
	}
	f, sink, r := counted(t, path)
	if f.Size < hole || len(r.Tracks) != 2 {
		t.Errorf("%d bytes, %d tracks", f.Size, len(r.Tracks))
	}
	for _, k := range r.Tracks {
		if !k.Codec.Audio() && sink.frames[k.UID] != len(want) {
			t.Errorf("%d pictures of %d", sink.frames[k.UID], len(want))
		}
	}
	smallFile, _, smallReport := counted(t, small)
	if f.Length != smallFile.Length {
		t.Errorf("%v long, and without the hole %v", f.Length, smallFile.Length)
	}
	for i, k := range r.Tracks { // pictures bit by bit
		if other := smallReport.Tracks[i]; !k.Codec.Audio() && !r.Sums[k.UID].Equal(smallReport.Sums[other.UID]) {
			t.Error("the pictures are others")
		}
	}
	if sample.All() {
		if sum, err := f.Hash(t.Context(), nil); err != nil || len(sum) != 64 {
			t.Errorf("%s, %v", sum, err)
		}
	}
}

// withHole writes an MP4 file again with so many zeros before its media, and 64-bit
// offsets to it.
func withHole(from, to string, hole int64) (err error) {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var head, media, moov []byte
	var at, mediaAt int64
	for rest := b; len(rest) > 8; {
		size := int64(binary.BigEndian.Uint32(rest))
		if size < 8 || size > int64(len(rest)) {
			return errors.New("a box makes no sense")
		}
		switch box := rest[:size]; string(rest[4:8]) {
		case "mdat":
			media, mediaAt = box[8:], at+8
		case "moov":
			moov = box
		case "ftyp":
			head = box
		}
		rest, at = rest[size:], at+size
	}
	begin := int64(len(head)) + 16 + hole // of the media
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	size := append([]byte{0, 0, 0, 1, 'm', 'd', 'a', 't'}, binary.BigEndian.AppendUint64(nil, uint64(16+hole+int64(len(media))))...)
	if _, err := out.Write(slices.Concat(head, size)); err != nil {
		return err
	}
	if _, err := out.WriteAt(slices.Concat(media, movedBox(moov, begin-mediaAt)), begin); err != nil {
		return err
	}
	return nil
}

// movedBox returns a box with all chunk offsets that are in it moved, as 64-bit ones.
func movedBox(box []byte, by int64) []byte {
	kind := string(box[4:8])
	switch kind {
	case "moov", "trak", "mdia", "minf", "stbl":
		var in []byte
		for rest := box[8:]; len(rest) >= 8; {
			size := binary.BigEndian.Uint32(rest)
			in = append(in, movedBox(rest[:size], by)...)
			rest = rest[size:]
		}
		return boxOf(kind, in)
	case "stco":
		in := slices.Clone(box[8:16])
		for rest := box[16:]; len(rest) >= 4; rest = rest[4:] {
			in = binary.BigEndian.AppendUint64(in, uint64(int64(binary.BigEndian.Uint32(rest))+by))
		}
		return boxOf("co64", in)
	}
	return box
}

func boxOf(kind string, in []byte) []byte {
	return slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(8+len(in))), []byte(kind), in)
}
