// Package player answers what a page that plays recordings asks: which recordings
// there are, what is in one, its segments in a form that browsers play, what is new
// of one that goes on, and a file of it.
//
// A [Player] has no way to the page: package web answers requests of HTTP with one,
// and a worker of a browser the messages of its page. It decrypts nothing itself and
// stores nothing on disk. A [Library], such as [Tapes], returns recordings, whose
// segments come verified and decrypted as a [playback.Source]. The Player remuxes
// them track by track into what Media Source Extensions accept, and holds a bounded
// number of bytes.
//
// Answers are JSON or parts of media (see [Player.Segment]), and are not trusted to
// be harmless: names and texts in them are what strangers chose. Errors are of few
// kinds, since a page has its own words for them: see [KindOf].
//
// The package reads no files, opens no connections and starts no programs, and
// compiles for js/wasm.
package player
