/**
 * Ticker calls back at a steady pace, also in a tab that is not seen, where the
 * page's own timers come once a second.
 */
export class Ticker {
	/** @param {() => void} f */
	constructor(f) {
		this.f = f;
		this.pace = 0;
		try {
			this.worker = new Worker(new URL("./ticker.js", import.meta.url));
			this.worker.onmessage = () => this.f();
			this.worker.onerror = () => this.#alone();
		} catch {
			this.worker = null;
		}
	}

	/** every sets the pace, in milliseconds. */
	every(pace) {
		if (pace === this.pace) return;
		this.pace = pace;
		if (this.worker) return this.worker.postMessage(pace);
		clearInterval(this.timer);
		this.timer = setInterval(() => this.f(), pace);
	}

	/** Without a worker the page's own timer must do. */
	#alone() {
		this.worker?.terminate();
		this.worker = null;
		const { pace } = this;
		this.pace = 0;
		if (pace) this.every(pace);
	}

	close() {
		clearInterval(this.timer);
		this.worker?.terminate();
		this.worker = null;
		this.pace = 0;
	}
}
