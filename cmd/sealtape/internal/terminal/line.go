package terminal

import (
	"fmt"
	"io"
	"sync"

	"golang.org/x/term"
)

// A Line is the last line of a terminal, redrawn in place. Other lines written through
// it go above. It is safe for concurrent use.
type Line struct {
	w io.Writer

	mu   sync.Mutex
	text string // "": none is shown
}

// NewLine returns a line of w that shows nothing yet.
func NewLine(w io.Writer) *Line { return &Line{w: w} }

// width is how many characters fit into the line, 80 where w does not tell.
func (l *Line) width() int {
	if f, ok := l.w.(interface{ Fd() uintptr }); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return 80
}

// Set redraws the line.
func (l *Line) Set(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r, n := []rune(text), l.width()-1; len(r) > n {
		text = string(r[:n])
	}
	l.text = text
	fmt.Fprintf(l.w, "\r\x1b[K%s", text)
}

// Write puts whole lines above the line.
func (l *Line) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text != "" {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
	n, err := l.w.Write(b)
	if l.text != "" {
		fmt.Fprint(l.w, l.text)
	}
	return n, err
}

// Clear removes the line.
func (l *Line) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text != "" {
		fmt.Fprint(l.w, "\r\x1b[K")
		l.text = ""
	}
}
