package matrix

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"maunium.net/go/mautrix/id"
)

// Whoever leaves reads nothing that is said five seconds later, also if somebody else left just
// before, or many do: each had the keys that were on their way then.
func TestSecondLeaver(t *testing.T) {
	for _, apart := range []time.Duration{100 * time.Millisecond, 500 * time.Millisecond, 4 * time.Second} {
		c := bareCall(t, "http://127.0.0.1:1")
		now := time.Now()
		type leaver struct {
			at  time.Time
			has []string // keys
		}
		var left []leaver
		has := func() (keys []string) {
			for _, k := range append([]ownKey{c.key}, c.coming...) {
				keys = append(keys, string(k.key))
			}
			return keys
		}
		const leavers = 100
		for i := range leavers + 10 {
			for range 100 {
				for _, l := range left {
					if now.Sub(l.at) > usualTiming.useKey+100*time.Millisecond && slices.Contains(l.has, string(c.key.key)) {
						t.Fatalf("%v apart: who left reads %v later", apart, now.Sub(l.at))
					}
				}
				now = now.Add(apart / 100)
				c.rotate(now)
			}
			if i >= leavers {
				now = now.Add(usualTiming.useKey / 10)
				c.rotate(now)
				continue
			}
			who := Target{"@u:x", id.DeviceID(fmt.Sprint(i))}
			c.sent[who] = &sending{tries: 1}
			left = append(left, leaver{now, has()})
			c.lost(who)
			c.rotate(now)
			if len(c.coming) > maxComing {
				t.Fatalf("%d keys are on their way", len(c.coming))
			}
		}
		if len(c.coming) > 0 {
			t.Errorf("%v apart: %d keys did not come into use", apart, len(c.coming))
		}
	}
}

// A homeserver that answers slowly does not keep a key in use that somebody has who left.
func TestRotatesWhileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := bareCall(t, "http://127.0.0.1:1")
		c.key, c.known, c.busy = ownKey{key: random(16)}, true, true
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			c.tick(ctx)
		}()
		time.Sleep(c.t.useKey + 2*c.t.tick)
		if index, _ := c.Key(); index != 1 {
			t.Errorf("the key in use is %d", index)
		}
		cancel()
		<-ended
	})
}
