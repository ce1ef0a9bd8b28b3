// Package matroska writes and reads the recording's segments and exports as
// Matroska (RFC 9559, an EBML document type, RFC 8794).
//
// It is small on purpose. [Writer] makes a segment: streamable, so that what
// was written before a crash plays, with every error of the underlying writer
// returned by the call that met it. [FileWriter] makes a finished file for
// people, with duration, cues and seek head, into a seekable output. [WebMInit]
// and [AppendWebMClusters] make the pieces that browsers are fed with. [Reader]
// reads both, and the plain subset of other programs' files: known or unknown
// sizes, SimpleBlock and BlockGroup, no lacing, no content encodings.
//
// Nothing in the package starts a goroutine, keeps a clock or invents a time.
// Writers and readers are for one goroutine at a time.
//
// # Time
//
// A segment's TimestampScale is 100 µs and its block times count from the
// recording's start. The shortest Opus frame (2.5 ms) is a whole number of
// ticks, so audio keeps its spacing; 1 ms, the usual scale, would not do
// that. A cluster lasts 1 s at most, so a block's 16-bit offset, ±3.2 s at this
// scale, also holds frames that arrive late from the reorder buffer. Times are
// rounded to the nearest tick: at most 50 µs of error, whatever the length of
// the recording.
//
// # The timeline
//
// Every segment has one more track after those of the media: type 0x21
// (metadata), codec D_WEBVTT/METADATA, a block an event. A block holds two
// empty lines, the cue's absent identifier and settings, then the event as
// one line of JSON ([media.Event]). FFmpeg lists it as a stream of metadata
// that is not on by default, without a warning.
package matroska
