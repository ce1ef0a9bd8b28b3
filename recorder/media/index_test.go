package media

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func testIndex() *Index {
	return &Index{
		Recording: "0123456789ABCDEFGHJKMNPQRS",
		Start:     time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC),
		Segments: []IndexSegment{
			{Number: 0, Epoch: 1, Size: 4096, Duration: 5 * time.Second},
			{Number: 1, Epoch: 1, Size: 8 << 20, Start: 5 * time.Second, Duration: 4980 * time.Millisecond,
				Tracks: []IndexTrack{{UID: 1<<64 - 2, Keys: []time.Duration{5 * time.Second, 8001 * time.Millisecond},
					Continues: true, Begin: 1500 * time.Millisecond, Width: 640, Height: 360}, {UID: 3}, {UID: 4, Continues: true}}},
		},
		Tracks: []Track{
			{UID: 3, Participant: "alice", Name: "A <b>", Source: Microphone, Codec: Opus, Channels: 2},
			{UID: 1<<64 - 2, Participant: "bob", Source: Camera, Codec: VP8, Width: 640, Height: 360, Reordered: true, Turned: 90},
		},
		Events: []Event{
			{Time: time.Second, Type: EventJoin, Participant: "alice", Name: "A <b>"},
			{Time: 2 * time.Second, Type: EventHole, Track: 3, From: time.Second, To: 2 * time.Second, Reason: HoleLoss},
		},
	}
}

func TestIndex(t *testing.T) {
	x := testIndex()
	var b bytes.Buffer
	if err := WriteIndex(&b, x); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b.Bytes(), []byte("\n")); n != 7 {
		t.Errorf("%d lines, want 7:\n%s", n, &b)
	}
	if !strings.Contains(b.String(), `{"uid":"4","continues":true,"begin":0}`) {
		t.Errorf("a key frame at 0 is not told:\n%s", &b)
	}
	got, err := ReadIndex(&b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, x) {
		t.Errorf("got  %+v\nwant %+v", got, x)
	}
}

func TestIndexIgnoresNews(t *testing.T) {
	got, err := ReadIndex(strings.NewReader(`{"index":{"version":1,"recording":"X","start":"2026-01-01T00:00:00Z","more":1}}
{"speaker":{"t":1}}

{"segment":{"number":5,"epoch":1,"start":1.5,"duration":2,"size":9,"other":[]}}
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Segments) != 1 || got.Segments[0].Number != 5 || got.Segments[0].Start != 1500*time.Millisecond {
		t.Errorf("got %+v", got)
	}
}

func TestIndexRefusals(t *testing.T) {
	const head = `{"index":{"version":1,"recording":"X","start":"2026-01-01T00:00:00Z"}}` + "\n"
	for name, in := range map[string]string{
		"empty":        "",
		"no head":      `{"segment":{"number":0}}`,
		"version":      `{"index":{"version":2,"recording":"X","start":"2026-01-01T00:00:00Z"}}`,
		"two heads":    head + head,
		"not JSON":     head + "x",
		"negative":     head + `{"segment":{"number":-1}}`,
		"order":        head + `{"segment":{"number":1}}` + "\n" + `{"segment":{"number":1}}`,
		"keys":         head + `{"segment":{"number":1,"tracks":[{"uid":"1","keys":[2,1]}]}}`,
		"begin":        head + `{"segment":{"number":1,"tracks":[{"uid":"1","begin":-1}]}}`,
		"side":         head + `{"segment":{"number":1,"tracks":[{"uid":"1","width":65537,"height":1}]}}`,
		"uid":          head + `{"track":{"uid":"0"}}`,
		"width":        head + `{"track":{"uid":"1","width":-4}}`,
		"turned":       head + `{"track":{"uid":"1","turned":45}}`,
		"name":         head + `{"track":{"uid":"1","name":"` + strings.Repeat("x", MaxName+1) + `"}}`,
		"event":        head + `{"event":{"t":-1,"type":"join"}}`,
		"endless line": head + strings.Repeat(" ", maxIndexLine+1),
	} {
		if x, err := ReadIndex(strings.NewReader(in)); err == nil {
			t.Errorf("%s: read as %+v", name, x)
		}
	}
}

type failingWriter struct{}

var errFull = errors.New("full")

func (failingWriter) Write([]byte) (int, error) { return 0, errFull }

func TestIndexWriteError(t *testing.T) {
	x := testIndex()
	for len(x.Events) < 1000 {
		x.Events = append(x.Events, x.Events...)
	}
	if err := WriteIndex(failingWriter{}, x); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
	if err := WriteIndex(failingWriter{}, testIndex()); !errors.Is(err, errFull) {
		t.Errorf("short index: got %v", err)
	}
}

func FuzzIndex(f *testing.F) {
	var b bytes.Buffer
	if err := WriteIndex(&b, testIndex()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		x, err := ReadIndex(bytes.NewReader(in))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := WriteIndex(&out, x); err != nil {
			if x.Start.Year() > 9999 || x.Start.Year() < 0 {
				return
			}
			t.Fatalf("%+v was read but cannot be written: %v", x, err)
		}
		back, err := ReadIndex(&out)
		if err != nil {
			t.Fatal(err)
		}
		if !back.Start.Equal(x.Start) {
			t.Fatalf("start %v came back as %v", x.Start, back.Start)
		}
		back.Start = x.Start
		if !reflect.DeepEqual(back, x) {
			t.Fatalf("%+v came back as %+v", x, back)
		}
	})
}

// TestCorpora holds the committed corpora in place: without them the fuzz
// targets would run on their seeds alone.
func TestCorpora(t *testing.T) {
	for _, target := range []string{"FuzzEvent", "FuzzIndex", "FuzzDescribe"} {
		entries, err := os.ReadDir(filepath.Join("testdata", "fuzz", target))
		if err != nil || len(entries) < 2 {
			t.Errorf("%s: %d entries, %v", target, len(entries), err)
		}
	}
}
