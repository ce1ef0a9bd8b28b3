package pattern

import (
	"sync"
	"testing"
)

func TestOf(t *testing.T) {
	number := Of(`^[0-9]+$`)
	var g sync.WaitGroup
	for range 4 {
		g.Go(func() {
			if n := number(); n != number() || !n.MatchString("12") || n.MatchString("x") {
				t.Error("it is another expression, or another each time")
			}
		})
	}
	g.Wait()
	bad := Of(`(`)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	bad()
}
