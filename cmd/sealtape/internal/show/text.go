package show

import (
	"fmt"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// ReceivedText says how large a picture came, and how large it was published.
func ReceivedText(width, height, publishedWidth, publishedHeight int) string {
	return fmt.Sprintf("received %dx%d of %dx%d published", width, height, publishedWidth, publishedHeight)
}

func seconds(s float64) string { return ui.Length(time.Duration(s * float64(time.Second))) }

func spanOf(from, to float64) string {
	return Span(time.Duration(from*float64(time.Second)), time.Duration(to*float64(time.Second)))
}

// Span says from when to when something is, "" where neither is known.
func Span(from, to time.Duration) string {
	switch {
	case to > from:
		return fmt.Sprintf(" from %s to %s", ui.Length(from), ui.Length(to))
	case from > 0:
		return fmt.Sprintf(" from %s on", ui.Length(from))
	}
	return ""
}
