// Package bot records one meeting, from the room to the store: it joins as a member
// whom everybody sees, says what it does and who will be able to open the recording,
// asks for consent where it is to, seals what it receives to the readers, keeps it on
// this machine's disk until every store has it, and says how that went.
//
//	result, err := bot.Record(ctx, bot.Config{
//		Meeting:  livekitroom.Meeting(livekit.Config{URL: url, Room: "weekly", …}, roomKeys),
//		Home:     home,                              // whose cards are pinned
//		Identity: identity,                          // signs, and shows its card
//		Stores:   []bot.Store{{Store: store}},       // archive/dir, archive/s3, or one's own
//		Readers:  bot.CardReaders(card),             // can open all of it
//	})
//
// [Record] returns when the recording is over and stored. With [New], [Bot.Status],
// [Bot.Pause] and [Bot.Resume] work beside it; package bot/metrics mounts the status in
// a service. What people are to be told is for the hooks of the [Config], and what a
// machine may keep for its Log, which names nobody at info level. [Sweep] finishes what
// a crash left.
//
// # What it keeps
//
// Nothing is kept before the room was told. A frame that does not open under the room's
// key is not written, and declared as a hole. Without a reader there is no recording;
// no plaintext and no key of an epoch is on a disk. Who is verified (package
// keys/member) reads what is recorded while they are here, unless the [Policy] says
// otherwise; a card that stops counting is sealed to no more. When ctx ends, the end
// and the rest are still stored; what a store does not take stays, sealed, in the
// spool.
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
//   - what the room is called elsewhere (Server), what is not asked for (LeftOut), how
//     long members see the first notice before anything is kept (Notice), and whether a
//     meeting may go on without its recorder (GoesOn).
//
// LiveKit with a passphrase or a key file is package bot/livekitroom, in some hundred
// lines: its keys are there before the room is joined. Where members have keys of their
// own, and hand them to the recorder in data messages, Join wraps Presence.Receive to
// see those first, and puts what it learns into the rings of a
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
//	readers.go     who reads all                     seats.go, look.go, epochs.go  who reads what is sealed now
//	notices.go     what the room is told             told.go         and of readers, as they change
//	sink.go        the archive as a recorder's sink  spool.go, copies.go, upload.go, sweep.go  to the stores
//	follows.go     one meeting, two recordings       status.go, backlog.go  how it goes
//
// What goes on beside a recording is begun in one group, in Bot.record, and ends in the
// reverse order, each line with its reason.
//
// The names and zero values of this package may change until version 1; recordings
// stay readable, see archive/FORMAT.md.
package bot
