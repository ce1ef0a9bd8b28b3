// Package member lets the members of a LiveKit room prove to one another who they
// are, and lets a recorder prove who it is and what it does, without relying on
// the server for any of it. keys/PROTOCOL.md specifies the protocol;
// keys/web/member.js implements it for browsers.
//
// A [Session] is one member in one room. It knows nothing of LiveKit: the caller
// has the connection, reports who joins and leaves and what arrives on [Topic],
// and sends what the Session returns. So it works with any LiveKit client.
//
//	s, err := member.New(member.Config{Room: "weekly", SID: sid, Keys: roomKeys, Identity: "ada", Key: id, Judge: home, Send: send, Notify: show})
//	go s.Run(ctx)
//	s.Joined("bot"); s.Receive("bot", packet) …
//
// A Session believes others in steps (see [Standing]). What the server says of a
// participant is a claim; a proof ties the participant to a card; and only a
// pinned card makes it a person. What does not fit is never repaired. It is
// reported as a named [Trouble].
//
// Until version 1 of this module, names and the meaning of zero values may change.
// The protocol may not: from the first release on, its version 1 stays what it is.
// Messages of another version would begin with another "sealtape.v".
package member
