package watch

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sealtape/sealtape/internal/health"
	"github.com/sealtape/sealtape/internal/words"
)

const (
	deadAfter    = time.Minute // its loop did not turn
	behindAfter  = time.Minute // the server did not answer
	missingAfter = 45 * time.Second
)

// A Status is how rooms stand, without their names.
type Status struct {
	// Wanted rooms should be recorded, Recorded are, by at least one, Doubled by more.
	Wanted, Recorded, Doubled int
	// Missing rooms should be and are not, since Since the longest; zero if there are none.
	Missing int
	Since   time.Time
	// Undecided rooms have two policies.
	Undecided int
	// Compared is when all rooms were compared last; zero if never. Err is why they could
	// not be since.
	Compared time.Time
	Err      error
}

// Status returns how rooms stand.
func (w *Watcher) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := Status{Compared: w.last, Err: w.failed}
	for _, k := range w.known {
		if k.wanted {
			s.Wanted++
		}
		if k.by > 0 {
			s.Recorded++
		}
		if k.by > 1 {
			s.Doubled++
		}
		if k.err != nil {
			s.Undecided++
		}
		if !k.Missing.IsZero() {
			s.Missing++
			if s.Since.IsZero() || k.Missing.Before(s.Since) {
				s.Since = k.Missing
			}
		}
	}
	return s
}

// Problems returns a sentence for each problem, without names of rooms.
func (s Status) Problems(now time.Time) (out []string) {
	if s.Err != nil && now.Sub(s.Compared) > behindAfter {
		out = append(out, "the LiveKit server does not say which rooms there are")
	}
	if s.Missing > 0 && now.Sub(s.Since) > missingAfter {
		out = append(out, fmt.Sprintf("%d rooms should be recorded and are not, one for %s", s.Missing, words.Length(now.Sub(s.Since))))
	}
	if s.Undecided > 0 {
		out = append(out, fmt.Sprintf("%d rooms are not recorded, because two policies are for them", s.Undecided))
	}
	return out
}

// Handler answers GET /metrics; /readyz, 200 once all rooms were compared; /healthz, 503
// with what is not well; and /livez, 503 if the watcher itself hangs, which a restart may
// mend. None of it names a room.
func (w *Watcher) Handler() http.Handler {
	reg := health.NewRegistry()
	gauge := func(name, help string, value func(Status) float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "sealtape_fleet_" + name, Help: help}, func() float64 { return value(w.Status()) }))
	}
	counter := func(name, help string, value func() int64) {
		reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "sealtape_fleet_" + name, Help: help}, func() float64 { return float64(value()) }))
	}
	gauge("rooms_wanted", "Rooms that should be recorded.", func(s Status) float64 { return float64(s.Wanted) })
	gauge("rooms_recorded", "Rooms with a recorder.", func(s Status) float64 { return float64(s.Recorded) })
	gauge("rooms_doubled", "Rooms with more than one.", func(s Status) float64 { return float64(s.Doubled) })
	gauge("rooms_missing", "Rooms that should be recorded and are not.", func(s Status) float64 { return float64(s.Missing) })
	gauge("rooms_undecided", "Rooms that are not recorded because two policies are for them.", func(s Status) float64 { return float64(s.Undecided) })
	gauge("missing_seconds", "How long the longest of the missing rooms has been missing.", func(s Status) float64 {
		if s.Since.IsZero() {
			return 0
		}
		return time.Since(s.Since).Seconds()
	})
	gauge("compared_time_seconds", "When all rooms were compared last, in seconds since 1970.", func(s Status) float64 {
		if s.Compared.IsZero() {
			return 0
		}
		return float64(s.Compared.UnixMilli()) / 1000
	})
	gauge("healthy", "1 if /healthz says ok.", func(s Status) float64 { return health.Is(len(s.Problems(time.Now())) == 0) })
	counter("dispatches_total", "Recorders that were sent for.", w.counts.dispatched.Load)
	counter("deletions_total", "Dispatches that were deleted.", w.counts.deleted.Load)
	counter("failures_total", "Questions that the LiveKit server did not answer.", w.counts.failures.Load)
	counter("webhooks_total", "Webhooks of the server that were taken.", w.counts.hooks.Load)
	counter("refused_webhooks_total", "Webhooks that the server did not sign.", w.counts.refusedHooks.Load)
	return health.Handler(reg,
		health.Probe{Path: "/healthz", OK: "ok", Not: func() []string { return w.Status().Problems(time.Now()) }},
		health.Probe{Path: "/readyz", OK: "ready", Not: func() []string {
			if w.Status().Compared.IsZero() {
				return []string{"the rooms were not compared yet"}
			}
			return nil
		}},
		health.Probe{Path: "/livez", OK: "alive", Not: func() []string {
			if time.Since(time.Unix(0, w.alive.Load())) > deadAfter {
				return []string{"the watcher hangs"}
			}
			return nil
		}},
	)
}
