package main

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	playback "github.com/sealtape/sealtape/playback/player"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/playback/web"
	"github.com/sealtape/sealtape/testdata/player"
)

// What the page without a server may take, from a store that is 50 ms away. What a first
// visit takes to be fetched is not in it: TestSize bounds that.
const (
	roundTrip   = 50 * time.Millisecond
	loads       = 5
	seeks       = 8
	mostWarm    = 1200 * time.Millisecond
	mostCold    = 2 * time.Second
	mostSeek    = 700 * time.Millisecond
	mostHeap    = 100 << 20
	crowdPlays  = 20 // seconds of a meeting of 30
	meetingTime = 2 * time.Minute
)

// BenchmarkPage plays in Chromium from a store that is far away: six voices and two
// cameras, timed beside the player's own server on the same machine, over the same objects
// as far away, in turns; ten voices and six heavy cameras for what memory the program
// takes; and 30 people. The browser decodes all of it without help, so the figures mean
// little where the machine does something else.
func BenchmarkPage(b *testing.B) {
	some := bench(b, 6, 2, 500_000)
	var warm, cold, seek [2][]time.Duration
	for range loads {
		for n, site := range []string{some.page, some.server()} {
			w := watch(b, player.PageConfig{URL: site, Measure: true, Script: player.StopwatchScript})
			cold[n] = append(cold[n], firstPicture(w))
			w.do("new Promise((done) => setTimeout(done, 4000))") // the browser keeps what it compiled
			w.do("location.reload()")
			warm[n] = append(warm[n], firstPicture(w))
			if len(seek[n]) < seeks {
				for range seeks / 2 {
					to := (17 + 37*len(seek[n])) % int((meetingTime - 15*time.Second).Seconds()) // all over the place
					took, err := w.SeekTook(w.ctx, float64(to))
					if err != nil {
						b.Fatal(err)
					}
					seek[n] = append(seek[n], took.All())
				}
			}
			b.Logf("%s: cold %v ms, warm %v ms", [...]string{"page", "server"}[n], ms(cold[n][len(cold[n])-1]), ms(warm[n][len(warm[n])-1]))
			if e := w.Errors(); len(e) > 0 {
				b.Errorf("the page says %q", e)
			}
			if err := w.Close(); err != nil {
				b.Error(err)
			}
		}
	}
	b.Logf("load average %s", loadAverage(b))
	heap := heapOf(b, bench(b, 10, 6, 1_250_000).page)
	crowd := bench(b, 30, 6, 500_000)
	w := watch(b, player.PageConfig{URL: crowd.page, Measure: true, Script: player.StopwatchScript})
	firstPicture(w)
	w.do("(window.phases = [], sealtape.player.on(['state'], () => phases.push(sealtape.player.phase)))")
	from := w.number("sealtape.player.time")
	w.until(fmt.Sprintf("sealtape.player.time > %v", from+crowdPlays))
	stalls := w.number("phases.filter((p) => p === 'starved').length")
	b.Logf("%d s of 30 voices and 6 cameras: %v stalls, %d MiB of memory", crowdPlays, stalls, memoryOf(w)>>20)

	report := func(name, unit string, ours, limit float64) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
			}
			b.ReportMetric(ours, "ours:"+unit)
			b.ReportMetric(limit, "max:"+unit)
		})
	}
	for _, f := range []struct {
		name  string
		took  [2][]time.Duration
		limit time.Duration
	}{{"warm", warm, mostWarm}, {"cold", cold, mostCold}, {"seek", seek, mostSeek}} {
		b.Logf("%s: %s; the server's page %s", f.name, spread(f.took[0]), spread(f.took[1]))
		report(f.name, "ms", ms(median(f.took[0])), ms(f.limit))
	}
	report("heap", "MiB", float64(heap>>20), mostHeap>>20)
	report("stalls", "times", stalls, 0)
}

// heapOf plays here and there in a heavy meeting, and returns how much memory the program
// has then. It never gives any back.
func heapOf(b *testing.B, page string) int64 {
	b.Helper()
	w := watch(b, player.PageConfig{URL: page, Measure: true})
	w.until("window.sealtape?.player")
	w.do("sealtape.player.play()")
	for _, at := range []float64{0, 50, 20, 100, 70} {
		w.do(fmt.Sprintf("sealtape.player.seek(%v)", at))
		w.until(fmt.Sprintf("!sealtape.player.waiting && sealtape.player.time > %v", at+2))
	}
	heap := memoryOf(w)
	if err := w.Close(); err != nil {
		b.Error(err)
	}
	return heap
}

// A place is where a meeting can be played from.
type place struct {
	page   string        // without a server
	server func() string // the player's own, made anew
}

// bench seals a meeting and serves it in both ways.
func bench(b *testing.B, voices, cameras, bits int) place {
	b.Helper()
	people, err := player.NewPeople(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	m, err := player.Flashes(people.Readers, voices, cameras, meetingTime, false)
	if err != nil {
		b.Fatal(err)
	}
	folder := b.TempDir()
	id, err := player.Write(folder, people.Signer.Signer(), player.Weighty(m, bits))
	if err != nil {
		b.Fatal(err)
	}
	card, err := people.Signer.Card()
	if err != nil {
		b.Fatal(err)
	}
	r := open(b, folder, id, card.Key, people.Signer.AgeIdentities())
	return place{
		page:   servePage(b, r, newObjectServer(b, folder, roundTrip)).URL,
		server: func() string { return serveFar(b, r, people.Signer.AgeIdentities()) },
	}
}

// serveFar serves a recording as sealtape play does, from a store that is far away.
func serveFar(b *testing.B, r recorded, identities []age.Identity) string {
	b.Helper()
	folder, err := dir.Open(r.folder)
	if err != nil {
		b.Fatal(err)
	}
	v, err := note.NewVerifier(r.vkey)
	if err != nil {
		b.Fatal(err)
	}
	o := tape.Options{Options: archive.Options{Verifiers: note.VerifierList(v), Identities: identities}}
	p, err := playback.New(playback.Config{Library: playback.Tapes(tape.NewLibrary(farStore{folder}, o))})
	if err != nil {
		b.Fatal(err)
	}
	s, err := web.New(web.Config{Player: p, Recording: r.id})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(s)
	b.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		if err := p.Close(); err != nil {
			b.Error(err)
		}
		if err := folder.Close(); err != nil {
			b.Error(err)
		}
	})
	p.Prepare(r.id, 0)
	return s.URL(strings.TrimPrefix(server.URL, "http://"))
}

// A farStore answers after some time.
type farStore struct{ archive.Store }

func (s farStore) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	select {
	case <-time.After(roundTrip):
		return s.Store.Get(ctx, name, off, n)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// firstPicture returns when the first picture was shown, from the beginning of the
// navigation.
func firstPicture(w *watching) time.Duration {
	w.t.Helper()
	w.until("window.stopwatch?.first")
	return time.Duration(w.number("stopwatch.loaded + stopwatch.first.picture") * float64(time.Millisecond))
}

func (w *watching) number(js string) float64 {
	w.t.Helper()
	n, err := player.Eval[float64](w.ctx, w.Page, js)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// memoryOf returns how much memory the program of a page has.
func memoryOf(w *watching) int64 {
	w.t.Helper()
	return int64(w.number("source.memory()"))
}

func ms(d time.Duration) float64 { return float64(d.Milliseconds()) }

func median(all []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(all))[len(all)/2]
}

func spread(all []time.Duration) string {
	return fmt.Sprintf("median %v ms (%v to %v)", ms(median(all)), ms(slices.Min(all)), ms(slices.Max(all)))
}

// loadAverage is what else the machine does.
func loadAverage(b *testing.B) string {
	b.Helper()
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "not known"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
