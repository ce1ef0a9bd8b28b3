// Package health answers what watches over a service: Prometheus, which asks for figures, and
// probes, which ask whether something is so. What is not well is said in words, for people who
// ask by hand; an answer names no room and nobody in one.
package health

import (
	"io"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A Probe is a question that is answered by 200 or 503.
type Probe struct {
	Path string          // "/healthz"
	OK   string          // what a 200 says
	Not  func() []string // what is not well, a line each; it is called at the same time by several
}

// NewRegistry returns one with the metrics of the Go runtime and of the process.
func NewRegistry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg
}

// Handler answers GET /metrics with what reg has, four at a time, and GET for each probe: 200
// and its OK, or 503 and what is not well.
func Handler(reg *prometheus.Registry, probes ...Probe) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	for _, p := range probes {
		mux.HandleFunc("GET "+p.Path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			text := p.OK
			if not := p.Not(); len(not) > 0 {
				w.WriteHeader(http.StatusServiceUnavailable)
				text = strings.Join(not, "\n")
			}
			_, _ = io.WriteString(w, text+"\n") // whoever asked may have gone
		})
	}
	return mux
}

// Is returns 1 for true and 0 for false, as metrics have it.
func Is(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
