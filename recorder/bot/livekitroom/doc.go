// Package livekitroom makes a LiveKit room one that a bot can record: it joins by
// package livekit, under the keys that a passphrase or a key file gives.
package livekitroom
