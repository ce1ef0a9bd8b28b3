//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/systemd/systemdtest"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// An operated recorder is one that a service manager runs: with a configuration,
// metrics, and a log of JSON.
type operated struct {
	*recorderProcess
	manager *systemdtest.Manager
}

// operate starts such a recorder. settings are more lines for its configuration.
func (l *lab) operate(home, room, settings string) *operated {
	l.t.Helper()
	o := &operated{manager: systemdtest.New(l.t)}
	config := filepath.Join(l.dir, "config.yaml")
	text := fmt.Sprintf("room: %s\nmetrics-addr: 127.0.0.1:0\nlog-format: json\n%s", room, settings)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
	l.vars = append(l.vars, "NOTIFY_SOCKET="+o.manager.Path, "WATCHDOG_USEC=2000000")
	o.recorderProcess = l.record(home, "--config", config)
	return o
}

// logged returns the log, every line of which is JSON.
func (o *operated) logged() (lines []map[string]any) {
	o.l.t.Helper()
	for line := range strings.Lines(o.stderr()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			o.l.t.Errorf("not JSON: %s", line)
			continue
		}
		lines = append(lines, m)
	}
	return lines
}

// metricsAddr is in a log of text or JSON.
var metricsAddr = regexp.MustCompile(`"?msg"?[=:]"?metrics"?[ ,]"?addr"?[=:]"?(127\.0\.0\.1:[0-9]+)`)

// get asks a recorder's metrics address.
func (r *recorderProcess) get(path string) (code int, body string) {
	r.l.t.Helper()
	var m []string
	r.l.until("the log has a metrics address", func() bool {
		m = metricsAddr.FindStringSubmatch(r.stderr())
		return m != nil
	})
	resp, err := http.Get("http://" + m[1] + path)
	if err != nil {
		r.l.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.l.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// metricOf returns a metric's value among those that were printed.
func metricOf(text, metric string) (float64, error) {
	m := regexp.MustCompile("(?m)^" + regexp.QuoteMeta(metric) + " (.*)$").FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("no %s in\n%s", metric, text)
	}
	return strconv.ParseFloat(m[1], 64)
}

// withholds waits until so many frames of sound have arrived that were not to be
// kept, for a reason. It takes a recorder with metrics.
func (r *recorderProcess) withholds(frames float64, why recorder.Outcome) {
	r.l.t.Helper()
	metric := fmt.Sprintf("sealtape_frames_total{codec=%q,outcome=%q}", media.Opus, why)
	r.l.until(fmt.Sprintf("%v frames are not kept: %s", frames, why), func() bool { return r.metric(metric) >= frames })
}

// metric returns a metric of the recorder, -1 where there is none yet.
func (r *recorderProcess) metric(name string) float64 {
	r.l.t.Helper()
	_, text := r.get("/metrics")
	n, err := metricOf(text, name)
	if err != nil {
		return -1
	}
	return n
}

// namesNobody looks for secrets and for who and what is in the room.
func (o *operated) namesNobody(where, text string, names ...string) {
	o.l.t.Helper()
	for _, s := range append(names, labPassphrase, o.l.lk.APIKey, o.l.lk.APISecret, "eyJhbGciOiJ", "access_token", "AGE-SECRET-KEY") {
		// As a word: three letters of a name come up in the ID of a recording.
		if regexp.MustCompile(`(?i)\b`+regexp.QuoteMeta(s)+`\b`).MatchString(text) || len(s) > 10 && strings.Contains(text, s) {
			o.l.t.Errorf("%s shows %q:\n%s", where, s, text)
		}
	}
}

// running looks at the recorder as its operators do.
func (o *operated) running(names ...string) {
	t := o.l.t
	t.Helper()
	for _, path := range []string{"/healthz", "/readyz"} {
		if code, body := o.get(path); code != http.StatusOK {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	_, text := o.get("/metrics")
	lintMetrics(t, text)
	o.namesNobody("/metrics", regexp.MustCompile("(?m)^#.*$").ReplaceAllString(text, ""), names...)
	for metric, least := range map[string]float64{
		`sealtape_recording_state{state="recording"}`: 1, "sealtape_participants": 1, "sealtape_tracks": 2, "sealtape_epoch": 1,
		`sealtape_frames_total{codec="opus",outcome="kept"}`: 50, `sealtape_frames_total{codec="vp8",outcome="kept"}`: 20,
		"sealtape_segments_total": 3, "sealtape_media_bytes_total": 10_000, "sealtape_sealed_bytes_total": 10_000,
		"sealtape_uploaded_bytes_total": 10_000, "sealtape_healthy": 1, "sealtape_recording_start_time_seconds": 1e9,
		"sealtape_queue_capacity_items": 1, `sealtape_decrypt_failures_total{reason="auth"}`: 0,
	} {
		if n, err := metricOf(text, metric); err != nil || n < least {
			t.Errorf("%s is %v, want at least %v: %v", metric, n, least, err)
		}
	}
}

// ended looks at what the recorder said by its end.
func (o *operated) ended(names ...string) {
	t := o.l.t
	t.Helper()
	heard := o.manager.Heard()
	ready, stopping := slices.Index(heard, "READY=1"), slices.Index(heard, "STOPPING=1")
	alive := slices.Index(heard, "WATCHDOG=1")
	if ready < 0 || stopping < ready || alive < 0 || !slices.Contains(heard, "STATUS=recording, 1 person, 2 tracks, all stored") {
		t.Errorf("the service manager heard %q", heard)
	}
	logged := o.logged()
	said := func(msg string) int {
		return slices.IndexFunc(logged, func(line map[string]any) bool { return line["msg"] == msg })
	}
	if told := said("telling the room: nothing is kept yet"); told < 0 || said("recording: what the room sends is kept from now on") <= told {
		t.Errorf("the log does not say when it begins:\n%s", o.stderr())
	}
	o.namesNobody("the log", o.stderr(), names...)
	o.namesNobody("the status", strings.Join(heard, "\n"), names...)
}

// lintMetrics holds metrics against the rules of Prometheus.
func lintMetrics(t *testing.T, text string) {
	t.Helper()
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Error(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "sealtape_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}
