import { Trouble } from "./source.js";

/** How many segments are fetched at once. The server reads ahead by itself. */
const atOnce = 3;

/** Waits after trouble that may pass, in seconds. */
const firstRetry = 0.3, lastRetry = 2.5;

/**
 * @typedef {[index: number, uids: Set<string>]} Want a segment, and the tracks whose media are wanted of it
 *
 * @typedef {{ index: number, uids: Set<string>, abort: AbortController }} Flight
 */

/**
 * A Fetcher fetches segments for the tracks that want them: the most urgent first,
 * a few at once, and none that nobody wants any more.
 */
export class Fetcher {
	/** @type {Set<Flight>} */
	#flying = new Set();
	/** @type {Map<number, { at: number, wait: number }>} when to try again, by segment index */
	#retry = new Map();
	/** @type {import("./source.js").Why|""} what keeps the source from answering */
	#trouble = "";
	/** @type {Want[]} */
	#wants = [];
	/** @type {Set<number>} segment indexes */
	#urgent = new Set();
	/** @type {ReturnType<typeof setTimeout>|undefined} */
	#timer;
	#config;

	/**
	 * @param {object} config
	 * @param {import("./source.js").Source} config.source
	 * @param {{ id: string, segments: { list: { number: number }[] } }} config.recording
	 * @param {(uid: string, i: number, parts: import("./source.js").Part[]) => void} config.give
	 *     a track's media of segment index i, none if it sent nothing
	 * @param {(i: number, state: "locked"|"failed") => void} config.fail
	 *     segment index i can never be played
	 * @param {(why: import("./source.js").Why|"") => void} config.trouble what keeps the
	 *     source from answering, "" when it answers again
	 */
	constructor(config) {
		this.#config = config;
	}

	/**
	 * want says which segments are wanted for which tracks, the most urgent first.
	 * What is under way and not wanted any more is given up.
	 * @param {Want[]} wants
	 * @param {number} [urgent] so many of them are for this very moment: while any is not
	 *     here, no fetch of the others begins to compete with it
	 */
	want(wants, urgent = 0) {
		this.#wants = wants;
		this.#urgent = new Set(wants.slice(0, urgent).map(([i]) => i));
		for (const f of this.#flying) {
			const now = wants.find(([i]) => i === f.index);
			if (!now || ![...f.uids].some((uid) => now[1].has(uid))) {
				this.#flying.delete(f);
				f.abort.abort();
			}
		}
		this.#next();
	}

	/** close gives up all that is under way. */
	close() {
		this.want([]);
		clearTimeout(this.#timer);
	}

	#next() {
		const now = performance.now() / 1000;
		clearTimeout(this.#timer);
		for (const [i, wanted] of this.#wants) {
			if (this.#flying.size >= atOnce || this.#urgent.size > 0 && !this.#urgent.has(i)) return;
			const again = this.#retry.get(i);
			if (again && again.at > now) {
				this.#timer = setTimeout(() => this.#next(), (again.at - now) * 1000 + 5);
				continue;
			}
			const uids = new Set(wanted);
			for (const f of this.#flying) if (f.index === i) f.uids.forEach((uid) => uids.delete(uid));
			if (uids.size > 0) this.#fetch(i, uids);
		}
	}

	/**
	 * @param {number} index
	 * @param {Set<string>} uids
	 */
	async #fetch(index, uids) {
		const { source, recording, give } = this.#config;
		const flight = { index, uids, abort: new AbortController() };
		this.#flying.add(flight);
		let trouble;
		try {
			const { number } = recording.segments.list[index];
			await source.segment(recording.id, number, [...uids], flight.abort.signal, (uid, parts) => {
				if (!this.#flying.has(flight)) return;
				this.#took(index, uid);
				give(uid, index, parts);
			});
		} catch (err) {
			trouble = err instanceof Trouble ? err : new Trouble("later", "broken");
		}
		if (!this.#flying.delete(flight)) return; // given up
		if (!trouble) this.#succeeded(index);
		else if (trouble.kind !== "later") this.#failed(index, trouble);
		else this.#retryLater(index, trouble);
		this.#next();
	}

	/** @param {number} index */
	#succeeded(index) {
		this.#retry.delete(index);
		this.#report("");
		if (!this.#wants.some(([i, rest]) => i === index && rest.size > 0)) this.#urgent.delete(index);
	}

	/**
	 * @param {number} index
	 * @param {Trouble} trouble
	 */
	#failed(index, trouble) {
		this.#retry.delete(index);
		this.#wants = this.#wants.filter(([i]) => i !== index);
		this.#urgent.delete(index);
		this.#config.fail(index, trouble.kind === "locked" ? "locked" : "failed");
	}

	/**
	 * @param {number} index
	 * @param {Trouble} trouble
	 */
	#retryLater(index, trouble) {
		const wait = Math.min(lastRetry, (this.#retry.get(index)?.wait || firstRetry / 2) * 2);
		this.#retry.set(index, { at: performance.now() / 1000 + wait, wait });
		this.#report(trouble.why);
	}

	/**
	 * A track that has a segment must not be fetched for again before it says what it
	 * wants next.
	 * @param {number} index
	 * @param {string} uid
	 */
	#took(index, uid) {
		this.#wants = this.#wants.map(([i, uids]) => {
			if (i !== index || !uids.has(uid)) return [i, uids];
			const rest = new Set(uids);
			rest.delete(uid);
			return [i, rest];
		});
	}

	/** @param {import("./source.js").Why|""} why */
	#report(why) {
		if (why === this.#trouble) return;
		this.#trouble = why;
		this.#config.trouble(why);
	}
}
