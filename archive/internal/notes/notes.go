// Package notes names the files that package archive writes beside the objects of
// a recording in a folder. None of the names can be an object's.
package notes

import "slices"

const (
	Lock   = ".lock"   // locked by the recording's writer
	Stored = ".stored" // names of released objects, one a line
	Kept   = ".kept"   // exists if the recording is in its store and is to stay here too
	Store  = ".store"  // the store that the recording is for, one line
)

// Is reports whether name, of a file in a recording's folder, is a note's.
func Is(name string) bool { return slices.Contains([]string{Lock, Stored, Kept, Store}, name) }
