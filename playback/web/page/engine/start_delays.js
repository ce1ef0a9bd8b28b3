/** How much of what is new is learnt, and what is too long to be learnt from, in seconds. */
const weight = 0.25, mostLearnt = 0.5, implausible = 2;

/** @typedef {"start"|"join"|"seek"} Action all begin; one begins while others play; an element is put somewhere */

/**
 * StartDelays are what it takes elements until they play or are where they were put,
 * in seconds, learnt while playing. The first sounds start the device as well; those
 * that join have it running.
 */
export class StartDelays {
	/** @type {Record<"audio"|"video", Record<Action, number>>} */
	#delays = { audio: { start: 0.06, join: 0.06, seek: 0.08 }, video: { start: 0.01, join: 0.01, seek: 0.15 } };

	/**
	 * @param {"audio"|"video"} kind
	 * @param {Action} action
	 */
	of(kind, action) {
		return this.#delays[kind][action];
	}

	/**
	 * learn takes what an action took.
	 * @param {"audio"|"video"} kind
	 * @param {Action} action
	 * @param {number} took in seconds
	 */
	learn(kind, action, took) {
		if (!(took >= 0 && took < implausible)) return;
		this.#delays[kind][action] += (Math.min(took, mostLearnt) - this.#delays[kind][action]) * weight;
	}
}
