//go:build !race

package sample

// Watched says that the race detector watches, which takes several times the memory.
const Watched = false
