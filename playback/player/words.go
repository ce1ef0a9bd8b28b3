package player

import (
	"encoding/json"
	"time"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/playback/transcript"
)

const (
	// wordsPatience is how long a recording that is open waits for its transcripts.
	// Looking for them begins as it is opened.
	wordsPatience = time.Second
	// maxCues is the most cues of all transcripts together that the page gets.
	maxCues = 100_000
)

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

// lookForWords looks for the transcripts of a recording, and returns what waits for them. If
// they cannot be had, or not in time, there are none: they are not what was recorded.
func (t *openRecording) lookForWords(rec Recording) (wait func() []tape.Words) {
	ctx := t.p.ctx
	found := make(chan []tape.Words, 1)
	t.p.wg.Go(func() {
		words, err := rec.Words(ctx)
		if err != nil {
			words = nil
		}
		found <- words
	})
	return func() []tape.Words {
		late := time.NewTimer(wordsPatience)
		defer late.Stop()
		select {
		case words := <-found:
			return words
		case <-late.C:
		case <-ctx.Done():
		}
		return nil
	}
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
// written down live.
func (t *openRecording) exported(s *playback.Session) *transcript.Transcript {
	if len(t.words) > 0 {
		return &t.words[0].Transcript
	}
	return s.Said()
}
