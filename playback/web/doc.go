// Package web serves the player: a page that plays recordings in a browser on
// the same machine, and what the page asks for.
//
// A [Server] is an http.Handler for a listener on loopback. It decrypts nothing
// itself and keeps nothing on disk: a [Library], such as [Tapes], gives it recordings, whose
// segments come verified and decrypted as a [playback.Source]; it remuxes them
// track by track into what Media Source Extensions take, and holds a bounded
// number of bytes.
//
// Whoever can send requests to loopback is not yet whoever may see a recording:
// other users and programs of the machine, and every page that is open in the
// browser. So all paths but one begin with a random token; Host must name
// loopback, against names that are made to point there; Origin and
// Sec-Fetch-Site must be the page's own. The page may load nothing but itself.
//
// The page is plain modules, with types in their comments. page/engine plays: a
// Recording is what is known of one, a Source is where its segments come from, and
// a Player keeps the elements of all tracks to one clock. It has no look, and asks
// nobody but its source. page/view shows: each view subscribes to the player by
// itself, and watch.js only puts them together.
package web
