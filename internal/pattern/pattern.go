// Package pattern keeps regular expressions for when they are used first.
//
// A command that lists recordings uses none of the dozens that its packages have, and would
// compile them all: a millisecond and 700 kB before it begins, with which most commands
// would be so large that they collect garbage.
package pattern

import (
	"regexp"
	"sync"
)

// Of returns a function that returns the regular expression, and compiles it the first
// time, where it panics if it is none. Goroutines may call it at the same time.
func Of(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
