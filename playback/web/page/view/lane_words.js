import { total, within } from "../engine/spans.js";
import { say } from "./language.js";
import { absence, identified, wanted } from "./terms.js";
import { called, enumerate, length, time } from "./text.js";

/** @typedef {import("./language.js").Key} Key */

/** How many of each are told one by one. */
const most = 4;

/** What is shorter is not told, in seconds. */
const least = 0.5;

/** @typedef {{ missing: Key, unrecorded: Key }} Sense */

/** @type {Record<string, Sense>} */
const senses = {
	microphone: { missing: "lane.sound.missing", unrecorded: "lane.sound.unrecorded" },
	screen: { missing: "lane.screen.missing", unrecorded: "lane.screen.unrecorded" },
};

/** @type {Sense} */
const picture = { missing: "lane.picture.missing", unrecorded: "lane.picture.unrecorded" };

/**
 * doing is what a person does at a moment, in a word or two.
 * @param {import("../engine/people.js").Person} p
 * @param {import("../engine/recording.js").Recording} r
 * @param {number} t
 */
export function doing(p, r, t) {
	for (const k of p.tracks) {
		const hole = r.holes(k.uid).find((h) => t >= h.from && t < h.to);
		if (!hole) continue;
		const sense = senses[k.source] ?? picture;
		return say(wanted(hole.reason) ? sense.unrecorded : sense.missing, { reason: absence(hole.reason).label });
	}
	if (!within(p.presence, t)) return say("lane.away");
	if (within(p.speaking, t)) return say("lane.speaking");
	const open = p.tracks.some((k) => k.source === "microphone" && within(k.life, t) && !within(k.muted, t));
	return say(open ? "lane.listening" : "lane.micOff");
}

/**
 * describe is a lane in words, for who does not see it.
 * @param {import("../engine/people.js").Person} p
 * @param {import("../engine/recording.js").Recording} r
 */
export function describe(p, r) {
	const parts = [`${called(p, 60)}, ${identified(p.how).label}`];
	if (p.presence.length) {
		const spans = p.presence.slice(0, most).map(([a, b]) => say("lane.span", { from: time(a), to: time(b) }));
		parts.push(say("lane.here", { spans: enumerate(spans).join("") }));
	}
	const spoke = total(p.speaking);
	parts.push(spoke >= least ? say("lane.spoke", { length: length(spoke) }) : say("lane.silent"));
	const holes = p.tracks.flatMap((k) => r.holes(k.uid)).filter((h) => h.to - h.from >= least && !wanted(h.reason)).sort((a, b) => a.from - b.from);
	if (holes.length) {
		const told = holes.slice(0, most).map((h) => say("lane.hole", {
			reason: absence(h.reason).label, time: time(h.from), length: length(h.to - h.from),
		}));
		parts.push(say(holes.length > most ? "lane.holesMore" : "lane.holes", { n: holes.length, list: told.join(", ") }));
	}
	return parts.join("; ");
}
