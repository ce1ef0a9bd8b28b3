// Package metrics lets a service that imports show how it goes: mount Handler.
package metrics

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sealtape/sealtape/recorder/ingest/watch"
)

// A Source tells how importing goes: *watch.Watcher does.
type Source interface{ Status() watch.Status }

// Handler answers GET /metrics, for Prometheus, with the metrics of the Go runtime and
// the process besides; /readyz, 200 once the folder was looked at, else 503; and
// /healthz, 503 with what is not well, a line each. None of it names a recording.
func Handler(from Source) http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(newCollector(from), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, from.Status().Problems(time.Now()), "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		var not []string
		if from.Status().Looked.IsZero() {
			not = []string{"starting"}
		}
		answer(w, not, "watching")
	})
	return mux
}

// answer says ok, or 503 and what is not.
func answer(w http.ResponseWriter, not []string, ok string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if len(not) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		ok = strings.Join(not, "\n")
	}
	_, _ = io.WriteString(w, ok+"\n") // whoever asked may have gone
}

// A collector turns the status into metrics whenever somebody asks.
type collector struct {
	from    Source
	metrics []metric
}

// A metric is one figure of a status.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(s watch.Status, now time.Time) float64
}

func newCollector(from Source) *collector {
	c := &collector{from: from}
	add := func(kind prometheus.ValueType, name, help string, of func(watch.Status, time.Time) float64) {
		c.metrics = append(c.metrics, metric{prometheus.NewDesc("sealtape_import_"+name, help, nil, nil), kind, of})
	}
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	add(counter, "recordings_total", "Recordings imported, as the store has confirmed.", func(s watch.Status, _ time.Time) float64 { return float64(s.Imported) })
	add(counter, "passed_over_total", "Recordings that cannot be imported as they are.", func(s watch.Status, _ time.Time) float64 { return float64(s.Passed) })
	add(counter, "failures_total", "Failures of this machine or of the store, after which it is tried again.", func(s watch.Status, _ time.Time) float64 { return float64(s.Failures) })
	add(gauge, "waiting_recordings", "Recordings in the folder that are not complete.", func(s watch.Status, _ time.Time) float64 { return float64(s.Waiting) })
	add(gauge, "due_recordings", "Complete recordings that are to be imported.", func(s watch.Status, _ time.Time) float64 { return float64(s.Due) })
	add(gauge, "busy", "1 while a recording is imported.", func(s watch.Status, _ time.Time) float64 { return is(s.Busy) })
	add(gauge, "failing", "1 from a failure on until something succeeds.", func(s watch.Status, _ time.Time) float64 { return is(!s.Failing.IsZero()) })
	add(gauge, "last_time_seconds", "When a recording was imported last, in seconds since 1970; 0: not yet.", func(s watch.Status, _ time.Time) float64 { return unix(s.Last) })
	add(gauge, "looked_time_seconds", "When the folder was looked at last, in seconds since 1970; 0: not yet.", func(s watch.Status, _ time.Time) float64 { return unix(s.Looked) })
	add(gauge, "healthy", "1 if /healthz says ok.", func(s watch.Status, now time.Time) float64 { return is(len(s.Problems(now)) == 0) })
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range c.metrics {
		ch <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	now, s := time.Now(), c.from.Status()
	for _, m := range c.metrics {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.of(s, now))
	}
}

func is(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func unix(at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return float64(at.UnixMilli()) / 1000
}
