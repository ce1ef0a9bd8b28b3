import * as spans from "./spans.js";

/**
 * What can be seen or heard of a track at a time, in a word. Pure.
 *
 * @typedef {"playing"|"paused"|"waiting"|"absent"|"muted"|"hole"|"locked"|"failed"|"unsupported"} StateWord
 *
 * @typedef {object} State
 * @property {StateWord} state
 * @property {string} reason of a hole, or what the browser said
 * @property {string} codec
 */

/**
 * stateOf tells the state of a track at t.
 * @param {import("./recording.js").Recording} recording
 * @param {string} uid
 * @param {number} t
 * @param {object} now
 * @param {boolean} now.there its media for t is in the buffer
 * @param {boolean} now.covered so is all there can be of it
 * @param {boolean} now.unsupported the browser has no decoder for it
 * @param {string} now.broken what the browser said of the media at t, if it choked on it
 * @param {boolean} now.paused
 * @param {boolean} now.waiting
 * @returns {State}
 */
export function stateOf(recording, uid, t, now) {
	const track = recording.track(uid);
	/** @type {(state: StateWord, reason?: string) => State} */
	const is = (state, reason = "") => ({ state, reason, codec: track?.codec || "" });
	if (!track) return is("absent");
	const segment = recording.segments.list[recording.segments.at(t)];
	if (segment && t < segment.to) {
		if (segment.state === "locked") return is("locked");
		if (segment.state !== "readable") return is("failed", segment.state === "unlisted" ? "unlisted" : "");
	}
	if (!spans.within(track.life, t)) return is("absent");
	if (now.unsupported) return is("unsupported");
	const muted = spans.within(track.muted, t);
	if (now.there && !(muted && track.kind === "audio")) {
		return is(now.paused ? "paused" : now.waiting ? "waiting" : "playing");
	}
	// Frames end a little before a hole is declared, and begin a little after.
	const hole = recording.holes(uid).find((h) => h.from <= t + 0.05 && t < h.to + 0.05);
	if (hole && !muted) return is("hole", hole.reason);
	if (muted) return is("muted");
	if (now.broken) return is("unsupported", now.broken);
	if (!now.covered) return is("waiting");
	// Silence is not sent; a picture that is not there misses its key frame.
	return track.kind === "audio" ? is(now.paused ? "paused" : "playing") : is("hole", "key-frame");
}
