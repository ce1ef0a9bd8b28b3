// Package fault contains panics where the input of one participant is handled: a
// fault then costs that participant something, and the others nothing.
package fault

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// maxPlaces bounds how much of the stack an error tells.
const maxPlaces = 8

// Contain calls f. If f panics, it returns an error that says what happened and
// where, and nothing of what the room sent: it may be logged.
func Contain(f func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("a fault: %s at %s", describe(v), strings.Join(places(), ", "))
		}
	}()
	f()
	return nil
}

// describe says what a panic was. Only the runtime's own texts are known to quote
// nothing.
func describe(v any) string {
	if e, ok := v.(runtime.Error); ok {
		return e.Error()
	}
	return fmt.Sprintf("%T", v)
}

// places returns where a panic came from, the innermost first.
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
