package tape

import (
	"context"
	"slices"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback/transcript"
)

// maxWords is how many transcripts Words returns.
const maxWords = 8

// A Words is an attached transcript, with what is in it.
type Words struct {
	Attached
	transcript.Transcript
}

// Words returns the attached transcripts that count, the newest first, eight at most.
// What is no transcript after all is left out.
func (t *Tape) Words(ctx context.Context) ([]Words, error) {
	all, _, err := t.Attached(ctx)
	if err != nil {
		return nil, err
	}
	var words []Words
	for _, a := range slices.Backward(all) {
		if a.Kind != archive.Transcript || a.Err != nil || len(words) == maxWords {
			continue
		}
		if tr, err := t.Transcript(ctx, a); err == nil {
			words = append(words, Words{a, tr})
		} else if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return words, nil
}
