/** Live asks for what is new of a recording that goes on, until it does not. */
export class Live {
	/**
	 * @param {object} c
	 * @param {import("./model.js").Recording} c.recording
	 * @param {import("./api.js").API} c.api
	 * @param {() => void} c.grown the recording was updated
	 * @param {(text: string) => void} c.trouble
	 */
	constructor(c) {
		Object.assign(this, c);
		this.abort = new AbortController();
		if (this.recording.live) this.#run();
	}

	async #run() {
		const { signal } = this.abort;
		let wait = 1, told = false;
		while (this.recording.live && !signal.aborted) {
			const { version } = this.recording;
			try {
				const json = await this.api.later(this.recording.id, this.recording.known, signal);
				if (signal.aborted) return;
				wait = 1;
				told = false;
				if (json.version !== version) {
					this.recording.update(json);
					this.grown();
					continue;
				}
			} catch (err) {
				if (signal.aborted) return;
				if (!told) this.trouble(err.message);
				told = true;
				wait = Math.min(15, wait * 2);
			}
			// Also after an answer without news: an answer that comes at once must not
			// make this a busy loop.
			await new Promise((done) => setTimeout(done, wait * 1000));
		}
	}

	close() {
		this.abort.abort();
	}
}
