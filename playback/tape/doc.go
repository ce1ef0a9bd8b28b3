// Package tape opens a recording of an archive with a reader's keys and pins.
// Others then play, export, describe and judge it.
//
// [Open] checks head and log. [Tape.Session] returns the recording for package
// playback; its segments are verified and decrypted when they are read.
// [Tape.Describe] describes the recording without reading every byte: who, when,
// how long, tracks, holes, and what of it opens. [Description.Verdict] is the one
// verdict on it. [Tape.Check] reads every byte and compares the recording with
// itself; [Reseal] writes it again for other readers; a [Library] lists a store.
//
// The verdict is the same wherever a recording is shown:
//
//	whole       closed, and nothing is known to be missing     exit code 0
//	incomplete  not closed, or something of a second or more is missing   3
//	damaged     something is not what its recorder signed                 4
//	locked      no key of the reader opens any of it                      5
//
// A hole that people wanted, by consent, by a pause or because they had not
// proved who they are, is no lack. Neither is a part that the reader's keys do
// not open: readers usually open the time in which they were there.
//
// The package reads no files, opens no connections and starts no programs: it
// reads an [archive.Store], and compiles for js/wasm. It does not import package
// keys; [Options] has a function that returns the holder of a key.
//
// Until version 1 of this module, names and the meaning of zero values may change.
// From the first release on, every later version of this package opens recordings of
// format version 1, and the four outcomes above keep their exit codes.
package tape
