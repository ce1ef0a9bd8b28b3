package ui

import (
	"time"

	"fmt"

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

// Day writes a date.
func Day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// EpochsText names epochs, rising, for people.
func EpochsText(ns []int) string {
	if len(ns) == 1 {
		return fmt.Sprintf("epoch %d", ns[0])
	}
	return "epochs " + Ranges(ns)
}

// Ranges writes rising numbers for people: "1-3, 5".
func Ranges(ns []int) string { return words.Ranges(ns) }
