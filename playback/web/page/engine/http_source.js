import { Splitter } from "./splitter.js";
import { Trouble } from "./source.js";

/** @type {Record<number, import("./source.js").TroubleKind>} by an answer's status */
const kinds = { 404: "gone", 409: "rolled-back", 412: "foreign", 422: "failed", 423: "locked" };

/**
 * HTTPSource asks the command that serves the page. Addresses are relative to this
 * module, so that the secret in the path is nowhere written down. It is a
 * {@link import("./source.js").Source}.
 */
export class HTTPSource {
	/** @param {URL|string} [base] the folder that api/ is in */
	constructor(base = new URL("../../", import.meta.url)) {
		this.base = new URL(base, import.meta.url);
	}

	/**
	 * recordings lists the library.
	 * @param {AbortSignal} [signal]
	 * @returns {Promise<import("./description.js").Entry[]>}
	 */
	async recordings(signal) {
		return (await this.#json("api/recordings", signal)).recordings || [];
	}

	/**
	 * @param {string} id
	 * @param {AbortSignal} [signal]
	 * @returns {Promise<import("./description.js").Description>}
	 */
	recording(id, signal) {
		return this.#json(`api/recordings/${encodeURIComponent(id)}`, signal);
	}

	/**
	 * @param {string} id
	 * @param {import("./source.js").Known} known
	 * @param {AbortSignal} signal
	 * @returns {Promise<import("./description.js").Description>}
	 */
	later(id, known, signal) {
		const query = new URLSearchParams({ wait: known.version, from: String(known.from), events: String(known.events) });
		return this.#json(`api/recordings/${encodeURIComponent(id)}?${query}`, signal);
	}

	/**
	 * meeting has the parts of a recording's meeting.
	 * @param {string} id
	 * @param {boolean} all looks in all of the library, however large it is
	 * @param {AbortSignal} [signal]
	 * @returns {Promise<import("./description.js").Meeting>}
	 */
	meeting(id, all, signal) {
		return this.#json(`api/recordings/${encodeURIComponent(id)}/meeting${all ? "?all" : ""}`, signal);
	}

	/** @type {import("./source.js").SegmentOf} */
	async segment(id, number, uids, signal, give) {
		const tracks = uids.map(encodeURIComponent).join(",");
		const answer = await this.#get(`api/recordings/${encodeURIComponent(id)}/segments/${number}?tracks=${tracks}`, signal);
		const splitter = new Splitter(), missing = new Set(uids);
		/** @type {import("./source.js").Part[]} */
		let parts = [];
		const giveParts = () => {
			if (parts.length > 0 && missing.delete(parts[0].track)) give(parts[0].track, parts);
			parts = [];
		};
		const reader = answer.body?.getReader();
		for (;;) {
			const chunk = reader && await body(reader.read(), signal);
			if (!chunk?.value) break;
			for (const part of splitter.push(chunk.value)) {
				if (part.track !== parts[0]?.track) giveParts();
				parts.push(part);
			}
		}
		splitter.end();
		giveParts();
		for (const uid of missing) give(uid, []);
	}

	/**
	 * @param {string} path
	 * @param {AbortSignal|null} [signal]
	 * @returns {Promise<any>}
	 */
	async #json(path, signal) {
		return body((await this.#get(path, signal)).json(), signal);
	}

	/**
	 * @param {string} path
	 * @param {AbortSignal|null} [signal]
	 */
	async #get(path, signal) {
		let answer;
		try {
			answer = await fetch(new URL(path, this.base), { signal, cache: "no-store", credentials: "omit", redirect: "error" });
		} catch (err) {
			if (signal?.aborted) throw err;
			throw new Trouble("later", "silent");
		}
		if (answer.ok) return answer;
		throw new Trouble(kinds[answer.status] || "later", answer.status === 503 ? "store" : "status");
	}
}

/**
 * body waits for an answer's bytes: one that breaks off is trouble like one that
 * never came.
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal|null} [signal]
 * @returns {Promise<T>}
 */
async function body(promise, signal) {
	try {
		return await promise;
	} catch (err) {
		if (signal?.aborted) throw err;
		throw new Trouble("later", "broken");
	}
}
