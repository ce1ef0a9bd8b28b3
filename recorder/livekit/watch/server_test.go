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
	for _, proxy = range []int{400, 401, 403, 429, 500, 502, 503, 504} {
		if yes, err := l.Answers(t.Context(), "room", "recorder"); yes || err == nil {
			t.Errorf("a proxy's %d: %v, %v", proxy, yes, err)
		}
	}
	s.Close()
	if yes, err := l.Answers(t.Context(), "room", "recorder"); yes || err == nil {
		t.Errorf("a server that is gone: %v, %v", yes, err)
	}
}
