import { total, within } from "../engine/spans.js";
import { absence, identified, wanted } from "./terms.js";
import { count, length, line, time } from "./text.js";

/** How many of each are told one by one. */
const most = 4;

/** What is shorter is not told, in seconds. */
const least = 0.5;

/** @type {Record<string, string>} */
const senses = { microphone: "sound", screen: "screen" };

/**
 * doing is what a person does at a moment, in a word or two.
 * @param {import("../engine/people.js").Person} p
 * @param {import("../engine/recording.js").Recording} r
 * @param {number} t
 */
export function doing(p, r, t) {
	for (const k of p.tracks) {
		const hole = r.holes(k.uid).find((h) => t >= h.from && t < h.to);
		if (hole) return `${senses[k.source] ?? "picture"} ${wanted(hole.reason) ? "not recorded" : "missing"}, ${absence(hole.reason).label}`;
	}
	if (!within(p.presence, t)) return "away";
	if (within(p.speaking, t)) return "speaking";
	const open = p.tracks.some((k) => k.source === "microphone" && within(k.life, t) && !within(k.muted, t));
	return open ? "listening" : "microphone off";
}

/**
 * describe is a lane in words, for who does not see it.
 * @param {import("../engine/people.js").Person} p
 * @param {import("../engine/recording.js").Recording} r
 */
export function describe(p, r) {
	const parts = [`${line(p.name || p.id, 60)}, ${identified(p.how).label.toLowerCase()}`];
	if (p.presence.length) {
		parts.push("here " + p.presence.slice(0, most).map(([a, b]) => `${time(a)} to ${time(b)}`).join(", "));
	}
	const spoke = total(p.speaking);
	parts.push(spoke >= least ? `spoke for ${length(spoke)}` : "did not speak");
	const holes = p.tracks.flatMap((k) => r.holes(k.uid)).filter((h) => h.to - h.from >= least && !wanted(h.reason)).sort((a, b) => a.from - b.from);
	if (holes.length) {
		const told = holes.slice(0, most).map((h) => `${absence(h.reason).label} at ${time(h.from)} for ${length(h.to - h.from)}`);
		parts.push(`${count(holes.length, "hole")}: ${told.join(", ")}${holes.length > most ? " and more" : ""}`);
	}
	return parts.join("; ");
}
