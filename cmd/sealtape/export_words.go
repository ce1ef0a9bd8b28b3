package main

import (
	"cmp"
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

// takesWords reports whether what is exported has what was said in it.
func (o *exportOptions) takesWords() bool {
	return o.words != wordsNone && (o.kind.text || slices.Contains([]string{"mkv", "mp4"}, o.kind.name))
}

// chooseWords returns what was said, as --words chooses: nil for nothing. It says so if that
// is a transcript, since it is its author's word.
func chooseWords(ctx context.Context, a *access.Access, t *tape.Tape, s *playback.Session, o *exportOptions) (*transcript.Transcript, error) {
	if !o.takesWords() {
		return nil, nil
	}
	tr, by, err := attachedWords(ctx, t, o)
	if err != nil {
		return nil, err
	}
	if tr != nil {
		a.Env.Notef("What was said is by %s.", by)
		return tr, nil
	}
	return liveWords(t.ID(), s, o)
}

// attachedWords returns the transcript that --words chooses of those attached, and by whom it
// is, in which file; nil if it chooses none.
func attachedWords(ctx context.Context, t *tape.Tape, o *exportOptions) (_ *transcript.Transcript, by string, err error) {
	var chosen tape.Attached
	switch o.words {
	case wordsLive:
	case "":
		all, _, err := t.Attached(ctx)
		if err != nil {
			return nil, "", err
		}
		for _, one := range all {
			if one.Kind == archive.Transcript && one.Err == nil {
				chosen = one // the newest comes last
			}
		}
	default:
		if chosen, err = findAttached(ctx, t, o.words); err != nil {
			return nil, "", err
		}
		if why := attachedProblem(chosen); why != "" {
			return nil, "", ui.ExitWith(ui.ExitUnverified, fmt.Errorf("transcript %s does not count: %s", ui.Clean(o.words), why))
		}
	}
	if chosen.Name == "" {
		return nil, "", nil
	}
	tr, err := t.Transcript(ctx, chosen)
	if errors.Is(err, transcript.ErrFormat) {
		err = ui.Hinted(err, "choose another transcript, or none", "sealtape export "+t.ID()+" --words none")
	}
	return &tr, ui.Clean(chosen.Author.Who) + ", " + ui.Clean(chosen.File), err
}

// liveWords returns what agents in the room wrote down; nil for nothing. The error says that
// there is nothing if that was asked for.
func liveWords(id string, s *playback.Session, o *exportOptions) (*transcript.Transcript, error) {
	words := s.Said()
	if words == nil && (o.words == wordsLive || o.kind.name == "srt") {
		return nil, ui.Hinted(playback.ErrNoWords, "have it written down, or attach a transcript",
			"sealtape transcribe "+id+" --command '"+whisperLine+"'", "sealtape attach "+id+" FILE.vtt")
	}
	return words, nil
}

// meetingWords returns what was said in a meeting, on the clock of s, which joins the
// recordings: of each the transcript that --words chooses of those attached to it, else what
// agents wrote down there. A transcript that --words names need not be attached to all.
func meetingWords(ctx context.Context, a *access.Access, tapes []*tape.Tape, each []*playback.Session, s *playback.Session, o *exportOptions) (*transcript.Transcript, error) {
	if !o.takesWords() {
		return nil, nil
	} else if o.words == wordsLive {
		return liveWords(tapes[0].ID(), s, o)
	}
	var all transcript.Transcript
	var missing error
	said := make(map[string]bool) // of whom
	for i, of := range each {
		if of.Start().IsZero() {
			continue // it holds nothing
		}
		words, by, err := attachedWords(ctx, tapes[i], o)
		switch {
		case errors.Is(err, archive.ErrNoAttachment):
			missing = err
			continue
		case err != nil:
			return nil, err
		case words == nil:
			if words = of.Said(); words == nil {
				continue
			}
		case !said[by]:
			said[by] = true
			a.Env.Notef("What was said is by %s.", by)
		}
		at := of.Start().Sub(s.Start())
		for _, c := range words.Cues[:min(len(words.Cues), transcript.MaxCues-len(all.Cues))] {
			c.From, c.To = c.From+at, c.To+at
			all.Cues = append(all.Cues, c)
		}
		all.Language = cmp.Or(all.Language, words.Language)
	}
	if len(all.Cues) == 0 {
		if missing != nil && len(said) == 0 {
			return nil, missing
		}
		return liveWords(tapes[0].ID(), s, o)
	}
	slices.SortStableFunc(all.Cues, func(a, b transcript.Cue) int { return cmp.Compare(a.From, b.From) })
	return &all, nil
}
