package recorder

import (
	"errors"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

var (
	errAllLeft = errors.New("everybody has left")
	errNobody  = errors.New("nobody came")
)

// An emptyRoom ends a recording when nobody has come for Config.Wait, or when everybody
// has been gone for Config.Grace. One goroutine uses it.
type emptyRoom struct {
	roster *Roster
	grace  time.Duration // after the last person left, or Never
	wait   time.Duration // for the first person to come, or Never
	end    func(error)

	timer   *time.Timer
	allLeft bool // the last person has left
}

// start waits for the first person, if nobody is here.
func (a *emptyRoom) start() {
	if people, _ := a.roster.People(); people == 0 && a.wait > 0 {
		a.timer = time.AfterFunc(a.wait, func() { a.end(errNobody) })
	}
}

// update waits, or stops waiting, after somebody came or went.
func (a *emptyRoom) update(e RoomEvent) {
	if e.Type != media.EventJoin && e.Type != media.EventLeave {
		return
	}
	switch people, attended := a.roster.People(); {
	case people > 0:
		a.stopTimer()
		a.allLeft = false
	case attended && !a.allLeft:
		a.stopTimer() // it may still wait for the first
		a.allLeft = true
		if a.grace >= 0 {
			a.timer = time.AfterFunc(a.grace, func() { a.end(errAllLeft) })
		}
	}
}

// stopTimer stops waiting.
func (a *emptyRoom) stopTimer() {
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}
