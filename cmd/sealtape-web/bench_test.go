package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/player"
)

// What the page without a server may take, from a store that is 50 ms away.
const (
	roundTrip   = 50 * time.Millisecond
	loads       = 5
	seeks       = 4 // after each load
	mostWarm    = 1200 * time.Millisecond
	mostCold    = 2 * time.Second
	mostSeek    = 700 * time.Millisecond
	mostHeap    = 100 << 20
	crowdPlays  = 20 // seconds of a meeting of 30
	meetingTime = 2 * time.Minute

	// Where the machine is slow, fewer loads are made than there should be, but some.
	loadsFor   = 150 * time.Second
	leastLoads = 3
	// compiledIn is how long a browser takes at most to keep what it compiled for the next load.
	compiledIn = 4 * time.Second
)

// sites are what is measured, in turns: the page without a server, and the player's own
// server with its page, over the same objects as far away.
var sites = [2]string{"page", "sealtape play"}

// BenchmarkPage measures the page that sealtape player makes, in Chromium, beside that of
// sealtape play:
//
//   - warm: from a reload to the first picture, of six voices and two cameras;
//   - cold: the same in a browser that was just started and has nothing of the page yet.
//     It fetches the page from this machine: what a first visit downloads comes on top;
//   - seek: from a seek to a place that is not there yet to its picture and sound;
//   - visit: what a first visit downloads at most, by brotli;
//   - heap: the memory of the program after ten voices and six heavy cameras;
//   - stalls: how often 30 people with six cameras stop in 20 s.
//
// The reader's key is in the browser, as it is where they meet. The browser decodes all of
// it without help, so the figures mean little where the machine does something else. It
// takes some 4 minutes.
func BenchmarkPage(b *testing.B) {
	b.Logf("load average %s before", loadAverage(b))
	some := bench(b, 6, 2, 500_000)
	profile := some.browser()
	var warm, cold, seek [2][]time.Duration
	var stages []map[string]float64
	for n, begun := 0, time.Now(); n < loads && (n < leastLoads || time.Since(begun) < loadsFor); n++ {
		for i, url := range []string{some.page, some.server()} {
			forgetCaches(b, profile)
			w := watch(b, player.PageConfig{URL: url, Measure: true, Script: player.StopwatchScript + stagesScript, Profile: profile})
			cold[i] = append(cold[i], firstPicture(w))
			w.do(fmt.Sprintf("new Promise((done) => setTimeout(done, %d))", compiledIn.Milliseconds()))
			w.do("(window.left = true, location.reload())")
			warm[i] = append(warm[i], firstPicture(w))
			if i == 0 {
				stages = append(stages, stagesOf(w))
			}
			for range seeks {
				to := (17 + 37*len(seek[i])) % int((meetingTime - 15*time.Second).Seconds()) // all over the place
				took, err := w.SeekTook(w.ctx, float64(to))
				if err != nil {
					b.Fatal(err)
				}
				seek[i] = append(seek[i], took.All())
			}
			if e := w.Errors(); len(e) > 0 {
				b.Errorf("%s says %q", sites[i], e)
			}
			if err := w.Close(); err != nil {
				b.Error(err)
			}
		}
	}
	visit := visitOf(b)
	heap := heapOf(b, bench(b, 10, 6, 1_250_000).test())
	stalls, crowd := crowdOf(b, bench(b, 30, 6, 500_000).test())
	b.Logf("load average %s after", loadAverage(b))

	report := func(name, unit string, ours, limit float64, theirs ...float64) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
			}
			b.ReportMetric(ours, "ours:"+unit)
			b.ReportMetric(limit, "max:"+unit)
			for _, v := range theirs {
				b.ReportMetric(v, "bare:"+unit)
			}
		})
	}
	for _, f := range []struct {
		name  string
		took  [2][]time.Duration
		limit time.Duration
	}{{"warm", warm, mostWarm}, {"cold", cold, mostCold}, {"seek", seek, mostSeek}} {
		b.Logf("%s, ms: %s %s; %s %s", f.name, sites[0], spread(f.took[0]), sites[1], spread(f.took[1]))
		report(f.name, "ms", ms(median(f.took[0])), ms(f.limit), ms(median(f.took[1])))
	}
	b.Logf("where a warm load goes, ms after it began: %s", stageText(stages))
	b.Logf("30 voices and 6 cameras: %v stalls in %d s, %d MiB of memory", stalls, crowdPlays, crowd>>20)
	report("visit", "kB", float64(visit/1000), mostVisit/1000)
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

// crowdOf plays 30 people, and returns how often they stop, and the program's memory.
func crowdOf(b *testing.B, page string) (stalls float64, memory int64) {
	b.Helper()
	w := watch(b, player.PageConfig{URL: page, Measure: true, Script: player.StopwatchScript})
	firstPicture(w)
	w.do("(window.phases = [], sealtape.player.on(['state'], () => phases.push(sealtape.player.phase)))")
	from := w.number("sealtape.player.time")
	w.until(fmt.Sprintf("sealtape.player.time > %v", from+crowdPlays))
	stalls, memory = w.number("phases.filter((p) => p === 'starved').length"), memoryOf(w)
	if err := w.Close(); err != nil {
		b.Error(err)
	}
	return stalls, memory
}

// stagesScript notes when the worker of the page gets on, in milliseconds since the
// navigation began.
const stagesScript = `(() => {
	const at = window.stages = {}, note = (name) => at[name] ??= performance.now();
	window.Worker = class extends Worker {
		constructor(...args) {
			super(...args);
			this.addEventListener("message", ({ data: m }) => m?.ready ? note("ready") : m?.answer ? note("described") : m?.part && note("segment"));
		}
		postMessage(m, ...rest) {
			if (m?.program) note("compiled");
			else if (m?.settings) note("told");
			else if (m?.ask && m.what === "segment") note("asked");
			super.postMessage(m, ...rest);
		}
	};
})()`

// stageNames are what is noted, and the first picture, in order.
var stageNames = []string{"compiled", "ready", "told", "described", "asked", "segment", "loaded", "picture"}

func stagesOf(w *watching) map[string]float64 {
	w.t.Helper()
	s, err := player.Eval[map[string]float64](w.ctx, w.Page, "({ ...stages, loaded: stopwatch.loaded, picture: stopwatch.loaded + stopwatch.first.picture })")
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// stageText returns the medians.
func stageText(all []map[string]float64) string {
	var text []string
	for _, name := range stageNames {
		var at []float64
		for _, s := range all {
			at = append(at, s[name])
		}
		slices.Sort(at)
		text = append(text, fmt.Sprintf("%s %.0f", name, at[len(at)/2]))
	}
	return strings.Join(text, ", ")
}

// firstPicture returns when the first picture was shown, from the beginning of the
// navigation.
func firstPicture(w *watching) time.Duration {
	w.t.Helper()
	w.until("!window.left && window.stopwatch?.first")
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
	return fmt.Sprintf("%v (%v to %v)", ms(median(all)), ms(slices.Min(all)), ms(slices.Max(all)))
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
