package metrics

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/sealtape/sealtape/recorder/ingest/watch"
)

type fixed struct{ status watch.Status }

func (f *fixed) Status() watch.Status { return f.status }

func ask(t *testing.T, h http.Handler, path string) (code int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String()
}

// TestMetrics: what is asked for is what the watcher says at that time, by the rules of
// Prometheus.
func TestMetrics(t *testing.T) {
	from := &fixed{}
	h := Handler(from)
	if code, body := ask(t, h, "/readyz"); code != http.StatusServiceUnavailable || body != "starting\n" {
		t.Errorf("before it began: %d %s", code, body)
	}
	from.status = watch.Status{Busy: true, Waiting: 2, Due: 3, Imported: 4, Passed: 5, Failures: 6, Last: time.Unix(7, 0), Looked: time.Now()}
	if code, body := ask(t, h, "/readyz"); code != http.StatusOK || body != "watching\n" {
		t.Errorf("ready: %d %s", code, body)
	}
	code, body := ask(t, h, "/metrics")
	for _, want := range []string{"waiting_recordings 2", "due_recordings 3", "recordings_total 4", "passed_over_total 5", "failures_total 6", "last_time_seconds 7", "busy 1", "failing 0", "healthy 1"} {
		if code != http.StatusOK || !strings.Contains(body, "\nsealtape_import_"+want+"\n") {
			t.Errorf("%d, no %s in\n%s", code, want, body)
		}
	}
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil {
		t.Error(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "sealtape_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	from.status.Failing = time.Now().Add(-time.Hour)
	if code, body := ask(t, h, "/healthz"); code != http.StatusServiceUnavailable || !strings.HasPrefix(body, "importing has failed for 1h") {
		t.Errorf("failing: %d %s", code, body)
	}
	if _, body := ask(t, h, "/metrics"); !strings.Contains(body, "\nsealtape_import_failing 1\n") || !strings.Contains(body, "\nsealtape_import_healthy 0\n") {
		t.Error(body)
	}
}
