package build

import (
	"bytes"
	"fmt"
	"regexp"
	"sync"
	"time"
)

// tellEvery is how often progress is told: nobody should wonder for five seconds
// whether something still happens.
const tellEvery = 4 * time.Second

const maxSaid = 4000 // of what the go command says, to be shown if it fails

// A watcher reads what "go build -v" says, which names each package as it comes
// to be compiled, and counts.
type watcher struct {
	name     string
	progress func(string)
	quit     chan struct{}
	done     chan struct{}

	mu       sync.Mutex
	line     []byte // that is not ended yet
	text     []byte // lines that are not packages
	packages int
	modules  int
}

// watch returns a watcher that tells progress until it is stopped.
func watch(name string, progress func(string)) *watcher {
	w := &watcher{name: name, progress: progress, quit: make(chan struct{}), done: make(chan struct{})}
	progress(w.status())
	go func() {
		defer close(w.done)
		tick := time.NewTicker(tellEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				w.progress(w.status())
			case <-w.quit:
				return
			}
		}
	}()
	return w
}

func (w *watcher) stop() {
	close(w.quit)
	<-w.done
}

// aPackage is how the go command names one: a path without blanks.
var aPackage = regexp.MustCompile(`^[\w.~/+-]+$`)

var downloading = []byte("go: downloading ")

// Write implements io.Writer.
func (w *watcher) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line = append(w.line, b...)
	for {
		line, rest, ok := bytes.Cut(w.line, []byte("\n"))
		if !ok {
			break
		}
		switch {
		case bytes.HasPrefix(line, downloading):
			w.modules++
		case aPackage.Match(line):
			w.packages++
		default:
			w.text = append(append(w.text, line...), '\n')
			w.text = w.text[max(0, len(w.text)-maxSaid):]
		}
		w.line = append(w.line[:0], rest...)
	}
	return len(b), nil
}

// status says how far the build is.
func (w *watcher) status() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.packages > 0:
		return fmt.Sprintf("%s: %d packages compiled", w.name, w.packages)
	case w.modules > 0:
		return fmt.Sprintf("%s: %d modules downloaded", w.name, w.modules)
	}
	return w.name + ": looking for what has changed"
}

// said returns what the go command said besides packages.
func (w *watcher) said() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.text) + string(w.line)
}
