// Command sealtape-web is the player for browsers, without a server: package
// playback/player over a store that the page gives it. It is compiled to WebAssembly,
//
//	GOOS=js GOARCH=wasm go build -trimpath -buildvcs=false -ldflags '-s -w' ./cmd/sealtape-web
//
// and runs in a worker, page/alone/worker.js, which says here host. It has one thread,
// opens no connections, and has no key of the reader: the host fetches and hashes
// objects, and opens epochs and shares with keys that are elsewhere.
//
// The host sets sealtapeHost before it runs the program. All that is asked of the host
// is host.request(what, detail, bytes), which returns {promise, cancel}. Errors have a
// kind: those of the store are in store.go.
//
//	get {name, max}                 -> {bytes, digest}   an object and its SHA-256
//	list {prefix}                   -> JSON [{name, size}]
//	openEpoch {id, epoch}, files    -> the secret as an age identity, or null: no key opens it
//	openShare {id}, file            -> text, or null
//	loadHead {id}                   -> a head as text, or null
//	replaceHead {id, seen, head}    -> whether it was replaced: see archive.HeadMemory
//	write {n}, bytes                -> nothing, once it is written: a piece of an export
//
// The program sets host.begin(settings), then host.ask(n, what, detail) and
// host.stop(n). settings and detail are JSON: see settings.go and ask.go. It answers
// with host.answer(n, bytes), host.part(n, bytes) for what is not all, host.file(n,
// detail) before an export's first byte, and host.fail(n, kind, why).
//
// A panic ends the program, and with it the worker. The page begins another one.
package main
