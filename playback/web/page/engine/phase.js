/**
 * The phases of a player, and how one leads to another. Pure.
 *
 *   paused     stands where it is, and shows it
 *   gathering  is to play, and waits for what it needs
 *   playing    the clock runs
 *   starved    was playing and had to stop, as what it needs did not come in time
 *              or is not recorded yet
 *   ended      stands at the end
 *
 * @typedef {"paused"|"gathering"|"playing"|"starved"|"ended"} Phase
 *
 * @typedef {"play"|"pause"|"seek"|"start"|"starve"|"end"} Move the first three are
 *     asked for; the player starts when all is ready, starves when something is
 *     not, and ends where the recording does
 */

/** @type {Record<Phase, Partial<Record<Move, Phase>>>} */
export const moves = {
	paused: { play: "gathering", seek: "paused" },
	gathering: { pause: "paused", seek: "gathering", start: "playing", starve: "starved", end: "ended" },
	playing: { pause: "paused", seek: "gathering", starve: "starved", end: "ended" },
	starved: { pause: "paused", seek: "gathering", start: "playing", end: "ended" },
	ended: { play: "gathering", seek: "paused" },
};

/**
 * after returns the phase that a move leads to. A move that the phase does not
 * allow is a fault of the player, and throws.
 * @param {Phase} phase
 * @param {Move} move
 */
export function after(phase, move) {
	const to = moves[phase][move];
	if (!to) throw new Error(`the player cannot ${move} while ${phase}`);
	return to;
}
