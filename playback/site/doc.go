// Package site makes the page into files that any web server, or a reader's own disk,
// can have: a player that needs no command. Whoever opens it fetches sealed objects from
// a store, and decrypts them in the browser.
//
// What a page of that kind can promise depends on who serves it, who could serve another
// one: see docs/player.md. This package makes it one thing with one hash. Each part is
// named, with its hash, by what loads it, and index.html, which loads them, is the whole.
// A policy in it lets it reach the stores that were named when it was built, and nothing
// else. Built twice of the same parts it has the same bytes.
package site
