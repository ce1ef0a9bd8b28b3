// Package tape opens a recording of an archive with a reader's keys and pins, to be
// played, exported, described and judged.
//
// [Open] checks head and log. [Tape.Session] is what package playback reads, from
// segments that are verified and decrypted as they are asked for; [Tape.Describe]
// tells all that is known of the recording without reading every byte: who, when,
// how long, tracks, holes, and what of it opens. [Description.Verdict] is the one
// verdict on it. [Tape.Check] reads every byte and holds the recording against
// itself; [Reseal] writes it again for other readers; a [Library] lists a store.
//
// The verdict is the same wherever a recording is looked at:
//
//	whole       closed, and nothing is known to be missing     exit code 0
//	incomplete  not closed, or something of a second or more is missing   3
//	damaged     something is not what its recorder signed                 4
//	locked      no key of the reader opens any of it                      5
//
// What people wanted not to be recorded, by consent, a pause or because they had not
// proved who they are, is not missing. Nor is a part that is not the reader's to open:
// readers of the time in which they were there are the rule.
//
// The package reads no files, opens no connections and starts no programs: it has what
// it reads from an [archive.Store], and compiles for js/wasm. It does not import
// package keys; whose a key is, [Options] says.
package tape
