// Package matrix is a member of Matrix rooms whose calls run on LiveKit: its
// account, its end-to-end encryption, and what of both outlasts a process.
//
// # What is whose
//
// Requests, event types and the Olm and Megolm ratchets are those of
// maunium.net/go/mautrix, which no other package imports. Its OlmMachine is not
// used: it chooses a ratchet written in C unless a build tag says otherwise, drops
// to-device events of types that it does not know, as the keys of a call are, and
// has a store that cannot be written whole. The few steps that it would take are
// here, in one place each: device.go (this device and its one-time keys), peer.go
// (others' devices, and who signed them), olm.go (messages from device to
// device), megolm.go (messages in rooms), signing.go (cross-signing). Nor is its emoji
// verification: package sas says what to answer, and verify.go carries it.
//
// What the events of a call say is read and written by package rtc, which knows no account; a Call
// follows them, by the keys of this device. Package token gets what lets it into LiveKit.
//
// # What lies on the disk
//
// One file (package sealed), for the age identity of Sealtape's home: the access token, the
// ratchets, the cross-signing seeds, what is known of others' devices, and the
// place in the stream of events. It is written whole, and always before the step
// that would make an older one wrong:
//
//   - after an answer to /sync was taken in and before the next is asked for, as
//     asking makes the server forget the messages that the last one brought;
//   - after a message was encrypted and before it is sent, as an old ratchet would
//     encrypt another message under the same key;
//   - after one-time keys were made and before they are uploaded, as others use
//     them at once.
//
// So a crash at any time loses no message: what was not taken in comes again, and
// what was taken in but not handled yet is in the file.
//
// # Whom it believes
//
// The homeserver delivers everything, and is believed nothing that keys can
// prove. A to-device message is what its Olm session's other end wrote; whose
// device that is, say signatures only (RFC 8032, in the form of the appendix
// "Signing JSON" of the Matrix specification): of the device's own key, of its
// user's self-signing key, and of the master key above that.
//
// A user is verified once the operator compared emoji with them, and their device
// proved their master key to go with it. That their client and this one show the same
// emoji is what no server between them can bring about; all else that a verification
// says is in the clear, and can be changed or lost: then it ends without a result.
//
// # What it does without
//
// Room keys are not backed up at the homeserver (m.megolm_backup.v1), nor asked for:
// what is recorded is opened by keys that members send to this device while it is in
// their call, and chat by those of the same time. What was said before is not for it.
package matrix
