// Package member lets the members of a LiveKit room prove to one another who they
// are, and a recorder prove who it is and what it does, without the server's word
// for any of it. keys/PROTOCOL.md is the protocol; keys/web/member.js speaks it in
// browsers.
//
// A [Session] is one member in one room. It knows nothing of LiveKit: whoever has
// the connection tells it who comes and goes and what arrives on [Topic], and
// sends what it wants sent. That works with any LiveKit client.
//
//	s, err := member.New(member.Config{Room: "weekly", SID: sid, Keys: roomKeys, Identity: "ada", Key: id, Judge: home, Send: send, Notify: show})
//	go s.Run(ctx)
//	s.Joined("bot"); s.Receive("bot", packet) …
//
// What others say is believed in steps, see [Standing]: what the server says of a
// participant is a claim; a proof ties the participant to a card; and only a card
// that someone pinned makes it a person. What does not fit is never repaired, but
// reported as a [Trouble] with a name.
package member
