package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/playback/transcript"
)

// Values of --words besides the names of attachments.
const (
	wordsLive = "live"
	wordsNone = "none"
)

// chooseWords returns what was said, as --words chooses: nil for nothing. It says so if that
// is a transcript, since it is its author's word.
func chooseWords(ctx context.Context, a *access.Access, t *tape.Tape, s *playback.Session, o *exportOptions) (*transcript.Transcript, error) {
	if o.words == wordsNone || !o.kind.text && !slices.Contains([]string{"mkv", "mp4"}, o.kind.name) {
		return nil, nil
	}
	var chosen tape.Attached
	switch o.words {
	case wordsLive:
	case "":
		all, _, err := t.Attached(ctx)
		if err != nil {
			return nil, err
		}
		for _, one := range all {
			if one.Kind == archive.Transcript && one.Err == nil {
				chosen = one // the newest comes last
			}
		}
	default:
		var err error
		if chosen, err = findAttached(ctx, t, o.words); err != nil {
			return nil, err
		}
		if why := attachedProblem(chosen); why != "" {
			return nil, ui.ExitWith(ui.ExitUnverified, fmt.Errorf("transcript %s does not count: %s", ui.Clean(o.words), why))
		}
	}
	if chosen.Name != "" {
		tr, err := t.Transcript(ctx, chosen)
		if errors.Is(err, transcript.ErrFormat) {
			err = ui.Hinted(err, "choose another transcript, or none", "sealtape export "+t.ID()+" --words none")
		}
		if err == nil {
			a.Env.Notef("What was said is by %s, %s.", ui.Clean(chosen.Author.Who), ui.Clean(chosen.File))
		}
		return &tr, err
	}
	words := s.Said()
	if words == nil && (o.words == wordsLive || o.kind.name == "srt") {
		return nil, ui.Hinted(playback.ErrNoWords, "have it written down, or attach a transcript",
			"sealtape transcribe "+t.ID()+" --command '"+whisperLine+"'", "sealtape attach "+t.ID()+" FILE.vtt")
	}
	return words, nil
}
