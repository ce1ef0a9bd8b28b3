package web

import (
	"os"
	"testing"

	"github.com/sealtape/sealtape/testdata/player"
)

// What tests share: Sounding for what plays, Chromium for what is looked at.
var (
	Sounding = player.Chromium{Measure: true}
	Chromium = player.Chromium{Flags: map[string]any{
		// What assistive technology is told of an element, for checks.js.
		"enable-blink-features":        "ComputedAccessibilityInfo",
		"force-prefers-reduced-motion": true,
		"accept-lang":                  "en-US",
		"window-size":                  "1400,900",
	}}
)

func TestMain(m *testing.M) { os.Exit(player.Run(m, &Sounding, &Chromium)) }
