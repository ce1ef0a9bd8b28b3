/**
 * Fetches segments for the tracks that want them: the most urgent first, a few at
 * once, and none that nobody wants any more.
 */

/** How many segments are fetched at once. The server reads ahead by itself. */
const atOnce = 3;

/** Waits after trouble that may pass, in seconds. */
const firstRetry = 0.3, lastRetry = 2.5;

export class Feed {
	/**
	 * @param {object} c
	 * @param {import("./api.js").API} c.api
	 * @param {import("./model.js").Recording} c.recording
	 * @param {(uid: string, i: number, parts: object[]) => void} c.give a track's media of segment index i, none if it sent nothing
	 * @param {(i: number, state: string, text: string) => void} c.fail segment index i can never be played
	 * @param {(text: string) => void} c.trouble what keeps the store from answering, "" when it answers again
	 */
	constructor(c) {
		Object.assign(this, c);
		this.flying = new Set(); // {i, uids, abort}
		this.retry = new Map(); // segment index to {at, wait}
		this.troubled = "";
		this.wants = [];
		this.urgent = new Set();
		this.timer = 0;
	}

	/**
	 * want says which segments are wanted for which tracks, the most urgent first.
	 * What is under way and not wanted any more is given up.
	 * @param {[number, Set<string>][]} wants by segment index
	 * @param {number} urgent so many of them are for this very moment: while any is not
	 *     here, no fetch of the others begins to compete with it
	 */
	want(wants, urgent = 0) {
		this.wants = wants;
		this.urgent = new Set(wants.slice(0, urgent).map(([i]) => i));
		for (const f of this.flying) {
			const now = wants.find(([i]) => i === f.i);
			if (!now || ![...f.uids].some((uid) => now[1].has(uid))) {
				this.flying.delete(f);
				f.abort.abort();
			}
		}
		this.#next();
	}

	/** close gives up all that is under way. */
	close() {
		this.want([]);
		clearTimeout(this.timer);
	}

	#next() {
		const now = performance.now() / 1000;
		clearTimeout(this.timer);
		for (const [i, wanted] of this.wants) {
			if (this.flying.size >= atOnce || this.urgent.size > 0 && !this.urgent.has(i)) return;
			const again = this.retry.get(i);
			if (again && again.at > now) {
				this.timer = setTimeout(() => this.#next(), (again.at - now) * 1000 + 5);
				continue;
			}
			const uids = new Set(wanted);
			for (const f of this.flying) if (f.i === i) f.uids.forEach((uid) => uids.delete(uid));
			if (uids.size > 0) this.#fetch(i, uids);
		}
	}

	async #fetch(i, uids) {
		const flight = { i, uids, abort: new AbortController() };
		this.flying.add(flight);
		let trouble;
		try {
			await this.api.segment(this.recording.id, this.recording.segments[i].number, [...uids], flight.abort.signal, (uid, parts) => {
				if (!this.flying.has(flight)) return;
				this.#took(i, uid);
				this.give(uid, i, parts);
			});
		} catch (err) {
			trouble = err;
		}
		if (!this.flying.delete(flight)) return; // given up
		if (!trouble) {
			this.retry.delete(i);
			this.#tell("");
			if (!this.wants.some(([j, rest]) => j === i && rest.size > 0)) this.urgent.delete(i);
		} else if (trouble.kind && trouble.kind !== "later") {
			this.retry.delete(i);
			this.wants = this.wants.filter(([j]) => j !== i);
			this.urgent.delete(i);
			this.fail(i, trouble.kind === "locked" ? "locked" : "failed", trouble.message);
		} else {
			const wait = Math.min(lastRetry, (this.retry.get(i)?.wait || firstRetry / 2) * 2);
			this.retry.set(i, { at: performance.now() / 1000 + wait, wait });
			this.#tell(trouble.message || "the recording's store does not answer");
		}
		this.#next();
	}

	/** A track that has a segment must not be fetched for again before it says what it wants next. */
	#took(i, uid) {
		this.wants = this.wants.map(([j, uids]) => {
			if (j !== i || !uids.has(uid)) return [j, uids];
			const rest = new Set(uids);
			rest.delete(uid);
			return [j, rest];
		});
	}

	#tell(text) {
		if (text === this.troubled) return;
		this.troubled = text;
		this.trouble(text);
	}
}
