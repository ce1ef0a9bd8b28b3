// Package web serves the player: a page that plays recordings in a browser on the
// same machine, and the data that the page asks for.
//
// A [Server] is an http.Handler for a listener on loopback. It is the HTTP face of a
// [player.Player], which has the data, and of the page's files.
//
// Not everybody who can send requests to loopback may see a recording: other
// users and programs of the machine can, and every page that is open in the
// browser. So all paths but one begin with a random token. Host must name
// loopback, against foreign names that resolve to it. Origin and Sec-Fetch-Site
// must be the page's own. The page may load nothing but itself.
//
// The page is plain modules, with types in their comments. page/engine plays: a
// Recording is what is known of one, a Source is where its segments come from,
// and a Player keeps the elements of all tracks to one clock. It has no look, and
// asks nothing but its source. page/view shows: each view subscribes to the
// player by itself, and watch.js only constructs them. What it says is in
// view/languages, a module for each language, of which a browser loads one; the
// server sends codes where it has something to say. A browser gets the module of a
// document with all else that it imports in it, in one request.
package web
