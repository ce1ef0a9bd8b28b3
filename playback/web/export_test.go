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
	"github.com/sealtape/sealtape/playback/internal/playertest"
	"github.com/sealtape/sealtape/playback/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// TestExport: the page gets a file, with headers by which a browser saves it.
func TestExport(t *testing.T) {
	s := serve(t, playertest.Meeting(t, 3))
	for _, f := range player.Formats() {
		for _, query := range []string{"", "&from=2.5&to=7.5", "&from=12", "&to=99999"} {
			if f.Name == "opus" {
				query += "&participant=alice"
			}
			w := get(t, s, base+"/export?format="+f.Name+query)
			if w.Code != 200 || w.Body.Len() < 20 || w.Header().Get("Content-Type") != f.MIME {
				t.Errorf("%s, %q: status %d, %d bytes, headers %v", f.Name, query, w.Code, w.Body.Len(), w.Header())
			}
			if f.Name == "mkv" && w.Result().ContentLength != int64(w.Body.Len()) {
				t.Errorf("%s, %q: headers %v", f.Name, query, w.Header())
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

// TestExportRefused: what is no part of a recording is not exported.
func TestExportRefused(t *testing.T) {
	s := serve(t, playertest.Meeting(t, 1))
	for query, want := range map[string]int{
		"?from=x": 400, "?from=-1": 400, "?to=NaN": 400, "?to=1e300": 400, "?from=3&to=3": 400, "?from=3&to=2": 400, "?from=Inf": 400, "?format=exe": 400,
		"/x": 404, "?from=0": 200,
	} {
		if w := get(t, s, base+"/export"+query); w.Code != want {
			t.Errorf("%s: status %d, want %d", query, w.Code, want)
		}
	}
}

// TestExportBreaksOff: what breaks off while it is sent does not arrive as if it were
// whole.
func TestExportBreaksOff(t *testing.T) {
	broken := func(_ context.Context, _ *playback.Session, w io.Writer, _ playback.ExportOptions, _ func(int64)) (playback.Report, error) {
		_, err := w.Write(make([]byte, 100_000))
		return playback.Report{}, errors.Join(err, errors.New("the store has gone"))
	}
	s := serveBy(t, player.Config{Library: playertest.Of(playertest.Meeting(t, 3)), Formats: []player.Format{{Name: "mkv", Write: broken}}})
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
	s := serve(t, playertest.Cameras(t))
	for format, magic := range map[string]string{"ogg": "OggS", "m4a": "\x00\x00\x00\x1cftyp"} {
		w := get(t, s, base+"/export?to=2&format="+format)
		if b := w.Body.Bytes(); w.Code != 200 || !bytes.HasPrefix(b, []byte(magic)) || len(b) < 500 {
			t.Errorf("%s: status %d, %d bytes: %.20q", format, w.Code, len(b), b)
		}
	}
	if got := get(t, s, base).Body.String(); !strings.Contains(got, `"formats":["mkv","m4a","ogg","opus","vtt","txt"]`) {
		t.Errorf("%.300s", got)
	}
}
