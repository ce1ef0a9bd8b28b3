/**
 * Where the player has its recordings from. It knows nothing of the way: a source
 * may ask a server, or open an archive by itself.
 *
 * @typedef {object} Source
 * @property {(id: string, signal?: AbortSignal) => Promise<import("./description.js").Description>} recording
 *     describes a recording
 * @property {(id: string, known: Known, signal: AbortSignal) => Promise<import("./description.js").Description>} later
 *     waits, half a minute at most, until the recording is another than the version
 *     known, and returns what is new
 * @property {SegmentOf} segment fetches a segment
 *
 * Each rejects with a Trouble, or with the signal's reason.
 *
 * @typedef {object} Known what is known of a recording: all that is before will not change
 * @property {string} version
 * @property {number} from the number of the first segment that may
 * @property {number} events how many events
 *
 * @callback SegmentOf fetches the media of tracks in one segment, and gives that of
 *     each as soon as it is there: no parts if the track sent nothing in it, several
 *     where its encoding changes
 * @param {string} id
 * @param {number} number
 * @param {string[]} uids
 * @param {AbortSignal|null} signal
 * @param {(uid: string, parts: Part[]) => void} give
 * @returns {Promise<void>}
 *
 * @typedef {object} Part the media of one track in one segment
 * @property {string} track UID
 * @property {string} mime
 * @property {number} from seconds
 * @property {number} to seconds
 * @property {Uint8Array<ArrayBuffer>} init
 * @property {string} initID changes when init does
 * @property {Uint8Array<ArrayBuffer>} media
 */

/** @typedef {"locked"|"failed"|"gone"|"rolled-back"|"foreign"|"later"} TroubleKind later: ask again; the others are final */

/**
 * @typedef {"store"|"silent"|"broken"|"foreign"|"status"|"click"|"expired"|"ended"|"refused"|"cors"|"clock"} Why what is waited for:
 *     the store does not answer; what serves the page does not; an answer broke off, is
 *     not of the kind asked for, or is a refusal; the browser wants a click before sound;
 *     what a link lets one read by has ended; what decrypts has; the store gives it to
 *     nobody, or to nobody who has this link; it answers, and does not let the page read that; this machine's clock and the store's are too far apart
 */

/** A Trouble is an answer that is none. kind says what to do about it. */
export class Trouble extends Error {
	/**
	 * @param {TroubleKind} kind
	 * @param {Why} [why] of trouble that may pass
	 */
	constructor(kind, why = "store") {
		super(kind === "later" ? why : kind);
		this.kind = kind;
		this.why = why;
	}
}
