// Package metrics lets a service show how a recording goes: mount Handler, or register
// NewCollector.
package metrics

import (
	"cmp"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sealtape/sealtape/internal/health"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
)

// A Source tells how a recording goes: *bot.Bot does.
type Source interface{ Status() bot.Status }

// Handler answers GET /metrics, for Prometheus, with the metrics of the Go runtime and
// the process besides; /readyz, 200 while it records, else 503; and /healthz, 503 with
// what is not well, a line each. All of it could be said to everyone, but for how many
// meet and when.
func Handler(from Source) http.Handler {
	reg := health.NewRegistry()
	reg.MustRegister(NewCollector(from))
	return health.Handler(reg,
		health.Probe{Path: "/healthz", OK: "ok", Not: func() []string {
			now := time.Now()
			s := from.Status()
			return s.Problems(now)
		}},
		health.Probe{Path: "/readyz", OK: "recording", Not: func() []string {
			if s := from.Status().State; s != recorder.StateRecording {
				return []string{string(s)}
			}
			return nil
		}},
	)
}

// A collector turns the status of a recording into metrics whenever somebody
// asks. The recorder counts; nothing is counted twice.
type collector struct {
	from Source

	build, state, started, participants, tracks, segments, epoch *prometheus.Desc
	frames, refused, failures, unopened, turnedAway, lost        *prometheus.Desc
	holes, missing, syncError, small                             *prometheus.Desc
	queue, queueSize                                             *prometheus.Desc
	mediaBytes, sealedBytes, uploadedBytes                       *prometheus.Desc
	backlogObjects, backlogBytes, backlogAge, failing, healthy   *prometheus.Desc
}

// NewCollector returns the metrics of a recording, for a registry of one's own. Their
// names begin with sealtape_.
func NewCollector(from Source) prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("sealtape_"+name, help, labels, nil)
	}
	return &collector{
		from:  from,
		build: desc("build_info", "The version that runs.", "version", "goversion"),
		state: desc("recording_state", "1 for what the recorder is doing, 0 for the others.", "state"),

		started:      desc("recording_start_time_seconds", "When the recording began, in seconds since 1970."),
		participants: desc("participants", "Members present, the recorder not counted."),
		tracks:       desc("tracks", "Tracks that are being read."),
		segments:     desc("segments_total", "Segments sealed and written."),
		epoch:        desc("epoch", "Number of the current set of readers, 0 before the first segment."),

		frames:     desc("frames_total", "Frames that came, by codec and by what became of them.", "codec", "outcome"),
		refused:    desc("refused_packets_total", "Packets of tracks that are not recorded.", "codec"),
		failures:   desc("decrypt_failures_total", "Frames that end-to-end decryption did not open, by reason.", "reason"),
		unopened:   desc("unopened_tracks", "Tracks whose media comes now and is not recorded, by reason and likeliest cause.", "reason", "cause"),
		turnedAway: desc("turned_away_tracks", "Tracks that are not recorded now, because their member, or all together, publish too many."),
		lost:       desc("lost_packets_total", "Packets that never came."),

		holes:     desc("holes_total", "Holes declared, by reason.", "reason"),
		missing:   desc("hole_seconds_total", "Time missing in declared holes, summed over tracks, by reason.", "reason"),
		syncError: desc("sync_error_seconds", "How far the clock of the worst track is off what its sender reports say."),
		small:     desc("small_pictures", "Tracks whose pictures have come smaller than they are published for 10 s."),

		queue:     desc("queue_items", "Frames and events that wait to be written."),
		queueSize: desc("queue_capacity_items", "How many may wait; when it is full, so are soon the network's buffers."),

		mediaBytes:    desc("media_bytes_total", "Size of the frames kept."),
		sealedBytes:   desc("sealed_bytes_total", "Size of the segments and indexes written, sealed."),
		uploadedBytes: desc("uploaded_bytes_total", "Size of those that the store has confirmed."),

		backlogObjects: desc("upload_backlog_objects", "Segments and indexes that the store has not confirmed."),
		backlogBytes:   desc("upload_backlog_bytes", "Their size."),
		backlogAge:     desc("upload_backlog_age_seconds", "How long the oldest of them has waited."),
		failing:        desc("upload_failing", "1 while the store refuses."),
		healthy:        desc("healthy", "1 if /healthz says ok."),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.build, c.state, c.started, c.participants, c.tracks, c.segments, c.epoch,
		c.frames, c.refused, c.failures, c.unopened, c.turnedAway, c.lost, c.holes, c.missing, c.syncError, c.small, c.queue, c.queueSize,
		c.mediaBytes, c.sealedBytes, c.uploadedBytes,
		c.backlogObjects, c.backlogBytes, c.backlogAge, c.failing, c.healthy,
	} {
		ch <- d
	}
}

// What is shown also at 0, so that a rate can be taken from the first on.
var (
	states = []recorder.State{recorder.StateStarting, recorder.StateRecording, recorder.StatePaused,
		recorder.StateDiskFull, recorder.StateReconnecting, recorder.StateEnded}
	failureReasons = []recorder.Outcome{recorder.Auth, recorder.NoKey, recorder.Plaintext, recorder.Replayed}
)

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	v := c.from.Status()
	e := emitter(ch)
	e.gauge(c.build, 1, version(), runtime.Version())
	c.collectRecording(e, &v)
	c.collectFrames(e, &v)
	e.counter(c.sealedBytes, float64(v.Sealed))
	e.counter(c.uploadedBytes, float64(v.Uploaded))
	e.gauge(c.backlogObjects, float64(v.Objects))
	e.gauge(c.backlogBytes, float64(v.Bytes))
	e.gauge(c.backlogAge, v.Oldest.Seconds())
	e.gauge(c.failing, health.Is(v.UploadFailing))
	e.gauge(c.healthy, health.Is(len(v.Problems(now)) == 0))
}

// An emitter takes metrics.
type emitter chan<- prometheus.Metric

func (e emitter) gauge(d *prometheus.Desc, n float64, labels ...string) {
	e <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, n, labels...)
}

func (e emitter) counter(d *prometheus.Desc, n float64, labels ...string) {
	e <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, n, labels...)
}

// collectRecording says what the recorder does, and what it holds.
func (c *collector) collectRecording(e emitter, v *bot.Status) {
	for _, s := range states {
		e.gauge(c.state, health.Is(v.State == s), string(s))
	}
	if !v.Started.IsZero() {
		e.gauge(c.started, float64(v.Started.UnixMilli())/1000)
	}
	e.gauge(c.participants, float64(v.Participants))
	e.gauge(c.tracks, float64(v.Tracks))
	turnedAway := 0
	for _, of := range v.TurnedAway {
		turnedAway += of.Tracks
	}
	e.gauge(c.turnedAway, float64(turnedAway))
	e.counter(c.segments, float64(v.Segments))
	e.gauge(c.epoch, float64(v.Epoch))
	e.gauge(c.queue, float64(v.Queued))
	e.gauge(c.queueSize, float64(v.QueueSize))
}

// collectFrames says what became of what came.
func (c *collector) collectFrames(e emitter, v *bot.Status) {
	failures := make(map[recorder.Outcome]int64)
	for k, n := range v.Outcomes {
		if k.Outcome == recorder.Refused {
			e.counter(c.refused, float64(n), string(k.Codec))
			continue
		}
		e.counter(c.frames, float64(n), string(k.Codec), string(k.Outcome))
		failures[k.Outcome] += n
	}
	for _, reason := range failureReasons {
		e.counter(c.failures, float64(failures[reason]), string(reason))
	}
	for _, of := range unopenedTracks(v.Unopened) {
		e.gauge(c.unopened, float64(of.tracks), of.reason, of.cause)
	}
	e.counter(c.lost, float64(v.Lost))
	for reason, h := range v.Holes {
		e.counter(c.holes, float64(h.Count), reason)
		e.counter(c.missing, h.Time.Seconds(), reason)
	}
	e.gauge(c.syncError, v.SyncError.Seconds())
	e.gauge(c.small, float64(v.Small))
	e.counter(c.mediaBytes, float64(v.MediaBytes))
}

// An unopenedCount is how many tracks do not open for one reason and cause.
type unopenedCount struct {
	reason, cause string
	tracks        int
}

// unopenedTracks counts them. Where there is none, it says so: 0 for "auth" and no
// cause that is known, so that there is a series to alert on.
func unopenedTracks(all []recorder.Unopened) []unopenedCount {
	out := []unopenedCount{{string(recorder.Auth), "unknown", 0}}
	for _, u := range all {
		cause := cmp.Or(string(u.Cause), "unknown")
		i := slices.IndexFunc(out, func(c unopenedCount) bool { return c.reason == u.Reason && c.cause == cause })
		if i < 0 {
			i = len(out)
			out = append(out, unopenedCount{u.Reason, cause, 0})
		}
		out[i].tracks++
	}
	return out
}

// version is that of the program, as the Go command recorded it.
func version() string {
	if bi, ok := debug.ReadBuildInfo(); ok && bi.Main.Version != "" {
		return bi.Main.Version
	}
	return "(unknown)"
}
