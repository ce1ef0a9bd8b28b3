/** How long the others wait for pictures that are not ready, and for sounds that are not, in seconds. */
const picturePatience = 0.8, soundPatience = 2.5;

/** How much media must be there before a player that ran out of it goes on, in seconds of real time. */
const stock = 1;

/** This near to the end, in seconds, no further media is expected. */
const beforeEnd = 0.05;

/**
 * @typedef {object} Gatherable what is known of a track
 * @property {"audio"|"video"} kind
 * @property {(t: number, rate: number) => boolean} prepare
 * @property {{ covered: (t: number) => boolean }} media
 */

/**
 * Gathering decides when tracks that stand still may begin: when all of them are
 * ready, or when the others have waited long enough.
 */
export class Gathering {
	/** @type {number|null} since when no sound has been missing, by the machine's time in seconds */
	#soundHereSince = null;

	/** restart forgets how long the tracks have waited: they are at another place now. */
	restart() {
		this.#soundHereSince = null;
	}

	/**
	 * look prepares all tracks for t. Returns those that are not ready, and whether the
	 * player may go on without them.
	 * @template {Gatherable} T
	 * @param {T[]} tracks
	 * @param {number} t
	 * @param {number} rate at which to play; 0: it is paused
	 * @param {number} now the machine's time in seconds
	 */
	look(tracks, t, rate, now) {
		const late = tracks.filter((p) => !p.prepare(t, rate));
		const sounds = late.filter((p) => p.kind === "audio");
		if (sounds.length > 0 && sounds.some((p) => !p.media.covered(t))) this.#soundHereSince = null;
		else this.#soundHereSince ??= now;
		const patience = sounds.length ? soundPatience : picturePatience;
		const waitedEnough = this.#soundHereSince !== null && now - this.#soundHereSince > patience;
		return { late, ready: late.length === 0 || waitedEnough };
	}
}

/**
 * stocked reports whether there is enough media at t to go on after the player ran out
 * of it.
 * @param {Gatherable[]} tracks
 * @param {{ duration: number, live: boolean }} recording
 * @param {number} t
 * @param {number} rate
 */
export function stocked(tracks, recording, t, rate) {
	if (recording.live && recording.duration < t + stock) return false;
	const to = Math.min(t + stock * rate, recording.duration - beforeEnd);
	return to <= t || tracks.every((p) => p.kind === "video" || p.media.covered(to));
}
