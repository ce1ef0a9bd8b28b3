// Package playback opens a recording as tracks and frames on one clock, and
// writes it as files for people.
//
// [Open] takes a recording from a [Source], decrypted, and gives a [Session]: who
// was there, what was said of it in the timeline, what is missing. If the source
// is an [Indexer], that takes some dozens of small objects for hours of meeting.
// [Session.Frames] then yields every encoded frame once, sorted by time, whichever
// segment it came from, [Session.FramesBetween] those of a part. Nothing is
// decoded. A player reads one segment after another ([Session.ReadSegment]), and
// follows a recording that goes on ([Session.Follow]).
//
//	s, err := playback.Open(ctx, src, playback.Options{Recording: id})
//	for f, err := range s.Frames(ctx) { … }
//
// A Source is made of a recording of an archive, and a verdict on it, by package tape.
//
// Segments are the truth, indexes a help: what a segment says when it is read
// takes the place of what was told of it, and no index makes a frame go missing.
//
// A segment that cannot be read never stops the rest: it is listed by
// [Session.Missing] with the span that it leaves open, and an export that lacks
// it says so in its [Report]. The caller turns Report.Incomplete into an exit
// code.
//
// An export holds every frame of the recording that is exported; Report.LeftOut
// lists those that it could not take. Each track is filled by its own progress: one
// whose times run ahead costs the others nothing, and one wrong time does not make
// an export longer than the recording.
//
// Exports keep the recording's clock, also for tools that look at no times but
// play packet after packet: every sound is filled with Opus silence, from the
// recording's start through every hole to its end, in Matroska ([ExportFile]) as
// in Ogg ([ExportTracks]). Only where a sender's clock is fast, and until he is
// silent, his sound is late for such tools: see Report.Late. A picture stands still
// where none came, in a file of its own from the start on. So files that are
// exported together line up, and so do parts of them, whose time begins at zero.
// [ExportMP4] mixes all into one.
package playback
