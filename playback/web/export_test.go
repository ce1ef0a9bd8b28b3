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
	"github.com/sealtape/sealtape/testdata/sample"
)

// exported is what playback exports of a recording.
func exported(t *testing.T, r *fakeRecording, format string, o playback.ExportOptions) []byte {
	t.Helper()
	session, err := r.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if format == "mkv" {
		_, err = playback.StreamMatroska(t.Context(), session, &b, o, nil)
	} else {
		_, err = playback.StreamText(t.Context(), session, &b, playback.TextFormat(format), o)
	}
	if err != nil || b.Len() < 20 {
		t.Fatalf("%d bytes: %v", b.Len(), err)
	}
	return b.Bytes()
}

// TestExport: the page gets the file that export writes, whole or a part.
func TestExport(t *testing.T) {
	r := meeting(t, 3)
	s := serve(t, r)
	for format, mime := range map[string]string{"mkv": "video/matroska", "vtt": "text/vtt; charset=utf-8", "txt": "text/plain; charset=utf-8"} {
		for query, o := range map[string]playback.ExportOptions{
			"":                 {},
			"&from=2.5&to=7.5": {From: 2500e6, To: 7500e6},
			"&from=12":         {From: 12e9},
			"&to=99999":        {To: 99999e9},
		} {
			w := get(t, s, base+"/export?format="+format+query)
			want := exported(t, r, format, o)
			if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), want) {
				t.Errorf("%s, %q: status %d, %d bytes, want %d", format, query, w.Code, w.Body.Len(), len(want))
			}
			if format == "mkv" && w.Result().ContentLength != int64(len(want)) || w.Header().Get("Content-Type") != mime {
				t.Errorf("%s, %q: headers %v", format, query, w.Header())
			}
		}
	}
	if got := get(t, s, base+"/export?from=61&to=72.4"); got.Code != 404 || got.Header().Get("Content-Type") != "application/json" {
		t.Errorf("nothing is there: status %d, %v", got.Code, got.Header())
	}
	for query, want := range map[string]string{"": "mkv", "&format=txt": "txt"} {
		w := get(t, s, base+"/export?from=2.5&to=7"+query)
		if got := w.Header().Get("Content-Disposition"); got != "attachment; filename=2026-03-04-0506-from-3s-to-7s."+want {
			t.Errorf("named %q", got)
		}
	}
}

// TestExportRefused: what is no part of a recording is not exported, nor more at once
// than there are slots.
func TestExportRefused(t *testing.T) {
	s := serve(t, meeting(t, 1))
	for query, want := range map[string]int{
		"?from=x": 400, "?from=-1": 400, "?to=NaN": 400, "?to=1e300": 400, "?from=3&to=3": 400, "?from=3&to=2": 400, "?from=Inf": 400, "?format=exe": 400,
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

// TestExportBreaksOff: what breaks off while it is sent does not arrive as if it were
// whole.
func TestExportBreaksOff(t *testing.T) {
	r := meeting(t, 3)
	s := serve(t, r)
	broken := func(_ context.Context, _ *playback.Session, w io.Writer, _ playback.ExportOptions, _ func(int64)) (playback.Report, error) {
		_, err := w.Write(make([]byte, 100_000))
		return playback.Report{}, errors.Join(err, errors.New("the store has gone"))
	}
	s.formats = map[string]fileFormat{"mkv": {"video/matroska", broken}}
	front := httptest.NewServer(s)
	defer front.Close()
	answer, err := http.Get(s.URL(strings.TrimPrefix(front.URL, "http://"))[:len(front.URL)+45] + base + "/export")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if b, err := io.ReadAll(answer.Body); err == nil {
		t.Errorf("%d bytes of %d arrived as whole", len(b), answer.ContentLength)
	}
}

// TestExportSound: where ffmpeg is, all sounds go into one file.
func TestExportSound(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	s := serve(t, cameras(t))
	for format, magic := range map[string]string{"ogg": "OggS", "m4a": "\x00\x00\x00\x1cftyp"} {
		w := get(t, s, base+"/export?to=2&format="+format)
		if b := w.Body.Bytes(); w.Code != 200 || !bytes.HasPrefix(b, []byte(magic)) || len(b) < 500 {
			t.Errorf("%s: status %d, %d bytes: %.20q", format, w.Code, len(b), b)
		}
	}
	if got := get(t, s, base).Body.String(); !strings.Contains(got, `"formats":["mkv","m4a","ogg","vtt","txt"]`) {
		t.Errorf("%.300s", got)
	}
}
