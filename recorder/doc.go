// Package recorder turns a meeting into segments: it joins nothing and seals
// nothing itself, but stands between a Room, which delivers RTP, and a Sink,
// which seals what it is given.
//
//	room -> RTP of each track -> order and assemble frames (package frame)
//	     -> put them on one clock (track_playout.go, track_clock.go)
//	     -> decrypt them (track_decrypt.go, track_pending.go)
//	     -> keep them or declare a hole (track_read.go, track_holes.go)
//	     -> Matroska segments (segment.go) -> Sink
//
// Media is never decoded and never written in the clear. A frame that does not
// authenticate under the room's end-to-end key is not written as media, a
// plaintext track in an encrypted room is refused, and whatever is missing from
// a track is declared as a hole, with its span and its reason, in the timeline
// that runs through the segments.
//
// One goroutine reads each track, one accepts what happens in the room, and one
// writes. Between them is one bounded queue: when the disk cannot keep up, the
// tracks wait, the room's receive buffers overflow, and the loss is declared.
package recorder
