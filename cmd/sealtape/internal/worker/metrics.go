package worker

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sealtape/sealtape/recorder/bot/metrics"
)

const (
	unregisteredFor = time.Minute      // is a problem
	deadAfter       = 30 * time.Second // its loop did not turn
)

// A meter counts what a worker does.
type meter struct {
	registry *prometheus.Registry
	offers   *prometheus.CounterVec
	endings  *prometheus.CounterVec
	free     atomic.Int64 // bytes of the spool's disk
}

func newMeter() *meter {
	m := &meter{
		registry: prometheus.NewRegistry(),
		offers:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sealtape_worker_offers_total", Help: "Rooms that the server offered, by the answer."}, []string{"answer"}),
		endings:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sealtape_worker_recordings_total", Help: "Rooms that are not recorded here any more, by how that ended."}, []string{"how"}),
	}
	for _, a := range []string{"accepted", "declined", "recorded"} {
		m.offers.WithLabelValues(a)
	}
	for _, how := range []ending{ended, incomplete, elsewhere, failed, crashed} {
		m.endings.WithLabelValues(string(how))
	}
	m.registry.MustRegister(m.offers, m.endings, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *meter) offered(answer string) { m.offers.WithLabelValues(answer).Inc() }
func (m *meter) recorded(how ending)   { m.endings.WithLabelValues(string(how)).Inc() }

// shows has the metrics of a room shown, under its label, until the function that it returns
// is called.
func (m *meter) shows(b *body) (end func()) {
	c := prometheus.WrapCollectorWith(prometheus.Labels{"room": b.place.Label}, metrics.NewCollector(b))
	if err := m.registry.Register(c); err != nil {
		b.log.Warn("the metrics of a room are not shown", "err", err)
		return func() {}
	}
	return func() { m.registry.Unregister(c) }
}

// Handler answers GET /metrics with the metrics of the worker, of the process, and of each
// room under its label; /readyz, 200 while the server may offer rooms; /healthz, 503 with
// what is not well; and /livez, 503 if the worker itself hangs, which a restart may mend.
func (w *Worker) Handler() http.Handler {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "sealtape_worker_" + name, Help: help}, value)
	}
	occupancy := func() (rooms, max float64, takes bool) {
		o := w.c.Table.Occupancy(time.Now())
		return float64(o.Rooms), float64(o.Max), o.Why == ""
	}
	w.meter.registry.MustRegister(
		gauge("registered", "1 while the server may offer rooms.", func() float64 { return is(w.agent.State().Registered) }),
		gauge("registrations", "How often the worker registered with the server.", func() float64 { return float64(w.agent.State().Registrations) }),
		gauge("rooms", "Rooms that are recorded here, or are about to be.", func() float64 { n, _, _ := occupancy(); return n }),
		gauge("rooms_max", "How many may be.", func() float64 { _, n, _ := occupancy(); return n }),
		gauge("available", "1 while another room would be taken.", func() float64 { _, _, ok := occupancy(); return is(ok) }),
		gauge("spool_free_bytes", "What the disk of the spool has left.", func() float64 { return float64(w.meter.free.Load()) }),
		gauge("backlog_bytes", "What the stores of all rooms have not confirmed.", func() float64 { return float64(w.backlog()) }),
		gauge("healthy", "1 if /healthz says ok.", func() float64 { return is(len(w.Problems(time.Now())) == 0) }),
	)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(w.meter.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /healthz", func(rw http.ResponseWriter, _ *http.Request) { answer(rw, w.Problems(time.Now()), "ok") })
	mux.HandleFunc("GET /readyz", func(rw http.ResponseWriter, _ *http.Request) {
		var not []string
		if !w.agent.State().Registered {
			not = append(not, "not registered")
		}
		if w.c.Table.Draining() {
			not = append(not, "ending")
		}
		answer(rw, not, "ready")
	})
	mux.HandleFunc("GET /livez", func(rw http.ResponseWriter, _ *http.Request) {
		var not []string
		if !w.Alive() {
			not = []string{"the worker hangs"}
		}
		answer(rw, not, "alive")
	})
	return mux
}

func is(b bool) float64 {
	if b {
		return 1
	}
	return 0
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
