import * as spans from "./spans.js";

/** Pauses no longer than this do not end a turn, and what is shorter than the least is none, in seconds. */
const pause = 2, least = 0.4;

/** Who is further into a turn goes back to its beginning first; so near to one is at it, in seconds. */
const into = 1.5, nearby = 0.05;

/** @typedef {{ t: number, person: import("./people.js").Person }} Turn when somebody begins to speak */

/**
 * turnsOf returns the turns of people, by time. Pure.
 * @param {import("./people.js").Person[]} people
 * @returns {Turn[]}
 */
export function turnsOf(people) {
	return people.flatMap((person) => spans.merge(person.speaking, pause).filter(([a, b]) => b - a >= least).map(([t]) => ({ t, person })))
		.sort((x, y) => x.t - y.t);
}

/**
 * turnFrom returns the next turn after a time, or the one before it; undefined if there
 * is none.
 * @param {Turn[]} turns
 * @param {number} t
 * @param {number} by less than 0 for the one before
 */
export function turnFrom(turns, t, by) {
	if (by >= 0) return turns.find((turn) => turn.t > t + nearby);
	const i = turns.findLastIndex((turn) => turn.t <= t + nearby);
	return turns[i]?.t < t - into ? turns[i] : turns[i - 1];
}
