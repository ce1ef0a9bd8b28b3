package web

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

const base = "api/recordings/" + testID

// frames reads parts back.
func frames(t testing.TB, parts ...readPart) (frames []media.Frame) {
	t.Helper()
	var b []byte
	for i, p := range parts {
		if i == 0 {
			b = append(b, p.body[:p.Init]...)
		}
		b = append(b, p.body[p.Init:]...)
	}
	r, err := matroska.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, err := r.Next()
		if err == io.EOF {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, b.Frame)
	}
}

// TestSegments plays a recording from end to end.
func TestSegments(t *testing.T) {
	s := serve(t, meeting(t, 6))
	var sound, picture []readPart
	for n := range 6 {
		w := get(t, s, fmt.Sprintf("%s/segments/%d", base, n))
		if w.Code != 200 || w.Header().Get("Content-Type") != "application/octet-stream" {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		parts := readParts(t, w.Body)
		if len(parts) != 2 || parts[0].Track != "11" || parts[1].Track != "9223372036854775813" {
			t.Fatalf("parts %+v", parts)
		}
		for _, p := range parts {
			if p.From != float64(5*n) || p.To != float64(5*n+5) {
				t.Errorf("segment %d: part from %v to %v", n, p.From, p.To)
			}
		}
		sound, picture = append(sound, parts[0]), append(picture, parts[1])
	}
	if got := frames(t, sound...); len(got) != 6*250 {
		t.Errorf("%d frames of sound", len(got))
	}
	got := frames(t, picture...)
	if len(got) != 6*125 {
		t.Errorf("%d pictures", len(got))
	}
	for i, f := range got {
		if f.Time != time.Duration(i)*40*time.Millisecond || f.Key != (i%125 == 0) {
			t.Fatalf("picture %d: %+v", i, f)
		}
	}
	if picture[0].InitID != picture[5].InitID {
		t.Error("initialization segments differ")
	}
	if parts := readParts(t, get(t, s, base+"/segments/2?tracks=11").Body); len(parts) != 1 || parts[0].Track != "11" {
		t.Errorf("parts of one track: %+v", parts)
	}
	if parts := readParts(t, get(t, s, base+"/segments/2?tracks=").Body); len(parts) != 0 {
		t.Errorf("parts of no track: %+v", parts)
	}
}
