//go:build soak

package livekit_test

import (
	"context"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/servers"
)

// The recorder's network is cut for five minutes: far longer than the server
// keeps a member and the SDK tries to resume.
func TestSoakCut(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	t.Cleanup(cancel)
	s, n := impaired(t, ctx, servers.LiveKitConfig{})
	ways := ways(t, n, "soak", "ada", "bot")
	someone(t, ctx, s, ways["ada"].URL, "soak", "ada")
	l := live(t, ctx, livekit.Config{URL: ways["bot"].URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "soak"}, recorder.Config{})
	l.hears(0)
	ways["bot"].Cut()
	if err := pauseFor(ctx, 5*time.Minute); err != nil {
		t.Fatal(err)
	}
	ways["bot"].Mend()
	l.hears(1)
	l.stop()
	l.wait()
	came := l.check(media.HoleReconnect)
	if len(came) != 1 || came[0].Reason != media.ReconnectRejoin {
		t.Errorf("reconnects: %v", came)
	}
	if hole := l.report.Holes[media.HoleReconnect]; hole < 2*5*time.Minute {
		t.Errorf("two tracks miss %v", hole)
	}
	t.Logf("came back %v, holes %v", came, l.report.Holes)
}
