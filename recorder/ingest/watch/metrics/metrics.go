// Package metrics lets a service that imports show how it goes: mount Handler.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sealtape/sealtape/internal/health"
	"github.com/sealtape/sealtape/recorder/ingest/watch"
)

// A Source tells how importing goes: *watch.Watcher does.
type Source interface{ Status() watch.Status }

// Handler answers GET /metrics, for Prometheus, with the metrics of the Go runtime and
// the process besides; /readyz, 200 once the folder was looked at, else 503; and
// /healthz, 503 with what is not well, a line each. None of it names a recording.
func Handler(from Source) http.Handler {
	reg := health.NewRegistry()
	reg.MustRegister(newCollector(from))
	return health.Handler(reg,
		health.Probe{Path: "/healthz", OK: "ok", Not: func() []string { return from.Status().Problems(time.Now()) }},
		health.Probe{Path: "/readyz", OK: "watching", Not: func() []string {
			if from.Status().Looked.IsZero() {
				return []string{"starting"}
			}
			return nil
		}},
	)
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
	add(gauge, "busy", "1 while a recording is imported.", func(s watch.Status, _ time.Time) float64 { return health.Is(s.Busy) })
	add(gauge, "failing", "1 from a failure on until something succeeds.", func(s watch.Status, _ time.Time) float64 { return health.Is(!s.Failing.IsZero()) })
	add(gauge, "last_time_seconds", "When a recording was imported last, in seconds since 1970; 0: not yet.", func(s watch.Status, _ time.Time) float64 { return unix(s.Last) })
	add(gauge, "looked_time_seconds", "When the folder was looked at last, in seconds since 1970; 0: not yet.", func(s watch.Status, _ time.Time) float64 { return unix(s.Looked) })
	add(gauge, "healthy", "1 if /healthz says ok.", func(s watch.Status, now time.Time) float64 { return health.Is(len(s.Problems(now)) == 0) })
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

func unix(at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return float64(at.UnixMilli()) / 1000
}
