// Package bot records one meeting, from the room to the store. The bot joins as a
// member whom everybody sees. It says what it does and who can open the recording, and
// asks for consent if the Config says so. It seals what it receives to the readers, and
// keeps it on this machine's disk until every store has it. Then it reports how it went.
//
//	result, err := bot.Record(ctx, bot.Config{
//		Meeting:  livekitroom.Meeting(livekit.Config{URL: url, Room: "weekly", …}, roomKeys),
//		Home:     home,                              // whose cards are pinned
//		Identity: identity,                          // signs, and shows its card
//		Stores:   []bot.Store{{Store: store}},       // archive/dir, archive/s3, or one's own
//		Readers:  bot.CardReaders(card),             // can open all of it
//	})
//
// [Record] returns when the recording is over and stored. A Bot made by [New] also has
// [Bot.Status], [Bot.Pause] and [Bot.Resume]; package bot/metrics serves the status. The
// hooks of the [Config] get what people should be told. Its Log gets what a machine may
// keep, and names nobody at info level. [Sweep] finishes what a crash left.
//
// # What it keeps
//
// Nothing is kept before the room was told. A frame that does not open under the room's
// key is not written, and is declared as a hole. Without a reader there is no recording.
// No plaintext and no key of an epoch is ever on a disk. A verified member (package
// keys/member) can open what is recorded while they are in the room, unless the [Policy]
// says otherwise. Nothing more is sealed to a card that stops counting. When ctx ends,
// the bot still stores the end of the recording and all that waits. What a store does
// not take stays in the spool, sealed.
//
// # What a kind of room brings
//
// The bot knows no server. A kind of room is a small package with a function that
// returns a [Meeting]:
//
//   - Join, which returns a [Room]: packets and events, as package recorder has them, a
//     [recorder.Roster] of who is here, and ways to tell everybody something, to send
//     data messages, and to show attributes. It passes on what the [Presence] wants to
//     hear. The conformance tests of package recorder/roomtest are for it.
//   - Keys, a [recorder.KeyProvider]: what opens each participant's media.
//   - Server, where the room is; LeftOut, what the recorder does not ask
//     for; Notice, how long members see the first notice before anything is kept; and
//     GoesOn, whether a meeting may go on without its recorder.
//
// LiveKit is package bot/livekitroom, in some hundred lines. With a passphrase or a key
// file, its keys are there before the room is joined. Where members make the keys and
// hand them to those who may have them (keys/roomkeys), Meeting.RoomKeys are [RoomKeys],
// which the bot fills. A kind of room whose members hand out keys in a way of its own
// wraps Presence.Receive in Join, and puts what it learns into the rings of a
// [recorder.ParticipantKeys]: frames wait for their key (TestRecordMembersOwnKeys is
// such a kind of room). A Matrix room joins LiveKit for
// the media and keeps the Roster, the chat and Announce itself, by its members' events;
// its Keys are filled by Olm, and it has no data messages of its own. Who a person is
// comes from the member protocol in all of them, by Presence.Receive and Room.Send, and
// from Config.Members; a kind of room that vouches for people itself will need one more
// function in Presence.
//
// # Inside
//
//	meeting.go     the room's side of the seam       bot.go, run.go  a recording from start to end
//	membership.go  the member protocol               attendee.go     who is who
//	consent.go     who agreed                        policy.go       who is to be asked, kept, admitted
//	roomkeys.go    keys that members hand over       agreed.go       what they signed, for the timeline
//	readers.go     who reads all                     seats.go, look.go, epochs.go  who reads what is sealed now
//	notices.go     what the room is told             told.go         and of readers, as they change
//	sink.go        the archive as a recorder's sink  spool.go, copies.go, upload.go, sweep.go  to the stores
//	follows.go     one meeting, two recordings       status.go, backlog.go  how it goes
//
// Bot.record starts all workers beside a recording in one group. They end in the reverse
// order, and a comment gives the reason for the place of each.
//
// # Compatibility
//
// Until version 1 of this module, names, the meaning of zero values, and the words that
// a room is told may change. From the first release on, later versions read what this
// one records: see package archive.
package bot
