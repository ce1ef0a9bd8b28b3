package ui

import (
	"time"

	"github.com/sealtape/sealtape/internal/words"
)

// These are in package words, for the library says the same.

// Clean makes what a stranger may have written safe to show.
func Clean(s string) string { return words.Clean(s) }

// Length writes a time span for people.
func Length(d time.Duration) string { return words.Length(d) }

// Count writes a number of things.
func Count(n int, noun string) string { return words.Count(n, noun) }

// People writes a number of people.
func People(n int) string { return words.People(n) }

// Size writes a number of bytes.
func Size(n int64) string { return words.Size(n) }
