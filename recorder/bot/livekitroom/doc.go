// Package livekitroom makes a LiveKit room one that a bot can record: it joins by
// package livekit, under the keys that a passphrase or a key file gives, or the members
// themselves.
//
//	k, err := livekitroom.PassphraseKeys(passphrase)   // or ReadKeys(file), MemberKeys(); nil without encryption
//	m := livekitroom.Meeting(livekit.Config{URL: url, Room: "weekly", …}, k)
//
// A key file can be read again while a meeting runs: [Keys.Reload].
package livekitroom
