// Package roomkeys lets the members of a room make their own media keys and hand
// them to one another, so that no server and no passphrase has any.
// keys/PROTOCOL.md specifies it, under "Room keys".
//
// Each member has a chain of keys for what it sends. It seals the chain for each
// member that is to decrypt it, by a secret of just the two (post-quantum, erased
// when it is used up). Somebody joins: the chain goes one step on, and only they are
// told. Somebody leaves, or may not decrypt any longer: a fresh chain for all others.
// A recorder is told only by those who agreed.
//
// An [Exchange] is one member in one room. It knows nothing of LiveKit. It goes with a
// member.Session, on the same connection, and by what that found out:
//
//	var x *roomkeys.Exchange
//	s, err := member.New(member.Config{…,
//		Notify: func(e member.Event) { if e.Peer != nil { x.Member(*e.Peer, false) } },
//		Others: func(from string, b []byte) { x.Receive(from, b) }})
//	x, err = roomkeys.New(roomkeys.Config{Room: "weekly", Identity: "ada", Nonce: s.Nonce(), Card: s.CardHash(), Signer: id.Signer(), Send: send, Notify: install})
//	go s.Run(ctx); go x.Run(ctx)
//	s.Left("ben"); x.Left("ben") …
//
// Its events say which keys to install, to use and to retire in LiveKit's rings of 256
// keys, one ring for each identity, as raw material for HKDF. [Rings] are such rings
// for LiveKit's SDK for Go.
package roomkeys
