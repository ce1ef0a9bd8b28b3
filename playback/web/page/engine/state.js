import * as spans from "./spans.js";

/**
 * One word for what can be seen or heard of a track at a time. Pure.
 *
 * @typedef {"playing"|"paused"|"waiting"|"absent"|"muted"|"hole"|"locked"|"failed"|"unsupported"} StateWord
 *
 * @typedef {object} State
 * @property {StateWord} state
 * @property {string} reason of a hole, or what the browser said
 * @property {string} codec
 */

/**
 * stateOf returns the state of a track at t.
 * @param {import("./recording.js").Recording} recording
 * @param {string} uid
 * @param {number} t
 * @param {object} now
 * @param {boolean} now.there media for t is in the buffer
 * @param {boolean} now.covered all media that exists around t is in the buffer
 * @param {boolean} now.unsupported the browser has no decoder for the track
 * @param {string} now.broken the browser's error about the media at t; "": none
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
	// The frames around a hole end a little before it, and begin a little after it.
	const hole = recording.holes(uid).find((h) => h.from <= t + 0.05 && t < h.to + 0.05);
	if (hole && !muted) return is("hole", hole.reason);
	if (muted) return is("muted");
	if (now.broken) return is("unsupported", now.broken);
	if (!now.covered) return is("waiting");
	// Senders do not send silence. A picture without media lacks its key frame.
	return track.kind === "audio" ? is(now.paused ? "paused" : "playing") : is("hole", "key-frame");
}
