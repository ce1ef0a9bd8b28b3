// Package fleet decides what a recorder among many records, and how.
//
// A dispatch asks for a recorder in a room, and names a Policy: {"policy": "weekly"}. It
// can say nothing else, for whoever has an API key of the LiveKit server can dispatch, and
// so can who runs that server: they must not be able to add a reader or to choose a store.
// A policy is a file on the recorder's machine, with the settings of "sealtape record" and
// the names of the rooms that it is for. In another room it does not count: otherwise a
// dispatcher could record the board under the policy of the public lecture.
//
// A policy may name a Program that answers with the room's keys, or with more settings:
// that of a vault, or of an application that knows its rooms.
//
// A Table has the rooms that one machine records, and answers offers of more from memory.
//
// Nothing in here joins a room, and nothing knows LiveKit: whoever watches over the rooms
// of a server reads the same policies.
package fleet
