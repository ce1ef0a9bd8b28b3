package main

import (
	"os"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder/livekit"
)

// Who runs a recorder is told from when on what is said is kept.
func TestNoticePeriodIsSaid(t *testing.T) {
	period := strings.Replace(ui.Length(livekit.NoticePeriod), "s", " s", 1)
	readme, err := os.ReadFile(moduleRoot + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"README.md": string(readme), "record --help": recordCommand().Description} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), " "+period+" to see ") {
			t.Errorf("%s does not say that the room has %s to see that it is recorded", where, period)
		}
	}
}
