package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/playback"
)

// exported is what playback exports of a recording.
func exported(t *testing.T, r *fakeRecording, o playback.ExportOptions) []byte {
	t.Helper()
	session, err := r.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := &draft{limit: 1 << 30}
	if _, err := playback.ExportMatroska(t.Context(), session, d, o); err != nil {
		t.Fatal(err)
	}
	if !d.whole() || len(d.data) < 1000 {
		t.Fatalf("%d bytes", len(d.data))
	}
	return d.data
}

// TestExport: the page gets the file that export writes, whole or a part, whether
// it is held in memory or made twice.
func TestExport(t *testing.T) {
	r := meeting(t, 3)
	s := serve(t, r)
	for _, limit := range []int64{maxDraft, 1500, 0} {
		s.maxDraft = limit
		for query, o := range map[string]playback.ExportOptions{
			"":                 {},
			"?from=2.5&to=7.5": {From: 2500e6, To: 7500e6},
			"?from=12":         {From: 12e9},
			"?to=99999":        {To: 99999e9},
		} {
			w := get(t, s, base+"/export"+query)
			want := exported(t, r, o)
			if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), want) {
				t.Errorf("%d, %q: status %d, %d bytes, want %d", limit, query, w.Code, w.Body.Len(), len(want))
			}
			if w.Result().ContentLength != int64(len(want)) || w.Header().Get("Content-Type") != "video/matroska" {
				t.Errorf("%d, %q: headers %v", limit, query, w.Header())
			}
		}
	}
	if got := get(t, s, base+"/export?from=61&to=72.4").Code; got != 404 {
		t.Errorf("nothing is there: status %d", got)
	}
	w := get(t, s, base+"/export?from=2.5&to=7")
	if got := w.Header().Get("Content-Disposition"); got != "attachment; filename=2026-03-04-0506-from-3s-to-7s.mkv" {
		t.Errorf("named %q", got)
	}
}

// TestExportRefused: what is no part of a recording is not exported, nor more at once
// than there are slots.
func TestExportRefused(t *testing.T) {
	s := serve(t, meeting(t, 1))
	for query, want := range map[string]int{
		"?from=x": 400, "?from=-1": 400, "?to=NaN": 400, "?to=1e300": 400, "?from=3&to=3": 400, "?from=3&to=2": 400, "?from=Inf": 400,
		"/x": 404, "?from=0": 200,
	} {
		if w := get(t, s, base+"/export"+query); w.Code != want {
			t.Errorf("%s: status %d, want %d", query, w.Code, want)
		}
	}
	for range exportSlots {
		s.exports <- struct{}{}
	}
	if w := get(t, s, base+"/export"); w.Code != 503 || !strings.Contains(w.Body.String(), `"later"`) {
		t.Errorf("with all slots taken: %d, %s", w.Code, w.Body)
	}
	<-s.exports
	if w := get(t, s, base+"/export"); w.Code != 200 || len(s.exports) != exportSlots-1 {
		t.Errorf("with one free: %d, %d taken", w.Code, len(s.exports))
	}
}

// TestExportEnds: an export ends with the browser's request, or with the server.
func TestExportEnds(t *testing.T) {
	for name, end := range map[string]func(s *Server, cancel func()){
		"the browser goes away": func(_ *Server, cancel func()) { cancel() },
		"the server closes":     func(s *Server, _ func()) { s.cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			r := meeting(t, 3)
			s := serve(t, r)
			get(t, s, base) // opens it
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r.onRead(func(ctx context.Context, n int) error {
				end(s, cancel)
				<-ctx.Done()
				return ctx.Err()
			})
			request(ctx, s, base+"/export")
			if len(s.exports) != 0 {
				t.Error("it still has its slot")
			}
		})
	}
}

// TestExportBreaksOff: a file that differs when it is sent from what was announced
// does not arrive as if it were whole.
func TestExportBreaksOff(t *testing.T) {
	r := meeting(t, 3)
	s := serve(t, r)
	s.maxDraft = 0
	front := httptest.NewServer(s)
	defer front.Close()
	reads := 0
	get(t, s, base)
	r.onRead(func(ctx context.Context, n int) error {
		if n == 2 {
			reads++
			if reads > 1 {
				return errors.New("the store has gone")
			}
		}
		return nil
	})
	answer, err := http.Get(s.URL(strings.TrimPrefix(front.URL, "http://"))[:len(front.URL)+45] + base + "/export")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if b, err := io.ReadAll(answer.Body); err == nil {
		t.Errorf("%d bytes of %d arrived as whole, %d reads", len(b), answer.ContentLength, reads)
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
