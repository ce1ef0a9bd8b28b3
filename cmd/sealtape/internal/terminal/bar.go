package terminal

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// A Bar shows how far something got, on terminals only. Its methods may be called on a
// nil Bar.
type Bar struct{ bar *progressbar.ProgressBar } // nil: not shown

// NewBar begins to show on w how much of total is done of what. Where w is no terminal,
// nothing is shown.
func NewBar(w io.Writer, what string, total int64) *Bar {
	if !Is(w) || total <= 0 {
		return &Bar{}
	}
	return &Bar{progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWidth(30),
		progressbar.OptionShowElapsedTimeOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)}
}

// The errors of drawing are those of the terminal; there is nobody to tell.

func (b *Bar) shown() bool { return b != nil && b.bar != nil }

// Add shows that n more is done.
func (b *Bar) Add(n int64) {
	if b.shown() {
		_ = b.bar.Add64(n)
	}
}

// Set shows that n is done in all.
func (b *Bar) Set(n int64) {
	if b.shown() {
		_ = b.bar.Set64(n)
	}
}

// Describe says anew what is shown.
func (b *Bar) Describe(what string) {
	if b.shown() {
		b.bar.Describe(what)
	}
}

// Finish removes the bar, wherever it stands.
func (b *Bar) Finish() {
	if b.shown() {
		_ = b.bar.Clear()
	}
}
