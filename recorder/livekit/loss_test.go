package livekit_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/network"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

const lossTime = 12 * time.Second

// Whatever the network does, what was published is recorded or declared.
func TestLoss(t *testing.T) {
	sample.Live(t)
	ctx := sample.Context(t)
	s, err := servers.StartLiveKit(ctx, servers.LiveKitConfig{Relayed: true, Progress: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	n, err := network.Start(network.Config{Server: s.URL, Media: s.Media, Relay: s.Relay, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	const (
		far = 100 * time.Millisecond // one way, on each leg
		two = 2 * time.Second
	)
	burst := network.Burst{Enter: 0.01, Leave: 0.2, Loss: 0.8}
	shuffle := network.Impairment{Reorder: 0.05, ReorderBy: 40 * time.Millisecond, Duplicate: 0.05, Delay: 30 * time.Millisecond, Jitter: 30 * time.Millisecond}
	m := watch(t, s)
	var rooms sync.WaitGroup
	defer rooms.Wait()
	for _, c := range []lossy{
		{name: "no loss", whole: true},
		{name: "1 percent", first: network.Impairment{Loss: 0.01}, second: network.Impairment{Loss: 0.01}, back: 0.01, holes: true, longest: two},
		{name: "5 percent", first: network.Impairment{Loss: 0.05}, second: network.Impairment{Loss: 0.05}, back: 0.01, holes: true, longest: two},
		{name: "5 percent at 200 ms", first: network.Impairment{Loss: 0.05, Delay: far}, second: network.Impairment{Loss: 0.05, Delay: far}, holes: true, longest: two},
		{name: "20 percent", first: network.Impairment{Loss: 0.2}, second: network.Impairment{Loss: 0.2}, back: 0.2, late: true, holes: true},
		{name: "bursts", first: network.Impairment{Burst: burst}, second: network.Impairment{Burst: burst}, holes: true},
		{name: "reordering and duplicates", first: shuffle, second: shuffle, whole: true},
		// The server resends sound to whoever asks, three times at most. Without,
		// 30 frames would be missing; of them, one in some hundred is.
		{name: "5 percent to the recorder", second: network.Impairment{Loss: 0.05}, longest: two, sound: 5},
	} {
		// All at once, however few run in parallel: they wait more than they work.
		rooms.Go(func() { t.Run(c.name, func(t *testing.T) { c.run(ctx, t, s, n, m) }) })
	}
}

// A lossy is a room of one publisher and the recorder.
type lossy struct {
	name string
	// first is the publisher's way to the server, second the server's to the
	// recorder. Feedback goes the same ways back, with a loss of back.
	first, second network.Impairment
	back          float64
	late          bool // they begin with the media: connecting through them takes long
	holes         bool // the publisher leaves holes
	// longest bounds a hole in the video, 0 for no bound, and sound the frames of
	// sound that may be missing, 0 for any number; whole says that nothing may be
	// missing at all.
	longest time.Duration
	sound   int
	whole   bool
}

func (c lossy) run(ctx context.Context, t *testing.T, s *servers.LiveKit, n *network.Network, machine *machine) {
	first, err := n.Client(c.name + "/ada")
	if err != nil {
		t.Fatal(err)
	}
	second, err := n.Client(c.name + "/bot")
	if err != nil {
		t.Fatal(err)
	}
	set := func(forth, back *network.Link, i network.Impairment) {
		forth.Set(i)
		i.Loss = c.back
		back.Set(i)
	}
	impair := func() {
		set(first.Up, first.Down, c.first)
		set(second.Down, second.Up, c.second)
	}
	if !c.late {
		impair()
	}

	token, err := members.Token(s.APIKey, s.APISecret, members.Grant{Room: c.name, Identity: "ada", Name: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	const sender = 7
	ada := publish(t, first.URL, token, "ada", sender, c.holes)
	defer ada.stop()
	r, err := livekit.Join(ctx, livekit.Config{URL: second.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: c.name,
		Identity: "bot", Name: "The recorder", Passphrase: []byte(passphrase)})
	if err != nil {
		t.Fatal(err)
	}
	if c.late {
		done := make(chan struct{})
		var waiting sync.WaitGroup
		defer waiting.Wait()
		defer close(done)
		waiting.Go(func() {
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for second.Down.Counts().Passed[network.RTP] == 0 {
				select {
				case <-tick.C:
				case <-done:
					return
				}
			}
			impair()
		})
	}
	m, report, err := record(ctx, r, lossTime)
	if err != nil {
		t.Fatal(err)
	}
	stall := machine.stall()
	t.Logf("%s, holes %v, stalls of %v; to the server %+v, to the recorder %+v", report.Reason, report.Holes, stall, first.Up.Counts(), second.Down.Counts())
	tapes := tapesOf(t, m)
	for _, source := range []media.Source{media.Microphone, media.Camera} {
		tp := tapes[source]
		if tp == nil {
			t.Errorf("%s was not recorded", source)
			continue
		}
		a := tp.reconcile(t, sender, int(ada.sent[source].Load()))
		t.Logf("%-26s %-10s %v", c.name, source, a)
		stalled := int(stall / map[media.Source]time.Duration{media.Microphone: audioTime, media.Camera: videoTime}[source])
		if c.whole && a.missing > a.atEnd+stalled {
			t.Errorf("%s: %d frames are missing: %v", source, a.missing, tp.holes)
		}
		if c.holes && a.missing == 0 {
			t.Errorf("%s: nothing is missing, though not all was sent", source)
		}
		if source == media.Microphone && c.sound > 0 && a.missing > c.sound+stalled {
			t.Errorf("%d of %d frames of sound are missing", a.missing, a.published)
		}
		if source == media.Camera && c.longest > 0 && a.longest >= c.longest+stall {
			t.Errorf("%s: a hole of %v: %v", source, a.longest, tp.holes)
		}
	}
	if second.Down.Counts().Passed[network.RTP] == 0 || n.Stray() > 0 {
		t.Errorf("media did not come through the network: %+v, %d strays", second.Down.Counts(), n.Stray())
	}
}

// A machine is watched: what the network may cost is known, but not what a
// machine costs that is too busy to run the server or us for seconds.
type machine struct{ worst atomic.Int64 }

// watch asks the server for its page, again and again, until the test ends.
func watch(t *testing.T, s *servers.LiveKit) *machine {
	m := new(machine)
	transport := &http.Transport{}
	client := &http.Client{Transport: transport}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for before := time.Now(); ; before = time.Now() {
			select {
			case <-tick.C:
			case <-quit:
				return
			}
			if r, err := client.Get("http" + strings.TrimPrefix(s.URL, "ws")); err == nil {
				r.Body.Close()
			}
			m.worst.Store(max(m.worst.Load(), int64(time.Since(before))))
		}
	}()
	t.Cleanup(func() {
		close(quit)
		<-done
		transport.CloseIdleConnections()
	})
	return m
}

// stall returns what to allow for the longest that the machine stood still so
// far: nothing for a quarter of a second, else some times that, for packets and
// what is asked about them pass several processes.
func (m *machine) stall() time.Duration {
	if w := time.Duration(m.worst.Load()); w > 250*time.Millisecond {
		return 4 * w
	}
	return 0
}
