// Package ingest makes a recording of files that somebody else's program recorded: what
// Zoom, OBS, Jitsi or a telephone left behind. It joins no room and seals nothing
// itself: a recorder.Sink does.
//
//	file    -> its format, by its first bytes                    kind
//	        -> its streams, dates and names, by ffprobe          look
//	        -> packets, by ffmpeg through a pipe                 demux
//	        -> frames on the recording clock, in turn            reorder
//	        -> whether that was all of it                        cut
//	files   -> when each began, by names and by sounds           arrange, hear
//	        -> one order of time                                 merge
//	        -> Matroska segments, an index                       write
//
// Pictures are copied, never encoded again, and so is Opus. Other sound is encoded to
// Opus, see [Stream]. Nothing is written in the clear. A source file is opened for
// reading only.
//
// Files are hostile. ffmpeg runs as a process of its own, which may open that one file
// by the one format that its first bytes show, and gets none of our environment. What
// it writes is bounded as what a room sends is.
package ingest
