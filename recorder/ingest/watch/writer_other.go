//go:build !linux && !windows

package watch

// hasWriter knows nothing here: macOS and the BSDs do not tell.
func hasWriter(string) bool { return false }
