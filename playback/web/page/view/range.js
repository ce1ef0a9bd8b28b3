/** @typedef {import("../engine/spans.js").Span} Span */

/**
 * A Range is a part of the recording that was chosen, to be played, saved or linked to.
 * Where it ends playback pauses, once: whoever plays on means to.
 */
export class Range {
	/** @type {Span|null} */
	#span = null;
	/** Whether what is played is in it, and is to stop at its end. */
	#inside = false;
	#player;
	#changed = new EventTarget();

	/** @param {import("../engine/player.js").Player} player */
	constructor(player) {
		this.#player = player;
		player.on(["time"], () => this.#look());
	}

	/** Null for none. */
	get span() { return this.#span; }
	set span(span) {
		const { duration } = this.#player;
		this.#span = span && span[0] < Math.min(span[1], duration) ? [span[0], Math.min(span[1], duration)] : null;
		this.#inside = false;
		this.#look();
		this.#changed.dispatchEvent(new Event("change"));
	}

	/** It is there, and playback has not come to its end. */
	get playing() { return this.#inside; }

	/** play plays it from its beginning. */
	play() {
		if (!this.#span) return;
		this.#player.seek(this.#span[0]);
		this.#inside = true;
		this.#player.play();
	}

	/**
	 * onChange calls back when it is another one.
	 * @param {() => void} f
	 */
	onChange(f) {
		this.#changed.addEventListener("change", f);
	}

	#look() {
		if (!this.#span) return;
		const [from, to] = this.#span, { time, paused } = this.#player;
		if (time >= from && time < to) {
			this.#inside = true;
		} else {
			const ended = this.#inside && !paused && time >= to;
			this.#inside = false;
			if (!ended) return;
			this.#player.pause();
			this.#player.seek(to);
		}
	}
}
