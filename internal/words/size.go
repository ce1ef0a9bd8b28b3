package words

import (
	"fmt"
	"strings"
)

// Size returns a number of bytes in powers of 1000: "999 B", "1.2 MB".
func Size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n), 0
	for f >= 999.95 && unit < 4 {
		f, unit = f/1000, unit+1
	}
	return fmt.Sprintf("%.1f %cB", f, "?kMGT"[unit])
}

// Few returns the first five of names, separated by commas, and how many more
// there are. It returns "none" for no names.
func Few(names []string) string {
	const most = 5
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
