package health

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestHandler(t *testing.T) {
	reg := NewRegistry()
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "of_ours", Help: "One."}, func() float64 { return Is(true) + Is(false) }))
	var not []string
	h := Handler(reg, Probe{"/healthz", "ok", func() []string { return not }}, Probe{"/readyz", "ready", func() []string { return nil }})
	for _, tt := range []struct {
		method, path string
		not          []string
		code         int
		text         string
	}{
		{"GET", "/healthz", nil, 200, "ok\n"},
		{"GET", "/healthz", []string{"one", "two"}, 503, "one\ntwo\n"},
		{"GET", "/readyz", []string{"one"}, 200, "ready\n"},
		{"HEAD", "/readyz", nil, 200, "ready\n"}, // net/http leaves the text out
		{"POST", "/healthz", nil, 405, ""},
		{"POST", "/metrics", nil, 405, ""},
		{"GET", "/livez", nil, 404, ""},
		{"GET", "/", nil, 404, ""},
	} {
		not = tt.not
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
		if w.Code != tt.code || tt.text != "" && w.Body.String() != tt.text {
			t.Errorf("%s %s: %d %q", tt.method, tt.path, w.Code, w.Body)
		}
		if tt.text != "" && (w.Header().Get("Content-Type") != "text/plain; charset=utf-8" || w.Header().Get("Cache-Control") != "no-store") {
			t.Errorf("%s %s: %v", tt.method, tt.path, w.Header())
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{"\nof_ours 1\n", "\ngo_goroutines ", "\nprocess_start_time_seconds "} {
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d, and no %q", w.Code, want)
		}
	}
}
