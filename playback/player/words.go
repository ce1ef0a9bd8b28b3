package player

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/playback/transcript"
)

// maxCues is the most cues of all transcripts together that the page gets.
const maxCues = 100_000

// A wordsJSON is an attached transcript as the page gets it.
type wordsJSON struct {
	File string    `json:"file"`
	By   string    `json:"by"`
	Time string    `json:"time"`
	Cues []cueJSON `json:"cues"`
}

// A cueJSON is [from, to, who, text], since there are many.
type cueJSON transcript.Cue

func (c cueJSON) MarshalJSON() ([]byte, error) {
	return json.Marshal([4]any{seconds(c.From), seconds(c.To), c.Who, c.Text})
}

// lookForWords looks for the transcripts of a recording while it opens and after. Nobody who
// wants to see it waits for them: from a store far away they take several round trips. Once
// they are there the recording has another version. If they cannot be had there are none:
// they are not what was recorded. Another version comes in either case, so that pages cease to
// ask.
func (t *openRecording) lookForWords(rec Recording) {
	ctx := t.p.ctx
	t.p.wg.Go(func() {
		defer close(t.worded)
		words, err := rec.Words(ctx)
		if err != nil {
			words = nil
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.words = words
		t.changes()
		t.wordsAt = t.version
	})
}

func wordsJSONOf(all []tape.Words) []wordsJSON {
	out := []wordsJSON{}
	left := maxCues
	for _, w := range all {
		j := wordsJSON{File: w.File, By: w.Author.Who, Time: w.Time.UTC().Format(time.RFC3339), Cues: []cueJSON{}}
		for _, c := range w.Cues[:min(len(w.Cues), left)] {
			j.Cues = append(j.Cues, cueJSON(c))
		}
		left -= len(j.Cues)
		out = append(out, j)
	}
	return out
}

// exported returns the words that an export has: the newest transcript, or else what was
// written down live. An export waits until it is known which there are.
func (t *openRecording) exported(ctx context.Context, s *playback.Session) (*transcript.Transcript, error) {
	select {
	case <-t.worded:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.words) > 0 {
		return &t.words[0].Transcript, nil
	}
	return s.Said(), nil
}
