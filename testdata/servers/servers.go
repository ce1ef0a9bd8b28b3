// Package servers builds and starts real servers as child processes, for tests
// and for the demo: a LiveKit SFU, three S3 stores that differ, and a Matrix homeserver, at fixed
// versions, on the loopback interface, with keys made anew for each start.
//
// A mock would confirm what its author believes of the other side. These do not.
//
// Package build builds them, once. A test that starts a server fails where that
// cannot be done; it does not skip. Whoever starts a server stops it:
//
//	lk, err := servers.StartLiveKit(ctx, servers.LiveKitConfig{})
//	...
//	defer lk.Stop()
//
// No child gets the environment of its parent, which may hold keys, nor a secret
// among its arguments, which ps shows. A child dies with its parent on Linux, and
// has a process group of its own, so that Ctrl-C in a terminal reaches only the
// parent, who then stops it.
package servers
