package recorder

import (
	"errors"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

var (
	errDeserted = errors.New("everybody has left")
	errNobody   = errors.New("nobody came")
)

// An attendance ends a recording that nobody attends. One goroutine uses it.
type attendance struct {
	grace time.Duration // after the last person left; 0 is for ever
	wait  time.Duration // for the first person to come; 0 is for ever
	stop  func(error)

	people map[string]bool
	timer  *time.Timer
}

// begin starts to wait.
func (a *attendance) begin() {
	a.people = make(map[string]bool)
	if a.wait > 0 {
		a.timer = time.AfterFunc(a.wait, func() { a.stop(errNobody) })
	}
}

// event notes who comes and goes.
func (a *attendance) event(e RoomEvent) {
	switch {
	case e.Type == media.EventJoin && !e.Machine:
		a.people[e.Participant] = true
		a.end()
	case e.Type == media.EventLeave && a.people[e.Participant]:
		delete(a.people, e.Participant)
		if len(a.people) == 0 && a.grace != 0 {
			a.timer = time.AfterFunc(max(0, a.grace), func() { a.stop(errDeserted) })
		}
	}
}

// end stops to wait.
func (a *attendance) end() {
	if a.timer != nil {
		a.timer.Stop()
	}
}
