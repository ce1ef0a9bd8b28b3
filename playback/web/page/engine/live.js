import { Trouble } from "./source.js";

/** The longest wait after trouble, in seconds. */
const longestWait = 15;

/**
 * Live asks for what is new of a recording that goes on, until it does not, and for
 * transcripts, which nobody waited for.
 */
export class Live {
	#abort = new AbortController();
	#config;

	/**
	 * @param {object} config
	 * @param {import("./recording.js").Recording} config.recording
	 * @param {import("./source.js").Source} config.source
	 * @param {() => void} config.grown the recording was updated
	 * @param {(why: import("./source.js").Why) => void} config.trouble
	 */
	constructor(config) {
		this.#config = config;
		if (this.#more) this.#run();
	}

	get #more() {
		const { recording } = this.#config;
		return recording.live || recording.wordsLater;
	}

	async #run() {
		const { signal } = this.#abort, { recording, source, grown, trouble } = this.#config;
		let wait = 1, troubled = false;
		while (this.#more && !signal.aborted) {
			const { version } = recording;
			try {
				const news = await source.later(recording.id, recording.known, signal);
				if (signal.aborted) return;
				wait = 1;
				troubled = false;
				if (news.version !== version) {
					recording.update(news);
					grown();
					continue;
				}
			} catch (err) {
				if (signal.aborted) return;
				if (!troubled) trouble(err instanceof Trouble ? err.why : "broken");
				troubled = true;
				wait = Math.min(longestWait, wait * 2);
			}
			// Also after an answer without news: an answer that comes at once must not
			// make this a busy loop.
			await new Promise((done) => setTimeout(done, wait * 1000));
		}
	}

	close() {
		this.#abort.abort();
	}
}
