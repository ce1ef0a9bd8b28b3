package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/livekit/watch"
)

// Who answers in place of a server is told apart from a server that does not answer.
func TestExplainServer(t *testing.T) {
	status := http.StatusNotFound
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "a page", status) }))
	o := serverOptions{url: s.URL}
	ask := func() string {
		_, err := watch.NewLiveKit(o.url, "key", "a-secret-that-is-long-enough-for-it").Rooms(t.Context())
		var b strings.Builder
		(&ui.Env{Stdout: &b, Stderr: &b}).Exit(o.explainServer(err))
		return b.String()
	}
	for _, tt := range []struct {
		status int
		want   string
	}{{404, "not the API of a LiveKit server: HTTP status 404"}, {502, "the proxy there passes /twirp on"}, {401, "refused the API key"}} {
		status = tt.status
		if text := ask(); !strings.Contains(text, tt.want) {
			t.Errorf("%d: %s", tt.status, text)
		}
	}
	s.Close()
	if text := ask(); !strings.Contains(text, "does not answer") {
		t.Error(text)
	}
}
