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
	roster *Roster
	grace  time.Duration // after the last person left, or Never
	wait   time.Duration // for the first person to come, or Never
	stop   func(error)

	timer    *time.Timer
	deserted bool // the last person has left
}

// begin starts to wait.
func (a *attendance) begin() {
	if people, _ := a.roster.People(); people == 0 && a.wait > 0 {
		a.timer = time.AfterFunc(a.wait, func() { a.stop(errNobody) })
	}
}

// event looks who is here now that somebody came or went.
func (a *attendance) event(e RoomEvent) {
	if e.Type != media.EventJoin && e.Type != media.EventLeave {
		return
	}
	switch people, attended := a.roster.People(); {
	case people > 0:
		a.end()
		a.deserted = false
	case attended && !a.deserted:
		a.end() // it may be for the first to come
		a.deserted = true
		if a.grace >= 0 {
			a.timer = time.AfterFunc(a.grace, func() { a.stop(errDeserted) })
		}
	}
}

// end stops to wait.
func (a *attendance) end() {
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}
