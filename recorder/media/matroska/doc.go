// Package matroska writes and reads the recording's segments and exports as
// Matroska (RFC 9559, an EBML document type, RFC 8794).
//
// It is small on purpose. [Writer] writes a segment that can be streamed: after a
// crash, what was written plays. Each call returns the error of the underlying
// writer that it met. [FileWriter] writes a finished file for people, with
// duration, cues and seek head, to an output that can seek. [WebMInit] and
// [AppendWebMClusters] make the pieces that browsers take. [Reader] reads segments
// and files, and other programs' files as far as they are plain: known or unknown
// sizes, SimpleBlock and BlockGroup, no lacing, no content encodings.
//
// Nothing in the package starts a goroutine, keeps a clock or invents a time.
// Writers and readers are for one goroutine at a time.
//
// # Time
//
// A segment's TimestampScale is 100 µs, and its block times count from the
// recording's start. The shortest Opus frame (2.5 ms) is a whole number of ticks,
// so sound keeps its spacing. With 1 ms, the usual scale, it would not. A cluster
// lasts at most 1 s. A block's offset has 16 bits, ±3.2 s at this scale, so it also
// reaches frames that come late from the reorder buffer. Times are rounded to the
// nearest tick. The error is at most 50 µs, however long the recording is.
//
// # The timeline
//
// Every segment has one more track after the media tracks: type 0x21 (metadata),
// codec D_WEBVTT/METADATA, one event in each block. A block has two empty lines, in
// the place of a cue's identifier and settings, and then the event as one line of
// JSON ([media.Event]). FFmpeg lists the track without a warning, as a stream of
// metadata that is off by default.
package matroska
