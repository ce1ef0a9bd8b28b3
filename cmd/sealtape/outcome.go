package main

import (
	"fmt"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/tape"
)

// nothingKept is the error of commands that read segments, for a recording without any.
func nothingKept(t *tape.Tape) error {
	s := t.Recording().Head().State
	why := "its recorder was stopped, or died, while the room was being told; there is nothing else to find"
	if !s.Final() {
		why = "it goes on, and the room is being told; or its recorder died meanwhile"
	}
	return ui.ExitWith(ui.ExitIncomplete, ui.Hinted(fmt.Errorf("recording %s holds %s", t.ID(), show.NothingText(s)), why))
}
