package watch

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/twitchtv/twirp"
)

// A member answers who says no to what they were asked. One whom the server cannot ask does not:
// so it says of somebody whom it has lost already, and lists for some seconds more. Of whom the
// server says nothing, nothing is known: what a proxy before it answers is not its word.
func TestAnswers(t *testing.T) {
	var code twirp.ErrorCode
	var proxy int // the status that a proxy answers with; 0: the server answers
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if proxy != 0 {
			http.Error(w, "no server is there", proxy)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(twirp.ServerHTTPStatusFromErrorCode(code))
		fmt.Fprintf(w, `{"code":%q,"msg":"x"}`, code)
	}))
	l := NewLiveKit(s.URL, "key", "a-secret-that-is-long-enough-for-it")
	for _, tt := range []struct {
		code    twirp.ErrorCode
		yes, no bool // neither: it says nothing
	}{
		{twirp.InvalidArgument, true, false}, {twirp.Unimplemented, true, false}, {twirp.BadRoute, true, false},
		{twirp.Canceled, false, true}, {twirp.DeadlineExceeded, false, true}, {twirp.Unavailable, false, true}, {twirp.NotFound, false, true},
		{twirp.Internal, false, true}, {twirp.Unknown, false, false}, {twirp.ResourceExhausted, false, false}, {twirp.Unauthenticated, false, false}, {twirp.PermissionDenied, false, false},
	} {
		code = tt.code
		if yes, err := l.Answers(t.Context(), "room", "recorder"); yes != tt.yes || (err == nil) != (tt.yes || tt.no) {
			t.Errorf("%s: %v, %v", code, yes, err)
		}
	}
	for _, proxy = range []int{301, 400, 401, 403, 429, 500, 502, 503, 504} {
		if yes, err := l.Answers(t.Context(), "room", "recorder"); yes || err == nil {
			t.Errorf("a proxy's %d: %v, %v", proxy, yes, err)
		}
	}
	s.Close()
	if yes, err := l.Answers(t.Context(), "room", "recorder"); yes || err == nil {
		t.Errorf("a server that is gone: %v, %v", yes, err)
	}
}

// What a proxy says is not what the server says: that it has no such room, or cannot answer.
func TestForeign(t *testing.T) {
	var answer http.HandlerFunc
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r) }))
	l := NewLiveKit(s.URL, "key", "a-secret-that-is-long-enough-for-it")
	by := func(code twirp.ErrorCode) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(twirp.ServerHTTPStatusFromErrorCode(code))
			fmt.Fprintf(w, `{"code":%q,"msg":"x"}`, code)
		}
	}
	proxy := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "a page", status) }
	}
	for _, tt := range []struct {
		name                    string
		answer                  http.HandlerFunc
		noRoom, silent, refused bool
		foreign                 string
	}{
		{"no room", by(twirp.NotFound), true, false, false, ""},
		{"the server fails", by(twirp.Internal), false, true, false, ""},
		{"the server has no node", by(twirp.Unavailable), false, true, false, ""},
		{"the server knows no such call", by(twirp.BadRoute), false, false, false, ""},
		{"a proxy finds no server", proxy(502), false, false, false, "502"},
		{"a proxy fails", proxy(500), false, false, false, "500"},
		{"another site", proxy(404), false, false, false, "404"},
		{"the server refuses the key", proxy(401), false, false, true, "401"},
	} {
		answer = tt.answer
		_, err := l.Rooms(t.Context())
		status, foreign := Foreign(err)
		if NoRoom(err) != tt.noRoom || Silent(err) != tt.silent || Refused(err) != tt.refused || status != tt.foreign || foreign != (tt.foreign != "") {
			t.Errorf("%s: no room %v, silent %v, refused %v, foreign %q: %v", tt.name, NoRoom(err), Silent(err), Refused(err), status, err)
		}
	}
	s.Close()
	if _, err := l.Rooms(t.Context()); !Silent(err) || NoRoom(err) {
		t.Errorf("a server that is gone: %v", err)
	}
}
