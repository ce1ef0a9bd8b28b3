package tape

import "testing"

// TestOpensRest: an epoch in which nothing is, as the one before it was known who attends, locks
// nobody out. What the last one of a recording that goes on may get is not known.
func TestOpensRest(t *testing.T) {
	open, locked, empty := Epoch{Opens: true, Segments: 3}, Epoch{Segments: 3}, Epoch{First: -1, Last: -1}
	for name, tt := range map[string]struct {
		epochs []Epoch
		want   bool
	}{
		"none":            {nil, true},
		"all":             {[]Epoch{open, open}, true},
		"after nothing":   {[]Epoch{empty, open}, true},
		"around nothing":  {[]Epoch{open, empty, empty, open}, true},
		"before nothing":  {[]Epoch{open, empty}, false},
		"after locked":    {[]Epoch{locked, open}, false},
		"nothing at last": {[]Epoch{empty}, false},
	} {
		if got := opensRest(tt.epochs); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
