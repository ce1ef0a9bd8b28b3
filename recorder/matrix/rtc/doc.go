// Package rtc reads and writes what the events of a Matrix room say of its call (MatrixRTC,
// MSC4143): who is a member, in both formats that are in use (Member, Roster, Announcement), what
// they are called and may do (Room), under which names LiveKit has them (Identities), and which
// media key a message brings (MediaKey).
//
// It asks nobody and knows no keys: all of it is somebody's word. An event's sender, and what state
// events say, is the homeserver's; of a sticky event that came encrypted, Author says which
// device's keys made it. What others wrote is bounded, as to its length and number.
//
// Fields are written for matrix-js-sdk 42 and 43, of which neither reads the other's sticky
// memberships, and read leniently, also in the form of the newest text of MSC4143.
package rtc
