import { noMarks, proofs } from "./marks.js";
import * as spans from "./spans.js";

/**
 * @typedef {"proved"|"matrix"|"operator"|"card"|"signed"|"claimed"|"unknown"} How
 *
 * @typedef {object} Person
 * @property {string} id identity in the room, as its server said
 * @property {string} name
 * @property {How} how how the name is known in each stay, at the least; card: they
 *     hold the key of one that nobody had pinned
 * @property {[number, import("./marks.js").Proof][]} known from when on it is known how
 * @property {boolean} twin somebody else has the same name
 * @property {boolean} reader the name is among those who may read
 * @property {spans.Span[]} presence
 * @property {spans.Span[]} speaking
 * @property {import("./tracks_of.js").Track[]} tracks
 * @property {import("./description.js").Agreement[]} agreed when they agreed to be recorded, if members made the room's keys
 */

/**
 * peopleOf returns who was there or sent something, by when they came. Pure.
 * @param {import("./marks.js").Marks} marks
 * @param {import("./tracks_of.js").Track[]} tracks
 * @param {number} duration
 * @returns {Person[]}
 */
export function peopleOf(marks, tracks, duration) {
	const ids = new Set(marks.people.keys());
	for (const t of tracks) if (t.participant) ids.add(t.participant);
	const people = [...ids].map((id) => personOf(id, marks, tracks.filter((t) => t.participant === id), duration));
	const there = people.filter((p) => p.presence.length || p.tracks.length);
	/** @type {Map<string, Person>} */
	const first = new Map();
	for (const p of there) {
		const called = p.name || p.id, other = first.get(called);
		if (other) other.twin = p.twin = true;
		else first.set(called, p);
	}
	return there.sort((x, y) => (x.presence[0]?.[0] ?? 0) - (y.presence[0]?.[0] ?? 0));
}

/**
 * @param {string} id
 * @param {import("./marks.js").Marks} marks
 * @param {import("./tracks_of.js").Track[]} tracks
 * @param {number} duration
 * @returns {Person}
 */
function personOf(id, marks, tracks, duration) {
	const m = marks.people.get(id) || noMarks();
	const name = m.verified || m.name || tracks.find((t) => t.name)?.name || "";
	// Somebody who sends is there, whatever the timeline lacks.
	const presence = spans.lasting(m.presence, 0, duration).concat(...tracks.map((t) => t.life));
	const least = proofs[Math.min(...m.stays.map((how) => proofs.indexOf(how)))];
	return {
		id, name, how: least || (name ? "claimed" : "unknown"), known: m.known,
		twin: false, reader: !!m.verified && marks.readers.has(m.verified),
		presence: spans.merge(presence, 0.25), speaking: spans.merge(m.speaking), tracks, agreed: [],
	};
}
