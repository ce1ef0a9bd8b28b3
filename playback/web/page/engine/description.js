/**
 * What a source tells of recordings, as JSON (describe.go and list.go). Types only.
 *
 * Names, titles and texts are what strangers chose.
 *
 * @typedef {object} Entry a recording in a list
 * @property {string} id
 * @property {"open"|"closed"|"cut"} state
 * @property {string} room
 * @property {string} title
 * @property {string} start RFC 3339, "" if not known
 * @property {number} duration seconds
 * @property {string[]} people
 * @property {string[]} signers
 * @property {"all"|"part"|"none"} access
 * @property {boolean} incomplete
 * @property {number} bytes
 * @property {boolean} [imported] it was made of files
 * @property {Finding|null} problem
 * @property {string[]} [parts] the recordings of the same meeting, in order
 * @property {number} [part] the number of this one among them, from 1
 * @property {number} [gap] seconds between the part before and this one; less than 0: they overlap
 * @property {string} [of] the recording of the main room, of a breakout room
 *
 * @typedef {object} Meeting what is known of the recordings of one meeting
 * @property {MeetingPart[]} parts in order; none if there is only one
 * @property {boolean} [before] it began in another recording, which is not here
 * @property {boolean} [partly] a later part was not looked for
 *
 * @typedef {object} MeetingPart
 * @property {string} id
 * @property {string} start of RFC 3339; "" if it is not known
 * @property {number} duration
 * @property {"all"|"part"|"none"|""} access
 * @property {number} [gap] seconds between the part before and this one; less than 0: they overlap
 * @property {boolean} [apart] told of by a link, and it does not count as a part, or does not open
 *
 * @typedef {object} Description a recording, or what is new of it
 * @property {string} version
 * @property {string} id
 * @property {"open"|"closed"|"cut"} state
 * @property {string[]} [signers]
 * @property {Finding|null} [distrust] why the signature does not count, null if it does
 * @property {string} [claimed] the words of the signer's key, if only a link says that it is the recorder's
 * @property {string} [shared_by] the key that shared it, if only a link says that it did
 * @property {boolean} [unlisted] the store lists nothing to who has the link
 * @property {boolean} [post_quantum]
 * @property {string} [resealed_from]
 * @property {Imported|null} [imported] how it was made of files, null if it was recorded in a room
 * @property {string} [command]
 * @property {string[]} [formats] what it can be saved as here, by the ends of files' names
 * @property {string} [room]
 * @property {string} [title]
 * @property {string} [start]
 * @property {number} [duration] seconds
 * @property {Epoch[]} [epochs]
 * @property {TrackEntry[]} [tracks]
 * @property {Hole[]} [holes]
 * @property {number} [wide_holes] how many holes of a second or more make it incomplete
 * @property {Problem[]} [problems]
 * @property {boolean} [member_keys] the members made the room's keys, and gave them if they agreed
 * @property {Agreement[]} [agreed] when they did
 * @property {Transcript[]} [words] attached transcripts, the newest first; only with all segments and events, and once when they came later
 * @property {boolean} [words_later] there may be some that are not there yet
 * @property {SegmentEntry[]} [segments] those asked for
 * @property {Event[]} [events] those asked for
 * @property {number} [events_total] how many events there are with those not asked for
 *
 * @typedef {{ by: string, at: string, files: string[] }} Imported at is RFC 3339, "" if not known
 *
 * @typedef {{ number: number, opens: boolean, first: number, last: number }} Epoch
 *
 * @typedef {{ segment: number, error: string }} Problem error is locked, failed, gone or later
 *
 * @typedef {object} Agreement a span in which a member agreed to be recorded, by what they signed
 * @property {string} participant
 * @property {number} from seconds
 * @property {number} to seconds
 * @property {string} by whose key signed it
 * @property {string[]} readers who could open the recording, as they were told
 *
 * @typedef {object} Transcript what was said, as a reader attached it
 * @property {string} file
 * @property {string} by
 * @property {string} time RFC 3339
 * @property {[from: number, to: number, who: string, text: string][]} cues by time, in seconds
 *
 * @typedef {object} Finding what is wrong with a recording as a whole
 * @property {string} code one of finding.go
 * @property {string} [who] whom it is about
 * @property {number} [count]
 *
 * @typedef {{ track: string, from: number, to: number, reason?: string }} Hole
 *
 * @typedef {[number: number, from: number, to: number, state: string, media: number[][]]} SegmentEntry
 *     state is r, l, f or u; media has an index into tracks and the times of key frames
 *
 * @typedef {"microphone"|"camera"|"screen"|"screen-audio"|"unknown"} MediaSourceName
 *
 * @typedef {object} TrackEntry
 * @property {string} uid
 * @property {string} [participant]
 * @property {string} [name]
 * @property {MediaSourceName} [source]
 * @property {string} codec
 * @property {string} [mime]
 * @property {number} [width]
 * @property {number} [height]
 * @property {number} [channels]
 * @property {number} [turned] by how many degrees clockwise its pictures are turned by who shows them
 *
 * @typedef {object} Event what happened, see archive/FORMAT.md, Timeline
 * @property {number} t seconds
 * @property {string} type
 * @property {string} [participant]
 * @property {string} [name]
 * @property {string} [by] who sent it, if that is not the participant
 * @property {string} [track] UID
 * @property {string} [text]
 * @property {string} [reason]
 * @property {number} [from] seconds
 * @property {number} [to] seconds
 * @property {number} [count]
 * @property {number} [size] bytes
 */
export {};
