package playback

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// TestStreamMatroska: what is streamed is the file that ExportMatroska makes, whether it
// is held in memory or made twice.
func TestStreamMatroska(t *testing.T) {
	sound, frames := beeps(t, 1, "ada", 3*time.Second, 0)
	s := open(t, cut(t, []media.Track{sound}, frames))
	o := ExportOptions{From: 500 * time.Millisecond, To: 2500 * time.Millisecond}
	want := &draft{limit: 1 << 30}
	if _, err := ExportMatroska(t.Context(), s, want, o); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int64{0, want.size - 1, want.size, maxDraft} {
		var b bytes.Buffer
		var told []time.Duration
		size := int64(-1)
		o.Progress = func(done, total time.Duration) {
			if total != 2*time.Second {
				t.Errorf("%d: progress of %v", limit, total)
			}
			told = append(told, done)
		}
		r, err := streamMatroska(t.Context(), s, &b, o, func(n int64) {
			if b.Len() > 0 {
				t.Errorf("%d: it had begun", limit)
			}
			size = n
		}, limit)
		if err != nil || r.Duration != 2*time.Second || !bytes.Equal(b.Bytes(), want.data) || size != want.size {
			t.Errorf("%d: %d bytes, said to be %d, want %d: %v, %v", limit, b.Len(), size, want.size, r.Duration, err)
		}
		if !slices.IsSorted(told) || told[len(told)-1] != 2*time.Second {
			t.Errorf("%d: progress %v", limit, told)
		}
	}
}

// TestDraft: a draft is the file, or only its header and length.
func TestDraft(t *testing.T) {
	for _, limit := range []int64{0, 4, 10, 11, 100} {
		d := &draft{limit: limit}
		write := func(w io.WriteSeeker) {
			for _, step := range []struct {
				at    int64
				bytes string
			}{{0, "head"}, {4, "abc"}, {7, "defg"}, {0, "HEAD"}} {
				if _, err := w.Seek(step.at, io.SeekStart); err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(w, step.bytes); err != nil {
					t.Fatal(err)
				}
			}
			if at, err := w.Seek(0, io.SeekEnd); err != nil || at != 11 {
				t.Errorf("its end is %d, %v", at, err)
			}
		}
		write(d)
		if string(d.head) != "HEAD" || d.size != 11 || d.whole() != (limit >= 11) || d.whole() && string(d.data) != "HEADabcdefg" {
			t.Errorf("limit %d: %+v", limit, d)
		}
		var b bytes.Buffer
		r := &resend{w: &b, draft: d}
		if write(r); b.String() != "HEADabcdefg" || r.check() != nil {
			t.Errorf("sent %q: %v", &b, r.check())
		}
		if _, err := r.Write([]byte("more")); !errors.Is(err, errDraft) {
			t.Errorf("longer: %v", err)
		}
		if err := (&resend{w: &b, draft: d}).check(); !errors.Is(err, errDraft) {
			t.Errorf("shorter: %v", err)
		}
	}
}
