package roomkeys

import (
	"testing"
	"time"
)

// However far a member says that its key is, few keys are installed for that, and they are
// those of the chain.
func TestRingLeaps(t *testing.T) {
	for steps := range maxBehind + 1 {
		installed, keys := 0, make(map[int]secret)
		r := newRing("ada", func(e Event) {
			switch e.Kind {
			case Install:
				installed++
				keys[e.Index] = secret(e.Key)
			case Retire:
				if _, ok := keys[e.Index]; !ok {
					t.Errorf("%d steps: index %d is retired, and was not installed", steps, e.Index)
				}
				delete(keys, e.Index)
			}
		})
		now := time.Now()
		c := begin(1, 250)
		sender := *c
		r.take(c, now)
		installed = 0
		r.advance(steps, now)
		for range steps {
			sender.step()
		}
		if installed > Ahead+1 || len(r.slots) > 2*(Ahead+1) {
			t.Errorf("%d steps: %d keys installed, %d there", steps, installed, len(r.slots))
		}
		for n := range Ahead + 1 {
			if index := (sender.index + n) % Indexes; keys[index] != sender.at(n) || !r.slots[index].IsZero() {
				t.Errorf("%d steps: the key %d ahead is not there", steps, n)
			}
		}
		r.tick(now.Add(keyGrace))
		if len(keys) != Ahead+1 {
			t.Errorf("%d steps: %d keys stay", steps, len(keys))
		}
	}
}
