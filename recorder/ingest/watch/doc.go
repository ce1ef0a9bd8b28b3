// Package watch knows which recordings of a folder are complete and not imported yet:
// for a service that seals what Zoom, OBS or a telephone leaves there.
//
//	folder           -> recordings that are at rest                    folder, recording
//	                    and that no program still writes               writer
//	their SHA-256    -> whether they were imported, and how far        ledger
//	one at a time    -> to who imports, again and again if need be     watcher
//
// A file in the folder is a recording, and so is a folder in it, with all that it has.
// The package opens files for reading only, removes none and seals nothing: a function
// that it is given does. It looks every few seconds, for that works on every system and
// on disks of the network.
package watch
