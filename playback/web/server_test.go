package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/internal/playertest"
	"github.com/sealtape/sealtape/playback/player"
)

const (
	testID   = playertest.ID
	testHost = "127.0.0.1:4711"
	base     = "api/recordings/" + testID
)

// serve returns a Server of one recording.
func serve(t testing.TB, r *playertest.Recording) *Server {
	t.Helper()
	return serveBy(t, player.Config{Library: playertest.Of(r), Formats: Formats()})
}

func serveBy(t testing.TB, c player.Config) *Server {
	t.Helper()
	s, err := New(Config{Player: playertest.New(t, c), Recording: testID})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// get asks for what is below the token.
func get(t testing.TB, s *Server, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+testHost+"/"+s.token+"/"+path, nil))
	return w
}

// TestAnswers: the page gets what the player has, and for errors a status and a word.
func TestAnswers(t *testing.T) {
	r := playertest.Meeting(t, 6)
	r.SetErr(1, playback.ErrLocked)
	r.SetErr(2, errors.New("connection refused by store.example"))
	l := playertest.Of(r)
	s := serveBy(t, player.Config{Library: l})
	for path, want := range map[string]struct {
		status int
		has    string
	}{
		"api/recordings":     {200, `{"recordings":[]}`},
		base:                 {200, `"events_total":2`},
		base + "?from=x":     {200, `"from":0,`},
		base + "?from=4":     {200, `"segments":[[1,5,10,"l",[]],[4,`},
		base + "?wait=0.0":   {200, `"events_total":2`},
		base + "/segments/1": {423, `{"error":"locked"}`},
		base + "/segments/2": {503, `{"error":"later"}`},
		base + "/segments/6": {404, `{"error":"gone"}`},
		"api/recordings/ABC": {404, `{"error":"gone"}`},
	} {
		w := get(t, s, path)
		if w.Code != want.status || !strings.Contains(w.Body.String(), want.has) || w.Header().Get("Content-Type") != "application/json" || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: status %d, %v: %.400s", path, w.Code, w.Header(), w.Body)
		}
		if strings.Contains(w.Body.String(), "store.example") {
			t.Errorf("%s names the store", path)
		}
		if (w.Header().Get("Retry-After") != "") != (want.status == 503) {
			t.Errorf("%s: headers %v", path, w.Header())
		}
	}
	for query, n := range map[string]int{"": 2, "?tracks=11": 1, "?tracks=11,9223372036854775813": 2, "?tracks=": 0, "?tracks=99": 0} {
		w := get(t, s, base+"/segments/0"+query)
		if parts := playertest.Parts(t, w.Body.Bytes()); w.Code != 200 || len(parts) != n || w.Header().Get("Content-Type") != "application/octet-stream" {
			t.Errorf("%q: status %d, %v, %d parts, want %d", query, w.Code, w.Header(), len(parts), n)
		}
	}
	l.Err = errors.New("no network to store.example")
	if w := get(t, s, "api/recordings"); w.Code != 503 || w.Body.String() != `{"error":"later"}`+"\n" {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}
