/**
 * What the page has, for the program in the worker: its store, the reader's keys, and
 * its memory of heads. Each is asked by a message, and the answer is bounded by who
 * gives it.
 *
 * @typedef {object} Keyring opens what is sealed to the reader, and lets no key out that
 *     opens more
 * @property {(id: string, epoch: number, files: Uint8Array<ArrayBuffer>[]) => Promise<string|null>} openEpoch
 *     returns the secret of an epoch; null if no key opens it
 * @property {(id: string, sealed: Uint8Array<ArrayBuffer>) => Promise<string|null>} openShare
 *     returns what is sealed in a share; null if no key opens it
 *
 * @typedef {object} Heads remembers the largest head seen of each recording, as text
 * @property {(id: string) => Promise<string|null>} load
 * @property {(id: string, seen: string|null, head: string) => Promise<boolean>} replace saves
 *     head if what is saved is still seen
 *
 * @typedef {object} Surroundings
 * @property {Pick<import("./store.js").Store, "get"|"list">} store
 * @property {Keyring} keyring
 * @property {Heads} heads
 */

/** A Host answers what one worker asks for. */
export class Host {
	#around;
	#reply;
	/** @type {Map<number, AbortController>} */
	#asked = new Map();
	/** @type {Map<number, (bytes: Uint8Array<ArrayBuffer>) => Promise<void>>} who writes exports, by question */
	writers = new Map();

	/**
	 * @param {Surroundings} around
	 * @param {(message: object, transfer: Transferable[]) => void} reply
	 */
	constructor(around, reply) {
		this.#around = around;
		this.#reply = reply;
	}

	/**
	 * answer answers one question.
	 * @param {{ request: number, what: string, detail: any, bytes: any }} question
	 */
	async answer({ request, what, detail, bytes }) {
		const abort = new AbortController();
		this.#asked.set(request, abort);
		try {
			const value = await this.#find(what, detail, bytes, abort.signal);
			this.#send({ reply: request, value }, what === "get" ? [value.bytes.buffer] : []);
		} catch (err) {
			const { kind = "away", message = "", why = "" } = /** @type {any} */ (err) ?? {};
			this.#send({ reply: request, error: { kind, message, why } }, []);
		} finally {
			this.#asked.delete(request);
		}
	}

	/** @param {number} request */
	cancel(request) {
		this.#asked.get(request)?.abort();
	}

	/** close gives up all that is asked for. */
	close() {
		this.#reply = () => {};
		for (const abort of this.#asked.values()) abort.abort();
	}

	/**
	 * @param {object} message
	 * @param {Transferable[]} transfer
	 */
	#send(message, transfer) {
		this.#reply(message, transfer);
	}

	/**
	 * @param {string} what
	 * @param {any} detail
	 * @param {any} bytes
	 * @param {AbortSignal} signal
	 * @returns {Promise<any>}
	 */
	async #find(what, detail, bytes, signal) {
		const { store, keyring, heads } = this.#around;
		switch (what) {
			case "get": return store.get(detail.name, { signal, max: detail.max });
			case "list": return JSON.stringify(await store.list(detail.prefix, { signal }));
			case "openEpoch": return keyring.openEpoch(detail.id, detail.epoch, bytes);
			case "openShare": return keyring.openShare(detail.id, bytes);
			case "loadHead": return heads.load(detail.id);
			case "replaceHead": return heads.replace(detail.id, detail.seen, detail.head);
			case "write": return this.writers.get(detail.n)?.(bytes);
		}
		throw new Error(`the program asks for ${what}`);
	}
}
