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
)

// An operated recorder is one that a service manager runs: with a configuration,
// metrics, and a log of JSON.
type operated struct {
	*recorderProcess
	manager *manager
}

// operate starts such a recorder. settings are more lines for its configuration.
func (l *lab) operate(home, room, settings string) *operated {
	l.t.Helper()
	o := &operated{manager: newManager(l.t)}
	config := filepath.Join(l.dir, "config.yaml")
	text := fmt.Sprintf("room: %s\nmetrics-addr: 127.0.0.1:0\nlog-format: json\n%s", room, settings)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
	l.vars = append(l.vars, "NOTIFY_SOCKET="+o.manager.path, "WATCHDOG_USEC=2000000")
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

// get asks the metrics address.
func (o *operated) get(path string) (code int, body string) {
	o.l.t.Helper()
	i := slices.IndexFunc(o.logged(), func(m map[string]any) bool { return m["msg"] == "metrics" })
	if i < 0 {
		o.l.t.Fatalf("no metrics address in the log:\n%s", o.stderr())
	}
	resp, err := http.Get(fmt.Sprintf("http://%s%s", o.logged()[i]["addr"], path))
	if err != nil {
		o.l.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		o.l.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
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
		m := regexp.MustCompile("(?m)^" + regexp.QuoteMeta(metric) + " (.*)$").FindStringSubmatch(text)
		if m == nil {
			t.Errorf("no %s in\n%s", metric, text)
			continue
		}
		if n, err := strconv.ParseFloat(m[1], 64); err != nil || n < least {
			t.Errorf("%s is %s, want at least %v", metric, m[1], least)
		}
	}
}

// ended looks at what the recorder said by its end.
func (o *operated) ended(names ...string) {
	t := o.l.t
	t.Helper()
	heard := o.manager.heard()
	ready, stopping := slices.Index(heard, "READY=1"), slices.Index(heard, "STOPPING=1")
	alive := slices.Index(heard, "WATCHDOG=1")
	if ready < 0 || stopping < ready || alive < 0 || !slices.Contains(heard, "STATUS=recording, 1 person, 2 tracks, all stored") {
		t.Errorf("the service manager heard %q", heard)
	}
	if len(o.logged()) < 3 {
		t.Errorf("the log is short:\n%s", o.stderr())
	}
	o.namesNobody("the log", o.stderr(), names...)
	o.namesNobody("the status", strings.Join(heard, "\n"), names...)
}
