/**
 * A Ticker calls back at a steady pace, also in a hidden tab, where the page's own timers
 * fire only once a second.
 */
export class Ticker {
	/** @type {Worker|null} */
	#worker = null;
	/** @type {ReturnType<typeof setInterval>|undefined} used if there can be no worker */
	#timer;
	/** In milliseconds; 0: it does not tick. */
	#pace = 0;
	#call;

	/** @param {() => void} call */
	constructor(call) {
		this.#call = call;
		try {
			this.#worker = new Worker(new URL("./ticker_worker.js", import.meta.url));
			this.#worker.onmessage = () => this.#call();
			this.#worker.onerror = () => this.#useTimer();
		} catch {
			// The page's own timer must do.
		}
	}

	/**
	 * every sets the pace, in milliseconds.
	 * @param {number} pace
	 */
	every(pace) {
		if (pace === this.#pace) return;
		this.#pace = pace;
		if (this.#worker) return this.#worker.postMessage(pace);
		clearInterval(this.#timer);
		this.#timer = setInterval(() => this.#call(), pace);
	}

	#useTimer() {
		const pace = this.#pace;
		this.close();
		if (pace) this.every(pace);
	}

	close() {
		clearInterval(this.#timer);
		this.#worker?.terminate();
		this.#worker = null;
		this.#pace = 0;
	}
}
