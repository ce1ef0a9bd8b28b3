// Package archive stores recordings that only their readers can open. Anyone can
// check that they are still what was recorded.
//
// # What there is
//
// A recording is a folder of objects in a [Store], named by an ID that says
// nothing. Its segments are age files, each sealed to an epoch: a key pair made
// for a span of time, whose secret half exists only as an age file to the
// readers of that span. A log names every object with its SHA-256, in the order
// they were written, and a head, signed by the recorder, fixes the log. FORMAT.md
// beside this file has the details. Everything opens with sha256sum and age
// alone.
//
// # Writing
//
// [Create] makes a recording in a spool, a folder on the local disk laid out as
// in any store. [Writer.StartEpoch] says who may read what follows,
// [Writer.Create] begins a segment or an index, and [Object.Commit] ends it.
// Each step is on the disk before the next begins:
//
//	epoch, its segments, the log lines that name them, the head that signs those
//
// so a crash costs the open segment at most, and mostly just its end.
// [Recover] finishes what a crash left. A [Copier] follows a recording into
// another store while it is written, or later; it needs no key and puts objects
// in the same order. [RemoveSpooled] removes the local copy.
//
// # Reading
//
// [Open] checks head and log, and [Recording.ReadSegment] checks each segment
// against the log before it decrypts anything. [Verify] does so for all objects
// and needs no key. [IDs] and [FindID] find recordings.
//
// # Who can do what
//
// The writer holds public keys, and the secret of an epoch only while it seals
// it: a seized recorder opens nothing that it recorded. A reader opens the
// epochs that were sealed to one of their keys, and no others. Whoever holds the
// store sees sizes, times and how many objects there are, can withhold or
// destroy, and can put back an older state, which a reader with a [HeadMemory]
// notices. They can change nothing unnoticed: only the recorder's signature
// counts, and Options.Verifiers says whose that is.
//
// All limits are on the side of the reader too: whatever a store returns, an
// object costs at most [MaxObject] bytes of memory.
//
// # Compatibility
//
// Until version 1 of this module, names and the meaning of zero values may change.
// Recordings may not: from the first release on, every later version of this
// package opens, verifies, copies and recovers recordings of format version 1.
// testdata/archives has such recordings, and tests open them.
package archive
