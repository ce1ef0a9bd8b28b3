package player

import (
	"context"
	_ "embed"
	"fmt"
	"time"
)

// StopwatchScript is a PageConfig's Script for pages that are to be timed.
//
//go:embed stopwatch.js
var StopwatchScript string

// Took is how long it was until a picture was shown and a sound played.
type Took struct{ Picture, Sound time.Duration }

// All is how long both took.
func (t Took) All() time.Duration { return max(t.Picture, t.Sound) }

type took struct{ Picture, Sound float64 } // in ms

func (t took) took() Took {
	return Took{time.Duration(t.Picture * float64(time.Millisecond)), time.Duration(t.Sound * float64(time.Millisecond))}
}

// FirstTook waits for the first picture and sound of a page with a
// StopwatchScript, and returns how long after the page's load event they came.
func (p *Page) FirstTook(ctx context.Context) (Took, error) {
	if err := p.Until(ctx, "stopwatch.first"); err != nil {
		return Took{}, err
	}
	t, err := Eval[took](ctx, p, "stopwatch.first")
	return t.took(), err
}

// SeekTook seeks to so many seconds and returns how long it was until there was a
// picture and a sound of there.
func (p *Page) SeekTook(ctx context.Context, to float64) (Took, error) {
	t, err := Eval[took](ctx, p, fmt.Sprintf("stopwatch.seek(%v)", to))
	return t.took(), err
}
