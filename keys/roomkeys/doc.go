// Package roomkeys lets the members of a room make their own media keys and hand
// them to one another, so that no server and no passphrase has any.
// keys/PROTOCOL.md specifies it, under "Room keys".
//
// Each member has a chain of keys for what it sends. It seals the chain for each
// member that is to decrypt it, by a secret of just the two (post-quantum, erased
// when it is used up). Somebody joins: the chain goes one step on, and only they are
// told. Somebody leaves, or may not decrypt any longer: a fresh chain for all others.
// A recorder is told only by those who agreed.
package roomkeys
