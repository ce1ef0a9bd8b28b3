package worker

import (
	"fmt"
	"os"
)

// pipes are those of a child that is about to be started.
type pipes struct {
	theirs  []*os.File // the child's ends, from descriptor 3 on
	ours    []*os.File // what to close if there will be no child
	sends   []func()   // write what is to be read
	started bool
	err     error
}

// send has the child read b, and returns the path that it finds it under.
func (p *pipes) send(b []byte) string {
	theirs, ours, err := os.Pipe()
	if err != nil {
		p.err = err
		return ""
	}
	p.ours = append(p.ours, ours)
	p.sends = append(p.sends, func() {
		_, _ = ours.Write(b) // a child that has ended reads nothing, which is told elsewhere
		_ = ours.Close()
	})
	return p.path(theirs)
}

// receive returns what the child writes, and the path that it finds it under.
func (p *pipes) receive() (from *os.File, path string) {
	ours, theirs, err := os.Pipe()
	if err != nil {
		p.err = err
		return nil, ""
	}
	p.ours = append(p.ours, ours)
	return ours, p.path(theirs)
}

func (p *pipes) path(theirs *os.File) string {
	p.theirs = append(p.theirs, theirs)
	return fmt.Sprintf("/dev/fd/%d", 2+len(p.theirs))
}

// close closes the child's ends, of which it has its own by now, and sends what is to be
// sent; or closes all, where there is no child.
func (p *pipes) close() {
	for _, f := range p.theirs {
		_ = f.Close()
	}
	if !p.started {
		for _, f := range p.ours {
			_ = f.Close()
		}
		return
	}
	for _, send := range p.sends {
		go send() // ends when the child has read it, or has ended
	}
}
