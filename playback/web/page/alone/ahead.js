/**
 * Objects that a recording is opened by, fetched before the program asks for them: it
 * takes its time to begin, and would ask for one after the other. What comes is checked
 * like everything else.
 *
 * @typedef {import("./store.js").Store} Store
 */

/** How long what is not asked for is kept, in milliseconds. */
const kept = 15_000;

/** An AheadStore is a store that has some objects of one recording on their way already. */
export class AheadStore {
	#store;
	/** @type {Map<string, ReturnType<Store["get"]>>} each is given once */
	#ahead = new Map();

	/**
	 * @param {Pick<Store, "get"|"list">} store
	 * @param {string} id of the recording that is about to be opened
	 * @param {boolean} first whether its first segment is played first
	 */
	constructor(store, id, first) {
		this.#store = store;
		const names = ["head", "log/0000", "epochs/000001.age", "index/000000.age", ...first ? ["segments/000000.age"] : []];
		for (const name of names) {
			const got = store.get(`${id}/${name}`);
			got.catch(() => {}); // who asks for it is told
			this.#ahead.set(`${id}/${name}`, got);
		}
		setTimeout(() => this.#ahead.clear(), kept);
	}

	/** @type {Store["get"]} */
	async get(name, options) {
		const ahead = this.#ahead.get(name);
		if (!ahead) return this.#store.get(name, options);
		this.#ahead.delete(name);
		const got = await ahead;
		options?.signal?.throwIfAborted();
		return options?.max !== undefined && got.bytes.length > options.max ? this.#store.get(name, options) : got;
	}

	/** @type {Store["list"]} */
	list(prefix, options) {
		return this.#store.list(prefix, options);
	}
}
