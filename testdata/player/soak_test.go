//go:build soak

package player_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/player"
)

// TestSoakInStep plays without a stop, 12 minutes or as long as SOAK says, and
// measures all the time; half of the senders have clocks that are slow by 80
// millionths, which is a quarter of a second in an hour. Then it seeks about.
func TestSoakInStep(t *testing.T) {
	length := 12 * time.Minute
	if s := os.Getenv("SOAK"); s != "" {
		var err error
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	people := newPeople(t)
	m, err := player.Flashes(people.Readers, 4, 2, max(time.Hour, length+time.Minute), true)
	if err != nil {
		t.Fatal(err)
	}
	w := watch(t, people, m)
	all := map[string][]float64{}
	for begun := time.Now(); time.Since(begun) < length; {
		from := w.time()
		w.do("meter.clear()")
		if err := sleep(w.ctx, min(time.Minute, length-time.Since(begun)+time.Second)); err != nil {
			t.Fatal(err)
		}
		found := w.measure(w.take())
		for uid, kind := range w.kind {
			t.Logf("%4.0f s: %s of %s: %v", from, kind, uid, player.Summarize(found[uid]))
			all[uid] = append(all[uid], found[uid]...)
		}
	}
	for uid, kind := range w.kind {
		s := player.Summarize(all[uid])
		t.Logf("in %v: %s of %s: %v", length, kind, uid, s)
		if s.Within(1000*step) < 0.95 {
			t.Errorf("%s of %s is out of step: %v", kind, uid, s)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		w.seek(random.Float64() * (m.Length - time.Minute).Seconds())
		w.inStep(1, 4)
	}
	if e := w.page.Errors(); len(e) > 0 {
		t.Errorf("the page says %q", e)
	}
	memory, err := player.Eval[float64](w.ctx, w.page, "performance.memory.usedJSHeapSize / 1048576")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(fmt.Sprintf("the page's heap has %.0f MiB at the end", memory))
}
