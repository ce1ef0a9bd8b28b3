package worker

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sealtape/sealtape/internal/health"
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
		registry: health.NewRegistry(),
		offers:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sealtape_worker_offers_total", Help: "Rooms that the server offered, by the answer."}, []string{"answer"}),
		endings:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sealtape_worker_recordings_total", Help: "Rooms that are not recorded here any more, by how that ended."}, []string{"how"}),
	}
	for _, a := range []string{"accepted", "declined", "recorded"} {
		m.offers.WithLabelValues(a)
	}
	for _, how := range []ending{ended, incomplete, elsewhere, failed, crashed} {
		m.endings.WithLabelValues(string(how))
	}
	m.registry.MustRegister(m.offers, m.endings)
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
		gauge("registered", "1 while the server may offer rooms.", func() float64 { return health.Is(w.agent.State().Registered) }),
		gauge("registrations", "How often the worker registered with the server.", func() float64 { return float64(w.agent.State().Registrations) }),
		gauge("rooms", "Rooms that are recorded here, or are about to be.", func() float64 { n, _, _ := occupancy(); return n }),
		gauge("rooms_max", "How many may be.", func() float64 { _, n, _ := occupancy(); return n }),
		gauge("available", "1 while another room would be taken.", func() float64 { _, _, ok := occupancy(); return health.Is(ok) }),
		gauge("spool_free_bytes", "What the disk of the spool has left.", func() float64 { return float64(w.meter.free.Load()) }),
		gauge("backlog_bytes", "What the stores of all rooms have not confirmed.", func() float64 { return float64(w.backlog()) }),
		gauge("healthy", "1 if /healthz says ok.", func() float64 { return health.Is(len(w.Problems(time.Now())) == 0) }),
	)
	if w.own != nil {
		w.meter.registry.MustRegister(gauge("registered_own", "1 while the server may offer rooms that this worker alone is sent for.", func() float64 { return health.Is(w.own.State().Registered) }))
	}
	return health.Handler(w.meter.registry,
		health.Probe{Path: "/healthz", OK: "ok", Not: func() []string { return w.Problems(time.Now()) }},
		health.Probe{Path: "/readyz", OK: "ready", Not: func() (not []string) {
			if !w.agent.State().Registered {
				not = append(not, "not registered")
			}
			if w.c.Table.Draining() {
				not = append(not, "ending")
			}
			return not
		}},
		health.Probe{Path: "/livez", OK: "alive", Not: func() []string {
			if !w.Alive() {
				return []string{"the worker hangs"}
			}
			return nil
		}},
	)
}
