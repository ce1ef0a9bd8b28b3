// Package sas compares emoji with somebody else: the verification by short
// authentication strings of the Matrix specification (client-server API, "Short
// Authentication String (SAS) verification"), as m.sas.v1.
//
// Both sides agree on a secret (X25519), and each shows its person seven emoji that are
// made of it. Somebody between the two, as their homeservers are, would have one secret
// with each, and the emoji would differ: one side promises its key before it sees the
// other's, so nobody can choose a key that fits. If both people say that they see the same,
// each side proves, under that secret, which device's key and which master key are its
// own.
//
// A Verification is a state machine. It sends nothing, asks nobody and knows no clock:
// whoever has it gives it what came (FromDevice, FromRoom, Take), what time it is (Tick) and
// what the person saw (Compared), and sends what these return.
//
//	v, err := sas.New(own, other, "", "a transaction", true, time.Now())
//	...
//	out := v.Take(in, time.Now())  // of each event that belongs to it, see Has
//	if v.Comparing() { ... }       // show v.Shown(), then out = v.Compared(same)
//	if v.Proved() { ... }          // sign other.Master, then out = v.Finish()
//	if err := v.Err(); err != nil  // it is over, without a result
//
// Nothing of it is encrypted, and whoever carries it can change or lose it: then it ends
// without a result. mautrix has this, too, but not where the other side confirms first, nor in
// rooms.
package sas
