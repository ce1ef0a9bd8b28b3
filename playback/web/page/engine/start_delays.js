/** The weight of a new measurement, the longest that counts, and the one from which on it is ignored, in seconds. */
const weight = 0.25, mostLearnt = 0.5, implausible = 2;

/** @typedef {"start"|"join"|"seek"} Action all elements start; one starts while others play; one is moved */

/**
 * StartDelays are how long elements take until they play, or until they are where they
 * were moved, in seconds. They are measured while playing. The first sounds must start
 * the device, too; for those that join it runs already.
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
	 * learn takes into account how long an action took.
	 * @param {"audio"|"video"} kind
	 * @param {Action} action
	 * @param {number} took in seconds
	 */
	learn(kind, action, took) {
		if (!(took >= 0 && took < implausible)) return;
		this.#delays[kind][action] += (Math.min(took, mostLearnt) - this.#delays[kind][action]) * weight;
	}
}
