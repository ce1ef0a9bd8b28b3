import { el } from "./dom.js";
import { locale, parts, say } from "./language.js";
import { enumerate } from "./text.js";
import { personNode } from "./words.js";

/** No meeting was recorded before this, in milliseconds: times before are none. */
const firstTime = 1e10;

/** @typedef {"failed"|"locked"|""} Wrong */

/**
 * wrongAt tells what is wrong with a moment, "" for nothing.
 * @param {import("../engine/recording.js").Recording} recording
 * @param {number} t
 * @returns {Wrong}
 */
export function wrongAt(recording, t) {
	/** @param {import("../engine/spans.js").Span} span */
	const holds = ([a, b]) => t >= a && t < b;
	if (recording.failed.some(holds)) return "failed";
	if (recording.locked.some(holds)) return "locked";
	return "";
}

/**
 * stateAt is that in words.
 * @param {import("../engine/recording.js").Recording} recording
 * @param {number} t
 */
export function stateAt(recording, t) {
	const wrong = wrongAt(recording, t);
	return wrong && say(wrong === "failed" ? "moment.failed" : "moment.locked");
}

/** How many speakers are named. */
const mostSpeakers = 3;

/**
 * speakersAt names who speaks at t, "" if nobody does.
 * @param {import("../engine/recording.js").Recording} recording
 * @param {number} t
 */
export function speakersAt(recording, t) {
	const people = recording.at(t).speaking.map((id) => recording.person(id)).filter((p) => p !== undefined);
	if (people.length === 0) return "";
	/** @type {(Node|string)[]} */
	const names = people.slice(0, mostSpeakers).map((p) => personNode(p, 40));
	if (people.length > mostSpeakers) names.push(say("nMore", { n: people.length - mostSpeakers }));
	/** @type {import("./language.js").Values<(Node|string)[]>} */
	const values = { names: enumerate(names), n: people.length };
	return el("span", { class: "speakers" }, parts("moment.speak", values).flat());
}

/**
 * wall is the time of day at t, where the recording tells when it began.
 * @param {import("../engine/recording.js").Recording} recording
 * @param {number} t
 */
export function wall(recording, t) {
	const start = recording.start?.getTime() ?? NaN;
	if (!(start > firstTime)) return "";
	const at = new Date(start + t * 1000).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
	return el("span", { class: "wall" }, at);
}
