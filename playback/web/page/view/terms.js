import { say } from "./language.js";
import { line } from "./text.js";

/** @typedef {import("./language.js").Key} Key */
/** @typedef {[label: Key, text: Key]} Term in a few words, and in a sentence */

/** @type {Record<import("../engine/people.js").How, Term>} */
const identifications = {
	proved: ["how.proved", "how.proved.text"],
	matrix: ["how.matrix", "how.matrix.text"],
	operator: ["how.operator", "how.operator.text"],
	card: ["how.card", "how.card.text"],
	signed: ["how.signed", "how.signed.text"],
	claimed: ["how.claimed", "how.claimed.text"],
	unknown: ["how.unknown", "how.unknown.text"],
};

/**
 * identified tells how a person was identified: {label, text}.
 * @param {import("../engine/people.js").How} how
 */
export function identified(how) {
	const [label, text] = identifications[how] ?? identifications.unknown;
	return { label: say(label), text: say(text) };
}

/** @type {Record<string, Term>} by the reason of a hole */
const reasons = {
	"start": ["hole.start", "hole.start.text"],
	"loss": ["hole.loss", "hole.loss.text"],
	"no-key": ["hole.no-key", "hole.no-key.text"],
	"auth": ["hole.auth", "hole.auth.text"],
	"plaintext": ["hole.plaintext", "hole.plaintext.text"],
	"key-frame": ["hole.key-frame", "hole.key-frame.text"],
	"asleep": ["hole.asleep", "hole.asleep.text"],
	"reconnect": ["hole.reconnect", "hole.reconnect.text"],
	"bandwidth": ["hole.bandwidth", "hole.bandwidth.text"],
	"stranger": ["hole.stranger", "hole.stranger.text"],
	"codec": ["hole.codec", "hole.codec.text"],
	"format": ["hole.format", "hole.format.text"],
	"fault": ["hole.fault", "hole.fault.text"],
	"spool-full": ["hole.spool-full", "hole.spool-full.text"],
	"paused": ["hole.paused", "hole.paused.text"],
	"consent": ["hole.consent", "hole.consent.text"],
	"unverified": ["hole.unverified", "hole.unverified.text"],
};

/** Reasons that people wanted: nothing is missing. */
const wantedReasons = ["paused", "consent", "unverified"];

/**
 * wanted says whether people wanted a hole for the reason, so that the recording misses
 * nothing.
 * @param {string} [reason]
 */
export function wanted(reason) {
	return wantedReasons.includes(reason ?? "");
}

/**
 * quiet says whether a hole for the reason is no cause for alarm: people wanted it, or a
 * track has only begun.
 * @param {string} [reason]
 */
export function quiet(reason) {
	return wanted(reason) || reason === "start" || reason === "key-frame";
}

/**
 * absence tells why something is missing: {label, text}.
 * @param {string} [reason]
 */
export function absence(reason) {
	const known = reasons[reason ?? ""], named = line(reason, 60);
	if (known) return { label: say(known[0]), text: say(known[1]) };
	return { label: named || say("hole.other"), text: named ? say("hole.named.text", { reason: named }) : say("hole.other.text") };
}

/** @type {Record<string, { name: Key, the: Key }>} */
const sources = {
	"microphone": { name: "source.microphone", the: "the.microphone" },
	"camera": { name: "source.camera", the: "the.camera" },
	"screen": { name: "source.screen", the: "the.screen" },
	"screen-audio": { name: "source.screen-audio", the: "the.screen-audio" },
};

/**
 * source names what a track carries: by itself, and as what somebody turns on or off.
 * @param {string} [s]
 */
export function source(s) {
	const { name, the } = sources[s ?? ""] ?? /** @type {const} */ ({ name: "source.track", the: "the.track" });
	return { name: say(name), the: say(the) };
}

/** @type {Record<string, string>} names of their own, the same in all languages */
const codecs = { opus: "Opus", vp8: "VP8", vp9: "VP9", av1: "AV1", h264: "H.264", h265: "H.265 (HEVC)" };

/**
 * codec names an encoding as people know it.
 * @param {string} c
 */
export function codec(c) {
	return codecs[c] ?? (line(c, 24) || say("codec.unknown"));
}
