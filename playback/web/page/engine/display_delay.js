/**
 * How late pictures are to be seen on average: the half of a screen's frame. How late
 * they are until it is learnt, and at most. In seconds.
 */
const aim = 0.008, usual = 0.012, most = 0.06;

/** How much of what is new is learnt, and what is too far off to be learnt from, in seconds. */
const weight = 0.05, implausible = 0.15;

/**
 * A DisplayDelay learns from each picture how much later than its element says it is
 * seen: what comes after the decoder takes a frame of the screen or two.
 */
export class DisplayDelay {
	/** In seconds. */
	value = usual;
	#clockAt;
	#settled;
	#signal;

	/**
	 * @param {HTMLVideoElement} video
	 * @param {object} config
	 * @param {(now: number) => number} config.clockAt the recording time at a time of the machine, in seconds
	 * @param {() => boolean} config.settled whether it plays as it should, so that there is something to learn
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
