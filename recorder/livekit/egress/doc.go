// Package egress lets an application's recording button, made for LiveKit's Egress, make
// sealed recordings.
//
// A Front serves three methods of the Twirp service livekit.Egress that such applications
// call: StartRoomCompositeEgress, ListEgress and StopEgress. A start dispatches a recorder,
// a stop ends it, and a watcher keeps the room recorded meanwhile. It refuses all other
// methods. Tokens need the roomRecord grant, as for a LiveKit server.
//
// What it cannot give is a file. Where an application looks for one, it finds sealtape:ID, the
// recording's ID, and Details say what that is. So it refuses settings with keys to a store:
// whoever set them expects a file there, and a Front has no use for the keys. Which readers
// and which store there are, the policy of the room says, and no request.
//
// A Front keeps little: an egress's ID has the room in it, and how it goes is looked up on
// the server. Of what has ended, it knows for a day what it started itself.
package egress
