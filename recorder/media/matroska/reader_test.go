package matroska_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// el is an element with a size of four bytes; children are data or elements.
func el(id string, data ...string) string {
	d := strings.Join(data, "")
	n := len(d)
	return id + string([]byte{0x10 | byte(n>>24), byte(n >> 16), byte(n >> 8), byte(n)}) + d
}

// IDs as bytes, written out so that the reader is held against the RFC.
const (
	xEBML      = "\x1a\x45\xdf\xa3"
	xDocType   = "\x42\x82"
	xSegment   = "\x18\x53\x80\x67"
	xInfo      = "\x15\x49\xa9\x66"
	xScale     = "\x2a\xd7\xb1"
	xTracks    = "\x16\x54\xae\x6b"
	xEntry     = "\xae"
	xNumber    = "\xd7"
	xUID       = "\x73\xc5"
	xType      = "\x83"
	xCodec     = "\x86"
	xEncodings = "\x6d\x80"
	xTags      = "\x12\x54\xc3\x67"
	xTag       = "\x73\x73"
	xSimpleTag = "\x67\xc8"
	xTagName   = "\x45\xa3"
	xTagString = "\x44\x87"
	xCluster   = "\x1f\x43\xb6\x75"
	xTimestamp = "\xe7"
	xSimple    = "\xa3"
	xGroup     = "\xa0"
	xBlock     = "\xa1"
	xDuration  = "\x9b"
	xReference = "\xfb"
	xCues      = "\x1c\x53\xbb\x6b"
	xVoid      = "\xec"
	unknown    = "\x01\xff\xff\xff\xff\xff\xff\xff"
)

var (
	xHead  = el(xEBML, el(xDocType, "matroska"))
	xSound = el(xEntry, el(xNumber, "\x01"), el(xUID, "\x05"), el(xType, "\x02"), el(xCodec, "A_OPUS"))
	xVideo = el(xEntry, el(xNumber, "\x02"), el(xUID, "\x06"), el(xType, "\x01"), el(xCodec, "V_VP8"))
	xOther = el(xEntry, el(xNumber, "\x03"), el(xUID, "\x07"), el(xType, "\x11"), el(xCodec, "S_TEXT/UTF8"))
)

// file is a file with the given tracks and then the given elements.
func file(tracks string, rest ...string) string {
	return xHead + xSegment + unknown + el(xTracks, tracks) + strings.Join(rest, "")
}

func collect(in string) (frames []media.Frame, err error) {
	m, err := matroska.NewReader(strings.NewReader(in))
	for err == nil {
		var b matroska.Block
		if b, err = m.Next(); err == nil && b.Event == nil {
			frames = append(frames, b.Frame)
		}
	}
	return frames, err
}

// TestForms reads one pair of frames in every form that RFC 9559 allows.
func TestForms(t *testing.T) {
	const ms = time.Millisecond
	opus := "\xf8\xff\xfe"
	want := []media.Frame{
		{Track: 5, Time: 256 * ms, Duration: 20 * ms, Key: true, Data: []byte(opus)},
		{Track: 6, Time: 255 * ms, Key: false, Data: []byte("x")},
	}
	at := el(xTimestamp, "\x01\x00")
	blocks := el(xSimple, "\x81\x00\x00\x80", opus) + el(xSimple, "\x82\xff\xff\x00x")
	groups := el(xGroup, el(xBlock, "\x81\x00\x00\x00", opus)) + el(xGroup, el(xReference, "\xff"), el(xBlock, "\x82\xff\xff\x00x"))
	both := xSound + xVideo
	for name, in := range map[string]string{
		"unknown sizes":     file(both, xCluster, unknown, at, blocks),
		"one-byte unknown":  file(both, xCluster, "\xff", at, blocks),
		"known sizes":       xHead + el(xSegment, el(xTracks, both), el(xCluster, at, blocks)),
		"then cues":         file(both, xCluster, unknown, at, blocks, el(xCues, "junk"), el(xTags, "junk")),
		"groups":            file(both, el(xCluster, at, groups)),
		"voids":             xHead + el(xVoid, "12") + xSegment + unknown + el(xVoid) + el(xTracks, el(xVoid, "1"), both) + el(xCluster, el(xVoid), at, el(xVoid, "x"), blocks, el(xVoid, "y")),
		"two clusters":      file(both, xCluster, unknown, at, blocks[:12], el(xCluster, at, blocks[12:])),
		"other tracks":      file(both+xOther, el(xCluster, at, el(xSimple, "\x83\x00\x00\x80subtitle"), blocks)),
		"tracks repeated":   file(both, el(xTracks, both), el(xCluster, at, blocks)),
		"scale":             xHead + xSegment + unknown + el(xInfo, el(xScale, "\x07\xa1\x20")) + el(xTracks, both) + el(xCluster, el(xTimestamp, "\x02\x00"), el(xSimple, "\x81\x00\x00\x80", opus), el(xSimple, "\x82\xff\xfe\x00x")),
		"segment then more": xHead + el(xSegment, el(xTracks, both), el(xCluster, at, blocks)) + "trailing bytes",
	} {
		got, err := collect(in)
		if err != io.EOF || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	got, err := collect(file(xVideo, el(xCluster, at, el(xGroup, el(xBlock, "\x82\x00\x00\x00x"), el(xDuration, "\x21")))))
	if err != io.EOF || len(got) != 1 || got[0].Duration != 33*ms || !got[0].Key {
		t.Errorf("block duration: %+v, %v", got, err)
	}
}

func TestHostile(t *testing.T) {
	at := el(xTimestamp, "\x00")
	block := el(xSimple, "\x81\x00\x00\x80x")
	var many strings.Builder
	for i := range media.MaxTracks + 2 {
		n := string([]byte{byte(i >> 8), byte(i)})
		many.WriteString(el(xEntry, el(xNumber, "\x01"+n), el(xUID, "\x01"+n), el(xType, "\x02")))
	}
	for name, tt := range map[string]struct{ in, want string }{
		"another format":   {"RIFF....WAVE", "no EBML header"},
		"endless head":     {xEBML + "\x01\xff\xff\xff\xff\xff\xff\xfe", "no EBML header"},
		"another doctype":  {el(xEBML, el(xDocType, "evil\x1b[2J")), "document type"},
		"no segment":       {xHead + el(xCues), "where the segment should begin"},
		"no tracks":        {xHead + el(xSegment), "no tracks"},
		"huge header":      {file(xSound + el(xVoid, strings.Repeat("x", 2<<20))), "of header"},
		"many headers":     {file(xSound, strings.Repeat(el(xTags, strings.Repeat(el(xVoid, strings.Repeat("x", 1000)), 500)), 6)), "of header"},
		"unknown size":     {xHead + xSegment + unknown + xTracks + unknown, "of header"},
		"overrun":          {file("\xae\x84abc"), "overruns its parent"},
		"no number":        {file(el(xEntry, el(xUID, "\x01"))), "without a number"},
		"two of a number":  {file(xSound + xSound), "two tracks"},
		"many tracks":      {file(many.String()), "more than 512 tracks"},
		"long integer":     {file(el(xEntry, el(xNumber, "123456789"))), "of 9 bytes"},
		"encodings":        {file(el(xEntry, el(xEncodings))), "content encodings"},
		"scale zero":       {xHead + xSegment + unknown + el(xInfo, el(xScale, "\x00")), "timestamp scale"},
		"scale huge":       {xHead + xSegment + unknown + el(xInfo, el(xScale, "\xff\xff\xff\xff\xff")), "timestamp scale"},
		"segment number":   {file(xSound, el(xTags, el(xTag, el(xSimpleTag, el(xTagName, "SEGMENT"), el(xTagString, "-1"))))), "not a number"},
		"xiph lacing":      {file(xSound, el(xCluster, at, el(xSimple, "\x81\x00\x00\x82x"))), "laced"},
		"ebml lacing":      {file(xSound, el(xCluster, at, el(xSimple, "\x81\x00\x00\x86x"))), "laced"},
		"fixed lacing":     {file(xSound, el(xCluster, at, el(xGroup, el(xBlock, "\x81\x00\x00\x04x")))), "laced"},
		"short block":      {file(xSound, el(xCluster, at, el(xSimple, "\x81\x00"))), "block of 2 bytes"},
		"empty group":      {file(xSound, el(xCluster, at, el(xGroup))), "without a block"},
		"no timestamp":     {file(xSound, el(xCluster, block)), "before its cluster's timestamp"},
		"next has none":    {file(xSound, el(xCluster, at, block), el(xCluster, block)), "before its cluster's timestamp"},
		"unlisted track":   {file(xVideo, el(xCluster, at, block)), "not listed"},
		"negative time":    {file(xSound, el(xCluster, at, el(xSimple, "\x81\xff\xff\x80x"))), "before time zero"},
		"endless time":     {file(xSound, el(xCluster, el(xTimestamp, "\xff\xff\xff\xff\xff\xff\xff\xff"), block)), "cluster timestamp"},
		"long timestamp":   {file(xSound, el(xCluster, el(xTimestamp, "123456789"), block)), "cluster timestamp of"},
		"huge frame":       {file(xSound, xCluster, unknown, at, xSimple+"\x08\x90\x00\x00\x00"), "more than"},
		"huge group":       {file(xSound, xCluster, unknown, at, xGroup+"\x01\xff\xff\xff\xff\xff\xff\xfe"), "more than"},
		"overruns cluster": {file(xSound, xCluster+"\x88", at, block), "overruns its cluster"},
		"overruns segment": {xHead + xSegment + "\xc0" + el(xTracks, xSound) + xCluster + "\xc0", "overruns the segment"},
		"unknown in block": {file(xSound, el(xCluster, at, xSimple+unknown)), "overruns its cluster"},
		"second document":  {file(xSound, el(xCluster, at, block), xHead), "second document"},
		"bad ID":           {file(xSound, el(xCluster, at), "\x00\x80"), "bad element ID"},
		"bad size":         {file(xSound, el(xCluster, at), "\xec\x00"), "bad element size"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := collect(tt.in)
			if !errors.Is(err, matroska.ErrFormat) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestPromisedMemory: a head that promises 8 MiB costs what arrives, not that.
func TestPromisedMemory(t *testing.T) {
	in := file(xSound, xCluster, unknown, el(xTimestamp, "\x00"), xSimple+"\x10\x7f\xff\xff", "\x81\x00\x00\x80")
	r := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := collect(in); err != io.ErrUnexpectedEOF {
				b.Fatal(err)
			}
		}
	})
	if n := r.AllocedBytesPerOp(); n > 256<<10 {
		t.Errorf("%d bytes allocated", n)
	}
}

// TestGolden holds the format in place: a segment of version 1 is read, and
// written again from what was read it has the same bytes.
func TestGolden(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", "segment-v1.mkv"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := matroska.NewReader(bytes.NewReader(golden))
	if err != nil {
		t.Fatal(err)
	}
	h := m.Header()
	if h.Recording != "0123456789ABCDEFGHJKMNPQRS" || h.Segment != 12 || h.Epoch != 3 || len(h.Tracks) != 2 || m.FormatVersion() != 1 {
		t.Errorf("header %+v", h)
	}
	var b bytes.Buffer
	w, err := matroska.NewWriter(&b, h)
	if err != nil {
		t.Fatal(err)
	}
	var frames, events int
	for {
		block, err := m.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if block.Event != nil {
			events++
			err = w.WriteEvent(*block.Event)
		} else {
			frames++
			err = w.WriteFrame(block.Frame)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if frames < 30 || events != 2 {
		t.Errorf("%d frames, %d events", frames, events)
	}
	if !bytes.Equal(b.Bytes(), golden) {
		t.Error("written again, the segment has other bytes")
	}
	decodes(t, filepath.Join("testdata", "segment-v1.mkv"))
}

func FuzzReader(f *testing.F) {
	golden, err := os.ReadFile(filepath.Join("testdata", "segment-v1.mkv"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden[:2000])
	f.Add([]byte(file(xSound+xVideo, el(xCluster, el(xTimestamp, "\x01\x00"), el(xSimple, "\x81\x00\x00\x80x")))))
	f.Add([]byte(file(xVideo, xCluster, "\xff", el(xTimestamp, "\x00"), el(xGroup, el(xReference, "\xff"), el(xBlock, "\x82\x00\x00\x00x")), el(xCues))))
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := matroska.NewReader(bytes.NewReader(in))
		if err != nil {
			return
		}
		h := m.Header()
		if len(h.Tracks) > media.MaxTracks+1 {
			t.Fatalf("%d tracks", len(h.Tracks))
		}
		var frames []media.Frame
		var size int
		for {
			b, err := m.Next()
			if err != nil {
				break
			}
			if b.Event != nil {
				continue
			}
			size += len(b.Frame.Data)
			if b.Frame.Time < 0 || size > len(in) {
				t.Fatalf("frame at %v, %d bytes of frames from %d", b.Frame.Time, size, len(in))
			}
			frames = append(frames, b.Frame)
		}
		// What can be written again comes back as it is, on the writer's ticks.
		var out bytes.Buffer
		w, err := matroska.NewWriter(&out, h)
		if err != nil {
			return
		}
		for _, frame := range frames {
			if err := w.WriteFrame(frame); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		_, back, _ := read(t, &out)
		if len(back) != len(frames) {
			t.Fatalf("%d frames came back as %d", len(frames), len(back))
		}
		for i := range back {
			d := back[i].Time - frames[i].Time
			if d > 50*time.Microsecond || d < -50*time.Microsecond || !bytes.Equal(back[i].Data, frames[i].Data) || back[i].Track != frames[i].Track {
				t.Fatalf("frame %d: %+v came back as %+v", i, frames[i], back[i])
			}
		}
	})
}

func TestCorpus(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join("testdata", "fuzz", "FuzzReader"))
	if err != nil || len(entries) < 5 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}
