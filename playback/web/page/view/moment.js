import { el } from "./dom.js";

/** No meeting was recorded before this, in milliseconds: times before are none. */
const firstTime = 1e10;

/**
 * stateAt tells what is wrong with a moment, for people; "" for nothing.
 * @param {import("../engine/recording.js").Recording} recording
 * @param {number} t
 */
export function stateAt(recording, t) {
	/** @param {import("../engine/spans.js").Span} span */
	const holds = ([a, b]) => t >= a && t < b;
	if (recording.failed.some(holds)) return "Failed verification";
	if (recording.locked.some(holds)) return "Locked";
	return "";
}

/**
 * wall is the time of day at t, where the recording tells when it began.
 * @param {import("../engine/recording.js").Recording} recording
 * @param {number} t
 */
export function wall(recording, t) {
	const start = recording.start?.getTime() ?? NaN;
	if (!(start > firstTime)) return "";
	const at = new Date(start + t * 1000).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
	return el("span", { class: "wall" }, at);
}
