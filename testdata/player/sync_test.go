package player_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// step is how far a track may be from the recording clock. At more than usual
// speed it is the viewer's time that counts: a screen shows a picture 60 times a
// second, which at three times the speed is every 50 ms of the recording.
const step = 0.040

// A track is in step if so large a part of its pictures or beeps is. The rest is
// for a machine that has other things to do.
const most = 0.8

// Every track is in step with the recording clock, at every speed and wherever
// one seeks in an hour, or in a quarter of one.
func TestInStep(t *testing.T) {
	sample.Live(t)
	people := newPeople(t)
	length := 15 * time.Minute
	if sample.All() {
		length = time.Hour
	}
	m, err := player.Flashes(people.Readers, 3, 2, length, true)
	if err != nil {
		t.Fatal(err)
	}
	// A clock that is worse than any shows in seconds what others take hours for.
	m.Members[1].Tracks[0].PPM = 4000
	w := watch(t, people, m)
	steps := []struct{ seek, rate, seconds float64 }{
		{0, 1, 2.7},
		{0, 2, 2.2},
		{length.Seconds()/2 + 0.7, 1, 2.7},
		{0, 0.5, 4.7},
		{0, 1.5, 2.2},
		{length.Seconds() - 70, 3, 2.2},
		{12.3, 1, 2.7},
	}
	for i := range sample.Cases(t, len(steps), 4) {
		s := steps[i]
		if s.seek > 0 {
			w.seek(s.seek)
		}
		w.do(fmt.Sprintf("sealtape.player.rate = %v", s.rate))
		w.inStep(s.rate, s.seconds)
	}
}

// So are pictures of all codecs, beside one another.
func TestCodecsInStep(t *testing.T) {
	sample.Live(t)
	people := newPeople(t)
	m, err := player.Lab(people.Readers, 70*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	w := watch(t, people, m)
	w.seek(14)
	w.inStep(1, 4)
}

// A watcher plays a meeting in a browser and measures.
type watcher struct {
	t    *testing.T
	ctx  context.Context
	page *player.Page
	ppm  map[string]float64
	kind map[string]string // of the tracks that flash or beep: what they do
}

// watch seals a meeting and plays it.
func watch(t *testing.T, people *player.People, m player.Meeting) *watcher {
	t.Helper()
	ctx := sample.Context(t)
	store := t.TempDir()
	tape, err := player.NewTape(store, people.Signer.Signer(), m)
	if err != nil {
		t.Fatal(err)
	}
	if err := tape.Until(m.Length); err != nil {
		t.Fatal(err)
	}
	if err := tape.Close(); err != nil {
		t.Fatal(err)
	}
	command := play(t, ctx, people.Owner, store, tape.ID())
	w := &watcher{t: t, ctx: ctx, ppm: map[string]float64{}, kind: map[string]string{}}
	tracks := tape.Tracks()
	for _, p := range m.Members {
		for _, k := range p.Tracks {
			uid := strconv.FormatUint(tracks[0].UID, 10)
			tracks = tracks[1:]
			w.ppm[uid] = k.PPM
			if k.Loop.Does != "" {
				w.kind[uid] = k.Loop.Does
			}
		}
	}
	if w.page, err = player.Open(ctx, player.PageConfig{In: &chromium, URL: command.URL, Measure: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.page.Close(); err != nil {
			t.Error(err)
		}
	})
	w.until("window.sealtape?.player")
	w.do("sealtape.player.play()")
	w.until("sealtape.player.time > 0.1")
	if err := w.page.StartMeter(ctx); err != nil {
		t.Fatal(err)
	}
	return w
}

// play runs sealtape play, until the test ends.
func play(t *testing.T, ctx context.Context, home, store, id string) *player.Command {
	t.Helper()
	path, err := sealtape()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "play", id, "--no-browser")
	cmd.Env = player.Environment(home, store)
	c, err := player.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
		defer cancel()
		if code, err := c.Stop(stop); err != nil || code != 0 && code != 3 {
			t.Errorf("sealtape play ended with %d: %v\n%s", code, err, c.Said())
		}
	})
	return c
}

func (w *watcher) do(js string) {
	w.t.Helper()
	if err := w.page.Do(w.ctx, js); err != nil {
		w.t.Fatalf("%v; the page says %q", err, w.page.Errors())
	}
}

func (w *watcher) until(js string) {
	w.t.Helper()
	if err := w.page.Until(w.ctx, js); err != nil {
		w.t.Fatal(err)
	}
}

// seek goes to a time, and returns when it plays there.
func (w *watcher) seek(to float64) {
	w.t.Helper()
	w.do(fmt.Sprintf("sealtape.player.seek(%v)", to))
	w.until(fmt.Sprintf("!sealtape.player.waiting && !sealtape.player.paused && sealtape.player.time > %v && sealtape.player.time < %v", to, to+60))
}

// inStep measures for so many seconds until all tracks are in step, for a few
// times, and fails the test if they never are.
func (w *watcher) inStep(rate, seconds float64) {
	w.t.Helper()
	const tries = 5
	for try := 1; ; try++ {
		w.do("meter.clear()")
		from := w.time()
		if err := sleep(w.ctx, time.Duration(seconds*float64(time.Second))); err != nil {
			w.t.Fatal(err)
		}
		found := w.measure(w.take())
		bad := 0
		for uid, kind := range w.kind {
			s := player.Summarize(found[uid])
			limit := 1000 * step * math.Max(1, rate)
			ok := s.N >= 2 && s.Within(limit) >= most
			w.t.Logf("%.1f s at %v: %s of %s: %v", from, rate, kind, uid, s)
			if !ok {
				bad++
			}
		}
		if bad == 0 {
			return
		}
		if try == tries {
			w.t.Errorf("from %.1f s on at %v times the speed, %d of %d tracks are not in step", from, rate, bad, len(w.kind))
			return
		}
	}
}

func (w *watcher) take() player.Measurement {
	w.t.Helper()
	m, err := w.page.TakeMeter(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(m.Trouble) > 0 {
		w.t.Fatalf("the meter had trouble: %q", m.Trouble)
	}
	return m
}

func (w *watcher) time() float64 {
	w.t.Helper()
	at, err := player.Eval[float64](w.ctx, w.page, "sealtape.player.time")
	if err != nil {
		w.t.Fatal(err)
	}
	return at
}

// measure returns by how many seconds of the recording what was noted was late, by
// track. That the wrong picture is in the right place fails the test.
func (w *watcher) measure(m player.Measurement) map[string][]float64 {
	w.t.Helper()
	out := map[string][]float64{}
	painted, exact := map[string]int{}, map[string]int{}
	for _, p := range m.Pictures {
		if w.kind[p.UID] == "" {
			continue
		}
		off, is, err := p.Offset(w.ppm[p.UID])
		if err != nil {
			w.t.Errorf("track %s: %v", p.UID, err)
			continue
		}
		if painted[p.UID]++; is {
			exact[p.UID]++
		}
		out[p.UID] = append(out[p.UID], off)
	}
	for uid, n := range painted {
		if exact[uid] < n/2 {
			w.t.Errorf("track %s: only %d of %d pictures are those of their time", uid, exact[uid], n)
		}
	}
	for _, b := range m.Beeps {
		if w.kind[b.UID] == "" {
			continue
		}
		off, err := b.Offset(w.ppm[b.UID])
		if err != nil {
			w.t.Logf("track %s: %v", b.UID, err)
			off = 1 // the beep of another second, or none
		}
		out[b.UID] = append(out[b.UID], off)
	}
	return out
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// sealtape builds the command once.
var sealtape = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	return player.Build(ctx, folder)
})

// chromium is the process in which all pages of the tests are.
var chromium = player.Chromium{Measure: true}

// folder is for what all tests use.
var folder string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if folder, err = os.MkdirTemp("", "sealtape-player-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() {
			if err := os.RemoveAll(folder); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}()
		return player.Run(m, &chromium)
	}())
}
