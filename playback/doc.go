// Package playback opens a recording as tracks and frames on one clock, and
// writes it as files for people.
//
// [Open] reads a recording from a [Source], decrypted, and returns a [Session]:
// who was there, the events of the timeline, and what is missing. If the source
// is an [Indexer], it needs some dozens of small objects for hours of meeting.
// [Session.Frames] then yields every encoded frame once, sorted by time across
// segments, and [Session.FramesBetween] those of a part. Nothing is decoded. A
// player reads one segment after another ([Session.ReadSegment]), and follows a
// recording that goes on ([Session.Follow]).
//
//	s, err := playback.Open(ctx, src, playback.Options{Recording: id})
//	for f, err := range s.Frames(ctx) { … }
//
// Package tape makes a Source of a recording in an archive, and gives a verdict
// on it.
//
// Segments are the truth and indexes an aid: what a segment says when it is read
// replaces what an index said of it, and no index makes a frame go missing.
//
// A segment that cannot be read never stops the rest. [Session.Missing] lists it
// with the span that it leaves open, and an export without it says so in its
// [Report]. The caller makes an exit code of Report.Incomplete.
//
// An export holds every frame of the exported part; Report.LeftOut lists the
// exceptions. Each track is filled by its own progress. So a track whose times
// run ahead costs the others nothing, and one wrong time does not make an export
// longer than the recording.
//
// Exports keep the recording's clock, even for tools that ignore times and play
// packet after packet: every sound is filled with Opus silence, from the
// recording's start through every hole to its end, in Matroska ([ExportFile]) as
// in Ogg ([ExportTracks]). The one exception is a sender whose clock is fast:
// until they are silent, their sound is late for such tools. See Report.Late. A
// picture stands still where none came, and in a file of its own it does so from
// the start. So files that are exported together line up, and so do parts of a
// recording, which begin at time zero. [ExportMP4] mixes all tracks into one
// file, [ExportSound] all sounds, each as loud as the others. [ExportText] writes
// the chat and the timeline.
//
// Exports tell two people of one name apart by their identities: see
// [Session.Names].
//
// Until version 1 of this module, names and the meaning of zero values may change,
// and so may the bytes of an export. From the first release on, every later version
// of this package opens and exports recordings of format version 1.
package playback
