/**
 * Objects that a recording is opened by, fetched before the program asks for them: it
 * takes its time to begin, and would ask for one after the other. A link tells enough to
 * know their names. What comes is checked like everything else.
 *
 * @typedef {import("./store.js").Store} Store
 *
 * @typedef {object} Known what a link says of the recording
 * @property {string} recording ID
 * @property {number} size how many lines its log has at least
 * @property {string} share the random part of a share's name, "" for none
 * @property {number} from where it is to be played from, in seconds
 */

/** How long what is not asked for is kept, in milliseconds. */
const kept = 15_000;

/** Lines of a log file, and segments that an index is of, as recorders make them. */
const logLines = 1024, indexed = 64;

/** The most log files and the most indexes that are fetched ahead. */
const mostLogs = 4, mostIndexes = 4;

/** An AheadStore is a store that has some objects of one recording on their way already. */
export class AheadStore {
	#store;
	/** @type {Map<string, ReturnType<Store["get"]>>} */
	#ahead = new Map();

	/**
	 * @param {Pick<Store, "get"|"list">} store
	 * @param {Known} known of the recording that is about to be opened
	 */
	constructor(store, known) {
		this.#store = store;
		for (const name of namesOf(known)) {
			const got = store.get(`${known.recording}/${name}`);
			got.catch(() => {}); // who asks for it is told
			this.#ahead.set(`${known.recording}/${name}`, got);
		}
		setTimeout(() => this.#ahead.clear(), kept);
	}

	/** @type {Store["get"]} */
	async get(name, options) {
		const ahead = this.#ahead.get(name), again = /\/(epochs|index|shares)\//.test(name);
		if (!ahead) return this.#store.get(name, options);
		// What is small and never another is asked for by several.
		if (!again) this.#ahead.delete(name);
		const got = await ahead;
		options?.signal?.throwIfAborted();
		if (options?.max !== undefined && got.bytes.length > options.max) return this.#store.get(name, options);
		return again ? { ...got, bytes: got.bytes.slice() } : got; // who gets them gives them away
	}

	/** @type {Store["list"]} */
	list(prefix, options) {
		return this.#store.list(prefix, options);
	}
}

/**
 * namesOf are the objects to fetch, those that others wait for first: a browser has six on
 * their way at once.
 * @param {Known} known
 */
function namesOf({ size, share, from }) {
	/** @type {(folder: string, digits: number, ending: string, n: number) => string[]} */
	const numbered = (folder, digits, ending, n) => Array.from({ length: n }, (_, i) => `${folder}/${String(i).padStart(digits, "0")}${ending}`);
	const logs = numbered("log", 4, "", Math.min(mostLogs, Math.max(1, Math.ceil(size / logLines))));
	const indexes = numbered("index", 6, ".age", Math.min(mostIndexes, Math.max(1, Math.ceil((size - 1) / (indexed + 1)))));
	return ["head", logs[0], "epochs/000001.age", ...share ? [`shares/${share}.age`] : [], indexes[0],
		...from === 0 ? ["segments/000000.age"] : [], ...logs.slice(1), ...indexes.slice(1)];
}
