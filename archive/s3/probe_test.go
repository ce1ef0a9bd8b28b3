package s3

import (
	"testing"

	"github.com/sealtape/sealtape/archive/storecheck"
)

// A real server passes every check, and nothing stays in the bucket.
func TestProbe(t *testing.T) {
	s := open(t, config(t))
	checks, err := storecheck.Run(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if len(checks) == 0 {
		t.Fatal("no checks")
	}
	for _, c := range checks {
		if c.Verdict != storecheck.Passed {
			t.Errorf("%s: %v: %v", c.Name, c.Verdict, c.Err)
		}
	}
	for info, err := range s.List(t.Context(), "") {
		t.Errorf("left behind: %s, %v", info.Name, err)
	}
}
