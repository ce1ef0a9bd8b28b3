// Package matrixroom makes the call of a Matrix room a bot.Meeting (MatrixRTC, as Element Call
// has it).
//
// Two servers share what LiveKit does alone elsewhere. The homeserver says who is in the
// call, what they are called and what they write; package matrix, which follows the room, adds
// what their devices' signatures prove, and hands over the keys of their media. Their media come
// from LiveKit, by as many servers as members publish to: one livekit.Room for each, opened and
// closed as members come and go, on one clock.
//
// What a LiveKit server says of who is there counts for nothing here. Media are received only
// under an identity that a membership of the call has, and open only under keys that the
// member's device sent by Olm.
package matrixroom
