/**
 * In seconds: how late pictures should be seen on average, half a frame of the screen;
 * the delay that is assumed before one is learnt; and the largest delay.
 */
const aim = 0.008, usual = 0.012, most = 0.06;

/** The weight of a new measurement, and the delay from which on one is ignored, in seconds. */
const weight = 0.05, implausible = 0.15;

/**
 * A DisplayDelay measures how much later than the element's time a picture is seen. What
 * comes after the decoder takes one or two frames of the screen.
 */
export class DisplayDelay {
	/** The delay, in seconds. */
	value = usual;
	#clockAt;
	#settled;
	#signal;

	/**
	 * @param {HTMLVideoElement} video
	 * @param {object} config
	 * @param {(now: number) => number} config.clockAt the recording time at a time of the machine, in seconds
	 * @param {() => boolean} config.settled whether the element keeps to the clock, so that a measurement counts
	 * @param {AbortSignal} config.signal ends it
	 */
	constructor(video, { clockAt, settled, signal }) {
		this.#clockAt = clockAt;
		this.#settled = settled;
		this.#signal = signal;
		this.#watch(video);
	}

	/** @param {HTMLVideoElement} video */
	#watch(video) {
		video.requestVideoFrameCallback?.((_, shown) => {
			if (this.#signal.aborted) return;
			const late = this.#clockAt(shown.expectedDisplayTime / 1000) - shown.mediaTime;
			if (this.#settled() && Math.abs(late) < implausible) {
				this.value = Math.min(most, Math.max(0, this.value + (late - aim) * weight));
			}
			this.#watch(video);
		});
	}
}
