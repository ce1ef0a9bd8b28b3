package matroska_test

import (
	"bytes"
	"errors"
	"io"
	"math/bits"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// segment writes frames as a closed segment.
func segment(t testing.TB, h matroska.Header, frames []media.Frame) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := matroska.NewWriter(&b, h)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		if err := w.WriteFrame(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Size() != int64(b.Len()) {
		t.Errorf("Size is %d after %d bytes", w.Size(), b.Len())
	}
	return b.Bytes()
}

func testHeader() matroska.Header {
	return matroska.Header{
		Recording: "0123456789ABCDEFGHJKMNPQRS", Segment: 12, Epoch: 3, Title: "Stand-up",
		Start: time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC), Tracks: twoTracks,
	}
}

// syntheticFrames are frames in a slightly wrong order, with jumps either way.
func syntheticFrames() []media.Frame {
	const ms = time.Millisecond
	opus := []byte{0xf8, 0xff, 0xfe}
	sound := func(at time.Duration) media.Frame {
		return media.Frame{Track: twoTracks[0].UID, Time: at, Duration: 20 * ms, Key: true, Data: opus}
	}
	picture := func(at time.Duration, key bool, n int) media.Frame {
		return media.Frame{Track: 7, Time: at, Key: key, Data: bytes.Repeat([]byte{byte(n)}, n)}
	}
	return []media.Frame{
		sound(60 * time.Second),
		picture(60*time.Second+2500*time.Microsecond, true, 70000),
		sound(60*time.Second + 20*ms),
		sound(59*time.Second + 980*ms), // late
		picture(60*time.Second+33300*time.Microsecond, false, 126),
		picture(61*time.Second, false, 127),
		picture(61*time.Second+100*time.Microsecond, false, 16383),
		sound(58 * time.Second),
		sound(2 * time.Second), // far out of a block's reach
		sound(100 * time.Hour),
		picture(0, true, 1),
	}
}

func TestRoundTrip(t *testing.T) {
	want := syntheticFrames()
	events := []media.Event{
		{Time: 60 * time.Second, Type: media.EventJoin, Participant: "bob", Name: "\u202e\n\n<b>"},
		{Time: 61 * time.Second, Type: media.EventHole, Track: 7, From: time.Second, To: 2 * time.Second, Reason: media.HoleKeyFrame},
	}
	var b bytes.Buffer
	w, err := matroska.NewWriter(&b, testHeader())
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range want {
		if err := w.WriteFrame(f); err != nil {
			t.Fatal(err)
		}
		if i < len(events) {
			if err := w.WriteEvent(events[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]io.Reader{
		"whole":  bytes.NewReader(b.Bytes()),
		"bytes":  iotest.OneByteReader(bytes.NewReader(b.Bytes())),
		"halves": iotest.DataErrReader(iotest.HalfReader(bytes.NewReader(b.Bytes()))),
	} {
		h, frames, got := read(t, r)
		if !reflect.DeepEqual(h, testHeader()) {
			t.Errorf("%s: header %+v\nwant %+v", name, h, testHeader())
		}
		if !reflect.DeepEqual(frames, want) {
			t.Errorf("%s: frames differ", name)
		}
		if !reflect.DeepEqual(got, events) {
			t.Errorf("%s: events %+v", name, got)
		}
	}
}

// TestTruncated cuts a segment at every byte. What is complete before the cut
// comes back, and the cut is told from the end wherever that is possible.
func TestTruncated(t *testing.T) {
	frames := syntheticFrames()[2:6]
	whole := segment(t, testHeader(), frames)
	var unexpected, clean int
	for n := range whole {
		m, err := matroska.NewReader(bytes.NewReader(whole[:n]))
		if err != nil {
			if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, matroska.ErrFormat) {
				t.Fatalf("cut at %d: %v", n, err)
			}
			continue
		}
		var got int
		for {
			b, err := m.Next()
			if err == io.EOF {
				clean++
				break
			}
			if err != nil {
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatalf("cut at %d: %v", n, err)
				}
				if _, again := m.Next(); again != err {
					t.Fatalf("cut at %d: then %v", n, again)
				}
				unexpected++
				break
			}
			if !reflect.DeepEqual(b.Frame, frames[got]) {
				t.Fatalf("cut at %d: frame %d differs", n, got)
			}
			got++
		}
	}
	// Clean cuts: after the header, each frame, cluster head and timestamp.
	if clean > 4+len(frames) || unexpected == 0 {
		t.Errorf("%d cuts passed for the end, %d did not", clean, unexpected)
	}
}

func TestPadded(t *testing.T) {
	for n := 1; n < 3000; n += 7 {
		b := segment(t, testHeader(), []media.Frame{{Track: 7, Data: make([]byte, n)}})
		// Padmé: with e = floor(log2 L), the last e - floor(log2 e) - 1 bits are zero.
		e := bits.Len(uint(len(b))) - 1
		if zeros := e - bits.Len(uint(e)); bits.TrailingZeros(uint(len(b))) < zeros {
			t.Fatalf("%d bytes of frame gave a segment of %d", n, len(b))
		}
		read(t, bytes.NewReader(b))
	}
}

var errDisk = errors.New("no space left on device")

// A fullDisk takes n bytes.
type fullDisk struct {
	n      int
	closed bool
}

func (d *fullDisk) Write(b []byte) (int, error) {
	n := min(len(b), d.n)
	d.n -= n
	if n < len(b) {
		return n, errDisk
	}
	return n, nil
}

func (d *fullDisk) Close() error {
	d.closed = true
	return nil
}

// TestFullDisk fills the disk after every possible number of bytes: the call
// that met it says so, and each call after it.
func TestFullDisk(t *testing.T) {
	frames := syntheticFrames()[2:6]
	whole := segment(t, testHeader(), frames)
	for n := range whole {
		d := &fullDisk{n: n}
		w, err := matroska.NewWriter(d, testHeader())
		if err != nil {
			if !errors.Is(err, errDisk) {
				t.Fatal(err)
			}
			continue
		}
		for _, f := range frames {
			before := d.n
			err := w.WriteFrame(f)
			if failed := before == d.n && n > 0 || d.n == 0; err != nil && !failed {
				t.Fatalf("after %d bytes: %v", n, err)
			}
			if err != nil && !errors.Is(err, errDisk) {
				t.Fatal(err)
			}
			if err == nil && w.Size() != int64(n-d.n) {
				t.Fatalf("Size is %d after %d bytes", w.Size(), n-d.n)
			}
		}
		if err := w.Close(); !errors.Is(err, errDisk) {
			t.Fatalf("Close after %d bytes of %d: %v", n, len(whole), err)
		}
		if err := w.WriteFrame(frames[0]); !errors.Is(err, errDisk) {
			t.Fatalf("WriteFrame after the failure: %v", err)
		}
		if d.closed {
			t.Fatal("closed what it does not own")
		}
	}
}

func TestRefusedHeaders(t *testing.T) {
	track := func(change func(*media.Track)) []media.Track {
		track := twoTracks[1]
		change(&track)
		return []media.Track{track}
	}
	many := make([]media.Track, media.MaxTracks+1)
	for i := range many {
		many[i] = media.Track{UID: uint64(i + 1), Codec: media.Opus}
	}
	for name, h := range map[string]matroska.Header{
		"UID 0":       {Tracks: track(func(t *media.Track) { t.UID = 0 })},
		"events' UID": {Tracks: track(func(t *media.Track) { t.UID = matroska.EventsUID })},
		"twice":       {Tracks: []media.Track{twoTracks[0], twoTracks[0]}},
		"codec":       {Tracks: track(func(t *media.Track) { t.Codec = "mp3" })},
		"size":        {Tracks: track(func(t *media.Track) { t.Width = -1 })},
		"channels":    {Tracks: track(func(t *media.Track) { t.Codec, t.Channels = media.Opus, 3 })},
		"tracks":      {Tracks: many},
		"segment":     {Segment: -1},
	} {
		var b bytes.Buffer
		if _, err := matroska.NewWriter(&b, h); err == nil || b.Len() > 0 {
			t.Errorf("%s: %v, wrote %d bytes", name, err, b.Len())
		}
	}
}

// TestHostileNames: a full room of participants with endless names still has a
// header that fits and reads back.
func TestHostileNames(t *testing.T) {
	long := strings.Repeat("\u202eé\xff", 1<<20)
	tracks := make([]media.Track, media.MaxTracks)
	for i := range tracks {
		tracks[i] = media.Track{UID: uint64(i + 1), Participant: long, Name: long, Source: media.Source(long[:600]), Codec: media.Opus}
	}
	h, _, _ := read(t, bytes.NewReader(segment(t, matroska.Header{Tracks: tracks, Title: long}, nil)))
	if len(h.Tracks) != len(tracks) {
		t.Fatalf("%d tracks", len(h.Tracks))
	}
	if got := h.Tracks[511]; got.Participant != media.Clamp(long, media.MaxIdentity) || got.Name != media.Clamp(long, media.MaxName) {
		t.Errorf("track %+v", got)
	}
}

func TestRefusedFrames(t *testing.T) {
	var b bytes.Buffer
	w, err := matroska.NewWriter(&b, testHeader())
	if err != nil {
		t.Fatal(err)
	}
	before := b.Len()
	for name, f := range map[string]media.Frame{
		"track": {Track: 8, Data: []byte{1}},
		"time":  {Track: 7, Time: -1, Data: []byte{1}},
		"empty": {Track: 7},
		"huge":  {Track: 7, Data: make([]byte, media.MaxFrame+1)},
	} {
		if err := w.WriteFrame(f); !errors.Is(err, matroska.ErrFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, e := range map[string]media.Event{
		"time": {Type: media.EventJoin, Time: -1},
		"type": {},
	} {
		if err := w.WriteEvent(e); !errors.Is(err, matroska.ErrFrame) {
			t.Errorf("event %s: %v", name, err)
		}
	}
	if b.Len() != before {
		t.Errorf("refused frames wrote %d bytes", b.Len()-before)
	}
	// The largest frame passes, and the Writer goes on.
	if err := w.WriteFrame(media.Frame{Track: 7, Data: make([]byte, media.MaxFrame)}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteEvent(media.Event{Type: media.EventJoin}); err == nil {
		t.Error("wrote after Close")
	}
	if _, frames, _ := read(t, &b); len(frames) != 1 || len(frames[0].Data) != media.MaxFrame {
		t.Error("the largest frame did not come back")
	}
}

// A name that does something to a terminal or a player's menu is in a file's tags as
// the room said it, and in no title.
func TestTitlesAreHarmless(t *testing.T) {
	h := testHeader()
	h.Tracks = []media.Track{{UID: 1, Participant: "eve", Name: "E\tv\ne\x1b[2J\u202e", Source: media.Microphone, Codec: media.Opus, Channels: 2}}
	b := segment(t, h, nil)
	if !bytes.Contains(b, []byte("E v e[2J (microphone)")) || bytes.Contains(b, []byte("\u202e (")) || bytes.Count(b, []byte("\x1b[2J")) != 1 {
		t.Errorf("the header is %q", b)
	}
	r, err := matroska.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Header().Tracks[0]; got.Name != h.Tracks[0].Name {
		t.Errorf("the name is %q", got.Name)
	}
}
