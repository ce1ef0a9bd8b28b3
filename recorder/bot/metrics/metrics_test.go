package metrics

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// ask asks a handler for a path.
func askHandler(t *testing.T, h http.Handler, method, path string) (code int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w.Code, w.Body.String()
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

// fixed is a Source that does not change.
type fixed struct{ status bot.Status }

func (f *fixed) Status() bot.Status { return f.status }

func TestMetrics(t *testing.T) {
	from := &fixed{bot.Status{Status: recorder.Status{State: recorder.StateStarting}}}
	h := Handler(from)
	code, before := askHandler(t, h, "GET", "/metrics")
	if code != http.StatusOK || !strings.Contains(before, "\nsealtape_recording_state{state=\"starting\"} 1\n") {
		t.Errorf("before there is a room: %d\n%s", code, before)
	}
	now := time.Now()
	from.status = bot.Status{
		UploadFailing: true,
		Status: recorder.Status{
			Started: time.UnixMilli(1_700_000_000_500), State: recorder.StateRecording, Alive: now, Participants: 3, Tracks: 5,
			Frames: 10, Failed: 4, Lost: 7, MediaBytes: 1000, Segments: 2, SegmentBytes: 1100, Epoch: 4, Queued: 6, QueueSize: 4096,
			SyncError: 12 * time.Millisecond, Small: 2,
			Outcomes: map[recorder.CodecOutcome]int64{
				{Codec: media.Opus, Outcome: recorder.Kept}: 8, {Codec: media.VP8, Outcome: recorder.Kept}: 2,
				{Codec: media.Opus, Outcome: recorder.Auth}: 1, {Codec: media.VP8, Outcome: recorder.Auth}: 2,
				{Codec: media.AV1, Outcome: recorder.Refused}: 9,
			},
			Holes:      map[string]recorder.Holes{media.HoleAuth: {Count: 2, Time: 1500 * time.Millisecond}},
			TurnedAway: []recorder.TurnedAway{{Participant: "eve", Name: "Eve", Tracks: 40}, {Participant: "fay", Tracks: 2}},
			Unopened: []recorder.Unopened{
				{Name: "Ada", Participant: "ada", Reason: media.HoleAuth, Cause: frame.CauseRatchet, Since: now}, {Name: "Ben", Reason: media.HoleAuth, Since: now},
				{Name: "Cleo", Reason: media.HolePlaintext, Cause: frame.CausePlaintext, Since: now}},
		},
	}
	code, text := askHandler(t, h, "GET", "/metrics")
	if code != http.StatusOK {
		t.Fatalf("%d\n%s", code, text)
	}
	lintMetrics(t, text)
	lines := strings.Split(text, "\n")
	for _, want := range strings.Fields(`
		sealtape_recording_state{state="recording"}=1 sealtape_recording_state{state="starting"}=0
		sealtape_recording_state{state="reconnecting"}=0 sealtape_recording_state{state="paused"}=0
		sealtape_recording_start_time_seconds=1.7000000005e+09 sealtape_participants=3 sealtape_tracks=5
		sealtape_segments_total=2 sealtape_epoch=4
		sealtape_frames_total{codec="opus",outcome="kept"}=8 sealtape_frames_total{codec="vp8",outcome="kept"}=2
		sealtape_frames_total{codec="vp8",outcome="auth"}=2 sealtape_refused_packets_total{codec="av1"}=9
		sealtape_decrypt_failures_total{reason="auth"}=3 sealtape_decrypt_failures_total{reason="no-key"}=0
		sealtape_unopened_tracks{cause="ratchet",reason="auth"}=1 sealtape_unopened_tracks{cause="unknown",reason="auth"}=1
		sealtape_unopened_tracks{cause="plaintext",reason="plaintext"}=1
		sealtape_turned_away_tracks=42 sealtape_lost_packets_total=7 sealtape_holes_total{reason="auth"}=2 sealtape_hole_seconds_total{reason="auth"}=1.5
		sealtape_sync_error_seconds=0.012 sealtape_small_pictures=2 sealtape_queue_items=6 sealtape_queue_capacity_items=4096
		sealtape_media_bytes_total=1000 sealtape_sealed_bytes_total=0 sealtape_uploaded_bytes_total=0
		sealtape_upload_backlog_objects=0 sealtape_upload_backlog_bytes=0 sealtape_upload_backlog_age_seconds=0
		sealtape_upload_failing=1 sealtape_healthy=1`) {
		if i := strings.LastIndex(want, "="); !slices.Contains(lines, want[:i]+" "+want[i+1:]) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if !strings.Contains(text, "\nsealtape_build_info{goversion=\"go1.") || !strings.Contains(text, "\ngo_goroutines ") {
		t.Errorf("no build info, or none of the Go runtime:\n%s", text)
	}
	for _, tt := range []struct {
		method, path string
		code         int
	}{
		{"GET", "/healthz", 200}, {"GET", "/readyz", 200}, {"HEAD", "/healthz", 200},
		{"POST", "/metrics", 405}, {"GET", "/", 404}, {"GET", "/debug/pprof/", 404},
	} {
		if code, body := askHandler(t, h, tt.method, tt.path); code != tt.code {
			t.Errorf("%s %s: %d %s, want %d", tt.method, tt.path, code, body, tt.code)
		}
	}

	// The collector describes all that it collects, else this panics or fails.
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(NewCollector(from))
	if _, err := reg.Gather(); err != nil {
		t.Error(err)
	}
}

// Ready is who records, and nobody else.
func TestReady(t *testing.T) {
	for _, state := range states {
		h := Handler(&fixed{bot.Status{Status: recorder.Status{State: state}}})
		code, body := askHandler(t, h, "GET", "/readyz")
		if (code == http.StatusOK) != (state == recorder.StateRecording) || code != http.StatusOK && body != string(state)+"\n" {
			t.Errorf("%s: %d %s", state, code, body)
		}
	}
}
