/** How long pictures may keep the sound waiting, and a sound that does not get ready the others, in seconds. */
const picturePatience = 0.8, soundPatience = 2.5;

/** How much must be there to go on after it was not, in seconds of real time. */
const stock = 1;

/** Nothing can be wanted so near to the end, in seconds. */
const beforeEnd = 0.05;

/**
 * @typedef {object} Gatherable what is known of a track
 * @property {"audio"|"video"} kind
 * @property {(t: number, rate: number) => boolean} prepare
 * @property {{ covered: (t: number) => boolean }} media
 */

/**
 * Gathering decides when what stands still may begin: when all tracks are ready,
 * or have kept the others waiting for long enough.
 */
export class Gathering {
	/** @type {number|null} since when no sound has been missing, by the machine's time in seconds */
	#soundHereSince = null;

	/** restart begins anew, for another place. */
	restart() {
		this.#soundHereSince = null;
	}

	/**
	 * look gets all tracks ready for t. Returns those that are not, and whether it
	 * can go on without them.
	 * @template {Gatherable} T
	 * @param {T[]} tracks
	 * @param {number} t
	 * @param {number} rate at which to play, 0 if it is not to
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
 * stocked reports whether there is a little more than nothing at t, for who
 * stopped for want of media.
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
