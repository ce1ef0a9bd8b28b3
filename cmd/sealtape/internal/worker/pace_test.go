package worker

import (
	"testing"
	"time"
)

// Thousands of offers make few lines, and the next line says how many there were.
func TestPace(t *testing.T) {
	var p pace
	now := time.Now()
	lines := 0
	for range 10000 {
		if _, ok := p.say(now); ok {
			lines++
		}
	}
	if lines != paceBurst {
		t.Errorf("%d lines at once", lines)
	}
	now = now.Add(paceEvery)
	if unsaid, ok := p.say(now); !ok || unsaid != 10000-paceBurst {
		t.Errorf("%d unsaid, %v", unsaid, ok)
	}
	if _, ok := p.say(now); ok {
		t.Error("two lines in a second")
	}
	now = now.Add(time.Hour)
	for i := range paceBurst {
		if _, ok := p.say(now); !ok {
			t.Errorf("after an hour only %d lines", i)
		}
	}
}
