package site

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/sealtape/sealtape/testdata/player"
	"github.com/sealtape/sealtape/testdata/sample"
)

// TestStart has axe look at what somebody sees who opens the player without a link, and
// with one that is none.
func TestStart(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	address := host(t, build(t, tryingConfig()), nil, nil).URL + "/tapes/"
	screens := []string{"desktop", "phone"}
	for i := range sample.Cases(t, len(screens), 1) {
		name := screens[i]
		c := map[string]player.PageConfig{
			"desktop": {Width: 1280, Height: 800, Scale: 1},
			"phone":   {Width: 390, Height: 844, Scale: 2, Dark: true},
		}[name]
		c.In, c.URL = &shared, address+"#1&s=x"
		p, err := player.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
		until(t, p, `document.body.classList.contains("starting")`)
		if got := eval[string](t, p, `document.getElementById("starterror").textContent`); got == "" {
			t.Error("nothing says that the link is none")
		}
		if wide := eval[int](t, p, "document.documentElement.scrollWidth"); wide > c.Width {
			t.Errorf("%s: it is %d pixels wide", name, wide)
		}
		faults, err := p.Axe(t.Context(), "../../testdata/typescript")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range faults {
			t.Errorf("%s: %s", name, f)
		}
		if dir := os.Getenv("SEALTAPE_SHOTS"); dir != "" {
			png, err := p.Screenshot(t.Context())
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("start-%s.png", name)), png, 0o600)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
}
