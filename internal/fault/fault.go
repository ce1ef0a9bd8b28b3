// Package fault contains panics where the input of one participant is handled. A
// fault then costs that participant something, and the others nothing.
package fault

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// maxPlaces is the most stack frames in an error.
const maxPlaces = 8

// Contain calls f. If f panics, Contain returns an error that says what happened
// and where. The error contains nothing that the room sent, so it may be logged.
func Contain(f func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("a fault: %s at %s", describe(v), strings.Join(places(), ", "))
		}
	}()
	f()
	return nil
}

// describe returns what the panic was. It quotes the runtime's own texts only:
// others may contain what the room sent.
func describe(v any) string {
	if e, ok := v.(runtime.Error); ok {
		return e.Error()
	}
	return fmt.Sprintf("%T", v)
}

// places returns where a panic came from, innermost call first.
func places() (out []string) {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	panicked := false
	for more := true; more && len(out) < maxPlaces; {
		var f runtime.Frame
		f, more = frames.Next()
		switch {
		case strings.HasPrefix(f.Function, "runtime."):
			panicked = true
		case panicked:
			out = append(out, fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line))
		}
	}
	return out
}
