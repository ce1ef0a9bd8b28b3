package s3

import (
	"errors"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storecheck"
)

// What the checks of a store say of each server, and that nothing stays there.
func TestProbe(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config  func() Config
		limited string
	}{
		"MinIO":      {func() Config { return config(t) }, ""},
		"Backblaze":  {answer(backblaze).as(t), "put-if-absent checksums"},
		"Google":     {answer(google).as(t), "put-if-absent checksums"},
		"Cloudflare": {answer(cloudflare).as(t), "checksums"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, tt.config())
			if got := verdicts(t, s); got[storecheck.Limited] != tt.limited || got[storecheck.Failed] != "" || got[storecheck.Unknown] != "" {
				t.Errorf("got %q", got)
			}
			for info, err := range s.List(t.Context(), "") {
				t.Errorf("left behind: %s, %v", info.Name, err)
			}
		})
	}
}

// verdicts returns the names of the checks by how they ended.
func verdicts(t *testing.T, s archive.Store) map[storecheck.Verdict]string {
	t.Helper()
	checks, err := storecheck.Run(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	by := make(map[storecheck.Verdict]string)
	for _, c := range checks {
		if by[c.Verdict] != "" {
			by[c.Verdict] += " "
		}
		by[c.Verdict] += c.Name
		if c.Err != nil {
			t.Logf("%s: %v: %v", c.Name, c.Verdict, c.Err)
		}
		if c.Verdict == storecheck.Failed && errors.Is(c.Err, archive.ErrDenied) {
			t.Errorf("%s: denied", c.Name)
		}
	}
	return by
}
