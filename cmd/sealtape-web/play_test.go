package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

func flashes(r player.Readers) (player.Meeting, error) {
	return player.Flashes(r, 2, 1, 40*time.Second, false)
}

// TestPlays: the page plays from a store of sealed objects, with no server that knows
// anything: described, played, gone to another place, and nothing is wrong.
func TestPlays(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	r := record(t, func(r player.Readers) (player.Meeting, error) { return player.Flashes(r, 1, 1, 2*time.Minute, false) })
	objects := newObjectServer(t, r.folder, 0)
	w := watch(t, player.PageConfig{URL: servePage(t, r, objects).URL, Measure: true})
	w.until("window.sealtape?.player")
	w.want("sealtape.recording.state + ' ' + sealtape.recording.signers", "closed Owner")
	w.do("sealtape.player.play()")
	w.until(fmt.Sprintf(playing, 1))
	w.do("sealtape.player.seek(111)")
	w.until(fmt.Sprintf(playing, 111.5))
	for n := 14; n < 19; n++ {
		if name := fmt.Sprintf("%s/segments/%06d.age", r.id, n); objects.times(name) > 0 {
			t.Errorf("%s was fetched, and is not about to play", name)
		}
	}
	if e := w.Errors(); len(e) > 0 {
		t.Errorf("the page says %q", e)
	}
}

// TestTrouble: what the store changes, withholds or puts back is shown as that, and not
// played.
func TestTrouble(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	r := record(t, flashes)
	gone := func([]byte) (int, []byte) { return http.StatusNotFound, nil }
	refused := func([]byte) (int, []byte) { return http.StatusForbidden, nil }
	flipped := func(b []byte) (int, []byte) {
		b[len(b)/2] ^= 1
		return http.StatusOK, b
	}
	objects := newObjectServer(t, r.folder, 0)
	segment := func(n int) string { return fmt.Sprintf("%s/segments/%06d.age", r.id, n) }
	objects.set(segment(1), flipped)
	objects.set(segment(3), refused)
	objects.set(segment(5), gone)
	w := watch(t, player.PageConfig{URL: servePage(t, r, objects).URL, Measure: true})
	w.until("window.sealtape?.player")
	w.do("sealtape.player.play()")
	w.until(fmt.Sprintf(playing, 1))
	for _, at := range []int{7, 17, 27} {
		w.do(fmt.Sprintf("sealtape.player.seek(%d)", at))
		w.until(fmt.Sprintf("sealtape.recording.failed.some(([from, to]) => from <= %d && to > %d)", at, at))
	}
	w.until(fmt.Sprintf(playing, 10)) // it goes on behind them
	w.want("sealtape.recording.segments.list.map((s) => s.state).join()", "readable,failed,readable,failed,readable,failed,readable,readable")
}

// TestRollback: a head that comes before one that was seen opens nothing, and the page
// says so.
func TestRollback(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	r := record(t, flashes)
	objects := newObjectServer(t, r.folder, 0)
	url := servePage(t, r, objects).URL
	w := watch(t, player.PageConfig{URL: url, Measure: true})
	w.until("window.sealtape?.player")
	w.do("localStorage.setItem(`head/" + r.id + "`, localStorage.getItem(`head/" + r.id + "`).replace(/\\n(\\d+)\\n/, (_, n) => `\\n${Number(n) + 1}\\n`))")
	w.do("location.reload()")
	w.until("document.body?.classList.contains('failed')")
	w.until("document.querySelector('#message')?.innerText.includes('An older state than you have seen')")
	w.want("window.sealtape ?? null", "null")
}

// TestSurvives: a fault in the program ends its worker, and not the page, which goes on
// with another one.
func TestSurvives(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	r := record(t, flashes)
	w := watch(t, player.PageConfig{URL: servePage(t, r, newObjectServer(t, r.folder, 0)).URL, Measure: true})
	w.until("window.sealtape?.player")
	w.do("sealtape.player.play()")
	w.until(fmt.Sprintf(playing, 0.5))
	w.do("(window.first = worker, worker.postMessage({ ask: 'no number', what: '', detail: {} }))") // it trips over it
	w.until("worker !== first")
	w.do("sealtape.player.seek(31)")
	w.until(fmt.Sprintf(playing, 31.2))
	w.want("source.recording(sealtape.recording.id).then((d) => d.state)", "closed")
}
