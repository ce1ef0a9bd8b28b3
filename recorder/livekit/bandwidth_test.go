package livekit_test

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/network"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// A picture that the server stops to send, for want of bandwidth, is a hole.
func TestPausedByTheServer(t *testing.T) {
	t.Parallel()
	ctx := sample.Context(t)
	s, n := impaired(t, ctx, servers.LiveKitConfig{Estimates: true, AllowPause: true})
	there := ways(t, n, "r", "ada", "bot")
	someone(t, ctx, s, there["ada"].URL, "r", "ada")
	l := live(t, ctx, livekit.Config{URL: there["bot"].URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "r"}, recorder.Config{})
	l.hears(0)
	there["bot"].Down.Set(network.Impairment{Rate: 70_000})
	start := time.Now()
	l.until("a hole", func(_ []media.Frame, events []media.Event) bool {
		for _, g := range kind(events, media.EventHole) {
			if g.Reason == media.HoleBandwidth {
				return true
			}
		}
		return false
	})
	t.Logf("declared after %v", time.Since(start))
	l.stop()
	l.wait()
	frames, events, tracks := l.read()
	for _, g := range kind(events, media.EventHole) {
		if g.Reason != media.HoleBandwidth {
			continue
		}
		t.Logf("from %v to %v", g.From, g.To)
		if tracks[g.Track].Source != media.Camera {
			t.Errorf("a hole of %+v: %+v", tracks[g.Track], g)
		}
		for _, f := range frames {
			if f.Track == g.Track && f.Time > g.From+time.Second && f.Time < g.To {
				t.Errorf("a frame of %v is in the hole from %v to %v", f.Time, g.From, g.To)
			}
		}
	}
	if !l.report.Incomplete {
		t.Errorf("report: %+v", l.report)
	}
}
