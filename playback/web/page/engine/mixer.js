/** A Mixer has the volume of each sound: that of all, and that of each person. */
export class Mixer {
	/** From 0 to 1. */
	#volume = 1;
	/** @type {Map<string, number>} from 0 to 1, by participant */
	#volumes = new Map();
	muted = false;

	get volume() { return this.#volume; }
	set volume(volume) { this.#volume = between0And1(volume); }

	/**
	 * setVolume sets how loud one person is, from 0 to 1.
	 * @param {string} participant
	 * @param {number} volume
	 */
	setVolume(participant, volume) {
		this.#volumes.set(participant, between0And1(volume));
	}

	/** @param {string} [participant] */
	volumeOf(participant) {
		return this.#volumes.get(participant ?? "") ?? 1;
	}

	/**
	 * heard returns how loud a person's sound is to be, from 0 to 1, but for whether it is muted.
	 * @param {string} [participant]
	 */
	heard(participant) {
		return this.#volume * this.volumeOf(participant);
	}
}

/** @param {number} volume */
function between0And1(volume) {
	return Math.min(1, Math.max(0, Number(volume) || 0));
}
