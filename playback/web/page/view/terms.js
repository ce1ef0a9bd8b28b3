import { line } from "./text.js";

/** @type {Record<import("../engine/people.js").How, { label: string, text: string }>} */
const identifications = {
	proved: {
		label: "Identity proved",
		text: "This member signed a membership proof with the key on their own card, and whoever recorded the meeting has pinned that card.",
	},
	operator: {
		label: "Vouched for by the operator",
		text: "Whoever ran the recorder said that this member is who the name says. No key of the member has proved it.",
	},
	card: {
		label: "Claimed, by a card nobody had pinned",
		text: "This member holds the key of a card, but whoever recorded the meeting had not pinned that card: the name is a claim.",
	},
	claimed: {
		label: "Unknown, named by the server",
		text: "The name is what the meeting’s server said. Nothing was proved, and nobody has checked it.",
	},
	unknown: {
		label: "Unknown",
		text: "What this key may open does not say who this is.",
	},
};

/**
 * identified tells how a person was identified: {label, text}.
 * @param {import("../engine/people.js").How} how
 */
export function identified(how) {
	return identifications[how] ?? identifications.unknown;
}

/** @type {Record<string, [label: string, text: string]>} by the reason of a hole */
const reasons = {
	"start": ["not yet received", "The first packets of this track took their time."],
	"loss": ["packets lost", "Packets never reached the recorder."],
	"no-key": ["key missing", "The recorder did not have the key for these frames."],
	"auth": ["not authentic", "These frames did not authenticate: a wrong key, or tampering. They were not recorded."],
	"plaintext": ["not encrypted", "This track came unencrypted into an encrypted meeting. It was refused."],
	"key-frame": ["waiting for a full picture", "After a hole the picture can only go on with a complete frame."],
	"asleep": ["recorder asleep", "The machine that recorded was suspended."],
	"reconnect": ["recorder away", "The recorder had lost its connection to the meeting."],
	"bandwidth": ["no bandwidth", "The meeting's server found no bandwidth to send this to the recorder."],
	"codec": ["codec not recorded", "This track came in a codec that the recorder does not record."],
	"format": ["fits no file", "A picture or frame was larger than what can be recorded."],
	"fault": ["not understood", "The recorder could not cope with what was sent here, and kept nothing more of this track."],
	"spool-full": ["disk full", "The recorder had no room left to write."],
	"paused": ["recording paused", "The recording was paused. Nothing was kept."],
	"consent": ["no consent", "They had not agreed to be recorded. Nothing was kept of them."],
	"unverified": ["not verified yet", "The recorder kept nothing of them before it knew who they are."],
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
	const g = reasons[reason ?? ""];
	if (g) return { label: g[0], text: g[1] };
	const r = line(reason, 60);
	return { label: r || "missing", text: r ? `Missing: ${r}.` : "This part is missing." };
}

/** @type {Record<string, string>} */
const sources = { "microphone": "microphone", "camera": "camera", "screen": "screen", "screen-audio": "sound of the screen" };

/**
 * source names what a track carries.
 * @param {string} s
 */
export function source(s) {
	return sources[s] ?? "track";
}

/** @type {Record<string, string>} */
const codecs = { opus: "Opus", vp8: "VP8", vp9: "VP9", av1: "AV1", h264: "H.264", h265: "H.265 (HEVC)" };

/**
 * codec names an encoding as people know it.
 * @param {string} c
 */
export function codec(c) {
	return codecs[c] ?? (line(c, 24) || "unknown codec");
}
