package player

import "strings"

// Looking returns JavaScript that waits in the page until an expression is true, for a second
// at most, and promises whether it is. The page looks by itself: being asked by its debugger
// takes much longer, for the page and for who asks.
func Looking(js string) string {
	return `(async () => {
	for (const end = performance.now() + 1000; ; await new Promise((again) => setTimeout(again, 30))) {
		if (await (` + js + `)) return true;
		if (performance.now() > end) return false;
	}
})()`
}

// Elsewhere reports whether an evaluation failed as the page led to another one meanwhile.
func Elsewhere(err error) bool {
	for _, words := range []string{"navigated or closed", "Promise was collected", "Cannot find context", "context was destroyed"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}
