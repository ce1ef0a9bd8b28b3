//go:build unix

package main

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/calls"
	"github.com/sealtape/sealtape/testdata/servers"
)

// matrixServersRestart: the homeserver of a call dies, and the call is recorded on; once it is back, who comes is
// recorded, too. The LiveKit server dies, and all come back to one that knows nothing.
func matrixServersRestart(t *testing.T) {
	l := newBrowserLab(t, someBrowsers)
	var err error
	if l.lk, err = servers.StartLiveKit(l.ctx, servers.LiveKitConfig{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.lk.Kill)
	g := l.ownMatrix(calls.Config{}).meeting(false, "ada", "ben")
	ada, ben := g.people[0], g.people[1]
	rec := g.recordCall("--metrics-addr", "127.0.0.1:0")
	g.enter(ada)
	rec.records()
	g.keeps(rec.id, ada)

	if err := g.Dendrite.Crash(); err != nil {
		t.Fatal(err)
	}
	g.segments(g.home, g.store, rec.id, g.listed(g.home, g.store, rec.id)+4)
	if err := g.Dendrite.Restart(g.ctx); err != nil {
		t.Fatal(err)
	}
	g.enter(ben)
	i := g.keeps(rec.id, ada, ben)
	onlyStarts(t, i)

	if err := l.lk.Crash(); err != nil {
		t.Fatal(err)
	}
	if err := l.lk.Restart(g.ctx); err != nil {
		t.Fatal(err)
	}
	// back returns how long of a recording is after the reconnect, once both came back.
	back := func(i *show.InfoJSON) time.Duration {
		at := slices.IndexFunc(i.Timeline, func(e media.Event) bool { return e.Type == media.EventReconnect })
		if at < 0 || i.Duration == nil {
			return 0
		}
		for _, p := range g.people {
			if !slices.ContainsFunc(i.Timeline[at:], func(e media.Event) bool { return e.Type == media.EventTrack && e.Participant == p.identity() }) {
				return 0
			}
		}
		return time.Duration(*i.Duration*float64(time.Second)) - i.Timeline[at].From
	}
	g.informed(g.home, g.store, rec.id, "both back at the LiveKit server", func(i *show.InfoJSON) bool { return back(i) > 3*time.Second })
	rec.stop(syscall.SIGINT)
	i = g.info(g.home, g.store, rec.id)
	for _, h := range i.Holes {
		t.Logf("%s misses %.2f to %.2f s: %s", h.Label, h.From, h.To, h.Reason)
		if h.Reason == media.HoleNoKey || h.Reason == media.HoleAuth {
			t.Errorf("%s misses %.2f to %.2f s: %s", h.Label, h.From, h.To, h.Reason)
		}
	}
	g.carries(rec.id, ada, ben)
}
