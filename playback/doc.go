// Package playback opens a recording as tracks and frames on one clock, and
// writes it as files for people.
//
// [Open] reads decrypted segments from a [Source], in the recording's order,
// and gives a [Session]: who was there, what was said of it in the timeline,
// what is missing. [Session.Frames] then yields every encoded frame once,
// sorted by time, whichever segment it came from. Nothing is decoded.
//
//	s, err := playback.Open(ctx, src, playback.Options{Recording: id})
//	for f, err := range s.Frames(ctx) { … }
//
// A segment that cannot be read never stops the rest: it is listed by
// [Session.Missing] with the span that it leaves open, and an export that lacks
// it says so in its [Report]. The caller turns Report.Incomplete into an exit
// code.
//
// Exports keep the recording's clock. A Matroska file ([ExportFile]) carries
// block times counted from the recording's start, so a track that joined late
// starts late; Ogg files ([ExportTracks]), which have no times but only a
// running length, are filled with Opus silence from the recording's start on
// and through every hole. Files exported together therefore line up.
package playback
