package bot

import (
	"slices"
	"testing"
	"time"
)

func TestStoreWatch(t *testing.T) {
	failed := false
	var told []string
	w := &storeWatch{failed: func() bool { return failed }, tell: func(text string) { told = append(told, text) }}
	now := time.Unix(1000, 0)
	pass := func(d time.Duration) {
		for end := now.Add(d); now.Before(end); now = now.Add(time.Second) {
			w.look(now)
		}
	}
	pass(10 * time.Minute)
	failed = true
	pass(storePatience - time.Second) // a short absence is nobody's business
	failed = false
	pass(time.Minute)
	if len(told) != 0 {
		t.Errorf("told %q too early", told)
	}
	failed = true
	pass(time.Hour)
	if !slices.Equal(told, []string{storeAway}) {
		t.Errorf("told %q of a dead store", told)
	}
	failed = false
	pass(time.Minute)
	if !slices.Equal(told, []string{storeAway, storeBack}) {
		t.Errorf("told %q", told)
	}
}
