package fleet

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
)

// A Stamp is how the files of a folder of policies are, without what they say. It differs where
// one came, went, or was written or put in the place of another.
type Stamp [sha256.Size]byte

// StampOf returns the Stamp of a folder. What cannot be looked at counts as not there.
func StampOf(dir string) (s Stamp) {
	h := sha256.New()
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return s
	}
	for _, e := range entries {
		if _, ok := policyName(e.Name()); !ok {
			continue
		}
		// Of what a link leads to: a mounted config map is links.
		if fi, err := os.Stat(filepath.Join(dir, e.Name())); err == nil {
			fmt.Fprintf(h, "%q %d %d %v\n", e.Name(), fi.Size(), fi.ModTime().UnixNano(), fi.Mode())
		}
	}
	h.Sum(s[:0])
	return s
}
