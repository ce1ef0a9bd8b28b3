package main

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder"
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

func TestMetrics(t *testing.T) {
	m := &monitor{backlog: newBacklog(1)}
	h := metricsHandler(m)
	code, before := askHandler(t, h, "GET", "/metrics")
	if code != http.StatusOK || !strings.Contains(before, "\nsealtape_recording_state{state=\"starting\"} 1\n") {
		t.Errorf("before there is a room: %d\n%s", code, before)
	}
	now := time.Now()
	m.follow(func() recorder.Status {
		return recorder.Status{
			Started: time.UnixMilli(1_700_000_000_500), State: recorder.StateRecording, Alive: now, Participants: 3, Tracks: 5,
			Frames: 10, Failed: 4, Lost: 7, MediaBytes: 1000, Segments: 2, SegmentBytes: 1100, Epoch: 4, Queued: 6, QueueSize: 4096,
			SyncError: 12 * time.Millisecond, Small: 2,
			Outcomes: map[recorder.CodecOutcome]int64{
				{Codec: media.Opus, Outcome: recorder.Kept}: 8, {Codec: media.VP8, Outcome: recorder.Kept}: 2,
				{Codec: media.Opus, Outcome: recorder.Auth}: 1, {Codec: media.VP8, Outcome: recorder.Auth}: 2,
				{Codec: media.AV1, Outcome: recorder.Refused}: 9,
			},
			Holes: map[string]recorder.Holes{media.GapAuth: {Count: 2, Time: 1500 * time.Millisecond}},
			Unopened: []recorder.Unopened{
				{Name: "Ada", Participant: "ada", Reason: media.GapAuth, Cause: frame.CauseRatchet, Since: now}, {Name: "Ben", Reason: media.GapAuth, Since: now},
				{Name: "Cleo", Reason: media.GapPlaintext, Cause: frame.CausePlaintext, Since: now}},
		}
	}, func() bool { return true })
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
		sealtape_lost_packets_total=7 sealtape_holes_total{reason="auth"}=2 sealtape_hole_seconds_total{reason="auth"}=1.5
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
	reg.MustRegister(newCollector(m))
	if _, err := reg.Gather(); err != nil {
		t.Error(err)
	}
}

func TestHealth(t *testing.T) {
	start := time.Unix(1000, 0)
	type since = time.Duration // how long ago
	for _, tt := range []struct {
		name    string
		state   recorder.State
		alive   since
		oldest  since
		away    since // for so long it was seen to be
		healthy string
		ready   bool
		hangs   bool
	}{
		{"recording", recorder.StateRecording, time.Second, time.Minute, 0, "", true, false},
		{"hung", recorder.StateRecording, 40 * time.Second, 0, 0, "sealing is stuck: nothing was written for 40.0s", true, true},
		{"hung, away", recorder.StateReconnecting, 40 * time.Second, 0, 0, "sealing is stuck: nothing was written for 40.0s", false, true},
		{"full disk", recorder.StateDiskFull, 0, 0, 0, "sealing is stuck: the disk is full", false, false},
		{"paused", recorder.StatePaused, 0, 0, 0, "", false, false},
		{"dead store", recorder.StateRecording, 0, 10 * time.Minute, 0, "uploading is stuck: 1 object waits in the spool, for up to 10:00", true, false},
		{"dead store, at the end", recorder.StateEnded, time.Hour, 10 * time.Minute, 0, "uploading is stuck: 1 object waits in the spool, for up to 10:00", false, false},
		{"away for a moment", recorder.StateReconnecting, 0, 0, 30 * time.Second, "", false, false},
		{"lost", recorder.StateReconnecting, 0, 0, 2 * time.Minute, "the room is lost since 2:00", false, false},
		{"all at once", recorder.StateReconnecting, time.Minute, time.Hour, time.Hour,
			"sealing is stuck: nothing was written for 1:00\nuploading is stuck: 1 object waits in the spool, for up to 1:00:00\nthe room is lost since 1:00:00", false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := start.Add(24 * time.Hour)
			m := &monitor{backlog: newBacklog(1)}
			m.follow(func() recorder.Status {
				return recorder.Status{Started: start, State: tt.state, Alive: now.Add(-tt.alive)}
			}, func() bool { return false })
			if tt.oldest > 0 {
				m.backlog.waiting["segments/000007.age"] = waiting{sealedObject(t), now.Add(-tt.oldest), 1}
			}
			m.vitals(now.Add(-tt.away))
			v := m.vitals(now)
			if got := strings.Join(v.problems(now), "\n"); got != tt.healthy {
				t.Errorf("problems: %q, want %q", got, tt.healthy)
			}
			if v.hangs(now) != tt.hangs {
				t.Errorf("hangs: %v", v.hangs(now))
			}
			if code, body := askHandler(t, metricsHandler(m), "GET", "/readyz"); (code == 200) != tt.ready {
				t.Errorf("readyz: %d %s", code, body)
			}
		})
	}
	// Media that comes and does not open is an illness when nothing else does.
	for _, tt := range []struct {
		name          string
		state         recorder.State
		first, opened since // ago; 0 is never
		want          string
	}{
		{"for a moment", recorder.StateRecording, 9 * time.Second, 0, ""},
		{"nothing opens", recorder.StateRecording, 12 * time.Second, 0, "nothing is recorded: no media opens since 12.0s: their key has 256 bits"},
		{"others do", recorder.StateRecording, time.Minute, 2 * time.Second, ""},
		{"others did", recorder.StateRecording, time.Minute, 20 * time.Second, "nothing is recorded: no media opens since 20.0s: their key has 256 bits"},
		{"paused", recorder.StatePaused, time.Minute, 0, ""},
	} {
		now := start.Add(time.Hour)
		s := recorder.Status{Started: start, State: tt.state, Alive: now, Unopened: []recorder.Unopened{
			{Name: "Ada", Since: now.Add(-tt.first), Why: "their key has 256 bits"}, {Name: "Ben", Since: now.Add(-time.Second)}}}
		if tt.opened > 0 {
			s.Opened = now.Add(-tt.opened)
		}
		m := &monitor{backlog: newBacklog(1)}
		m.follow(func() recorder.Status { return s }, func() bool { return false })
		v := m.vitals(now)
		if got := strings.Join(v.problems(now), "\n"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	// Back for a moment, the room was not lost all the time.
	state, now := recorder.StateReconnecting, start
	m := &monitor{backlog: newBacklog(1)}
	m.follow(func() recorder.Status { return recorder.Status{State: state} }, func() bool { return false })
	for _, s := range []recorder.State{recorder.StateReconnecting, recorder.StateRecording, recorder.StateReconnecting} {
		state, now = s, now.Add(50*time.Second)
		if v := m.vitals(now); len(v.problems(now)) > 0 {
			t.Errorf("%s: %v", s, v.problems(now))
		}
	}
}

// sealedObject returns an object that is being written.
func sealedObject(t *testing.T) *archive.Object {
	t.Helper()
	id, err := keys.Generate("Ada")
	if err != nil {
		t.Fatal(err)
	}
	w, err := archive.Create(t.TempDir(), archive.Config{Signer: id.Signer()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.StartEpoch(id.Recipients()); err != nil {
		t.Fatal(err)
	}
	o, err := w.Create(archive.Segment)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Abort(); err != nil {
			t.Error(err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

func TestBacklog(t *testing.T) {
	b, o := newBacklog(1), sealedObject(t)
	if _, err := o.Write(make([]byte, 100_000)); err != nil {
		t.Fatal(err)
	}
	if err := b.commit(o); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(time.Hour)
	if s := b.state(at); s.Objects != 1 || s.Bytes != o.Size() || s.Sealed != o.Size() || s.Uploaded != 0 || s.Oldest < time.Hour || o.Size() < 100_000 {
		t.Errorf("%+v", s)
	}
	b.stored("epochs/000001.age", true)
	b.stored(o.Name(), true)
	b.stored(o.Name(), true) // again, by another pass
	if s := b.state(at); s != (backlogState{Sealed: o.Size(), Uploaded: o.Size()}) {
		t.Errorf("%+v", s)
	}
	if err := b.commit(o); err == nil {
		t.Error("committed twice")
	}
	if s := b.state(at); s.Objects != 0 || s.Sealed != o.Size() {
		t.Errorf("what was not committed waits: %+v", s)
	}
	other := sealedObject(t)
	if err := b.commit(other); err != nil {
		t.Fatal(err)
	}
	b.stored(other.Name(), false)
	if s := b.state(at); s.Objects != 0 || s.Uploaded != o.Size() {
		t.Errorf("what was passed over waits, or counts as stored: %+v", s)
	}
}

func TestServeMetrics(t *testing.T) {
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	m := &monitor{backlog: newBacklog(1)}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, addr := range []string{taken.Addr().String(), "nowhere", "127.0.0.1:99999"} {
		_, err := serveMetrics(addr, m, log)
		if _, hints := explain(err); err == nil || len(hints) != 1 || !strings.Contains(hints[0], "127.0.0.1:9464") {
			t.Errorf("%s: %v, %q", addr, err, hints)
		}
	}
	for _, tt := range []struct {
		addr  string
		warns bool
	}{{"127.0.0.1:0", false}, {"0.0.0.0:0", true}} {
		said.Reset()
		end, err := serveMetrics(tt.addr, m, log)
		if err != nil {
			t.Fatal(err)
		}
		_, addr, ok := strings.Cut(said.String(), "msg=metrics addr=")
		if addr = strings.TrimSpace(addr); !ok || strings.Contains(said.String(), "WARN") != tt.warns {
			t.Errorf("%s: says %s", tt.addr, &said)
		}
		if _, port, err := net.SplitHostPort(addr); err == nil {
			addr = net.JoinHostPort("127.0.0.1", port)
		}
		resp, err := http.Get("http://" + addr + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if resp.Body.Close(); err != nil || string(body) != "ok\n" || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%q %v %v", body, err, resp.Header)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		if _, err := net.Dial("tcp", addr); err == nil {
			t.Error("listens after its end")
		}
	}
}
