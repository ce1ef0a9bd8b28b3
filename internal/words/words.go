// Package words formats numbers, times and foreign text for people, alike in the
// command, in messages to a room, and in what a service reports.
package words

import (
	"fmt"
	"strings"
	"time"
)

// Length formats a time on the recording clock, or a duration: 5.3s below a
// minute, then 1:05 and 2:03:04.
func Length(d time.Duration) string {
	if tenths := d.Round(100 * time.Millisecond); tenths < time.Minute {
		return fmt.Sprintf("%.1fs", tenths.Seconds())
	}
	s := int64(d.Round(time.Second) / time.Second)
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// Count returns "1 segment", "2 segments".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// People returns "1 person", "2 people".
func People(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}

// Ranges formats rising numbers for people: "1-3, 5".
func Ranges(ns []int) string {
	var parts []string
	for i := 0; i < len(ns); {
		j := i
		for j+1 < len(ns) && ns[j+1] == ns[j]+1 {
			j++
		}
		if i == j {
			parts = append(parts, fmt.Sprint(ns[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", ns[i], ns[j]))
		}
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

// Waits returns "1 object waits", "2 objects wait".
func Waits(n int) string {
	if n == 1 {
		return "1 object waits"
	}
	return fmt.Sprintf("%d objects wait", n)
}
