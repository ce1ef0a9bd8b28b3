// Package notes names the files that package archive keeps beside the objects of a
// recording in a folder. None can be taken for an object.
package notes

import "slices"

const (
	Lock   = ".lock"   // what a recording's writer holds locked
	Stored = ".stored" // names of what was released, one a line
	Kept   = ".kept"   // there if the recording is stored elsewhere and kept here
	Store  = ".store"  // the store that the recording is for, one line
)

// Is reports whether name, of a file in a recording's folder, is that of a note.
func Is(name string) bool { return slices.Contains([]string{Lock, Stored, Kept, Store}, name) }
