// Package recorder turns a meeting into segments. It stands between a Room, which
// delivers RTP, and a Sink, which seals what it is given: it joins nothing and seals
// nothing itself.
//
//	Room     -> what happens there, and the RTP of each track     room, room_events, track_start
//	         -> packets in order, joined to frames                track_read, package frame
//	         -> frames on the recording clock                     track_playout, track_clock
//	         -> frames that opened, or wait for their keys        track_decrypt, track_pending
//	         -> frames that are kept, and holes for the others    track_keep, track_holes
//	         -> one bounded queue                                 queue
//	         -> Matroska segments, an index, epochs of readers    segment, index, readers
//	         -> Sink                                              sink
//
// Media is never decoded and never written in the clear. A frame that does not
// authenticate under the room's end-to-end key is not written as media, a
// plaintext track in an encrypted room is refused, and whatever is missing from
// a track is declared as a hole, with its span and its reason, in the timeline
// that runs through the segments.
//
// A Recorder records once, by a run (run.go), which owns all goroutines from start to
// shutdown: one accepts what happens in the room, one reads each track, one sweeps
// what waits for too long, and one writes. When the disk cannot keep up, the queue is
// full and the tracks wait, the room's receive buffers overflow, and the loss is
// declared. When it is full, the recording pauses (disk_full.go).
//
// Until version 1 of this module, names and the meaning of zero values may change. From
// the first release on, later versions read what this one records: see package archive.
package recorder
