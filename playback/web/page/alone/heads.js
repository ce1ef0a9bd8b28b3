import { Drawer, Shelf } from "./keys_web.js";
import { keepsKeys } from "./place.js";

/**
 * Heads are the largest heads of recordings that this browser has seen. Whoever holds the
 * store can put back an older state, with its signatures: only this memory shows it. It is
 * the HeadMemory of package archive. All tabs share it.
 */
export class Heads {
	/** @type {any} */
	#shelf;

	/**
	 * @param {import("./place.js").Place} place where the page is from
	 * @param {any} [shelf]
	 */
	constructor(place, shelf) {
		this.#shelf = keepsKeys(place) ? shelf ?? new Shelf() : new Drawer();
	}

	/**
	 * load returns the text of the head saved last for a recording, null if there is none.
	 * @param {string} recording ID
	 * @returns {Promise<string|null>}
	 */
	async load(recording) {
		return await this.#shelf.get(nameOf(recording)) ?? null;
	}

	/**
	 * replace saves a head if the one saved for the recording is still seen, and says whether it
	 * was: so nobody overwrites what another tab saved meanwhile. It never goes back.
	 * @param {string} recording ID
	 * @param {string|null} seen null if none was saved
	 * @param {string} head
	 * @returns {Promise<boolean>}
	 */
	async replace(recording, seen, head) {
		const next = partsOf(head);
		if (next?.id !== recording) throw new Error("not a head of this recording");
		let fits = false;
		await this.#shelf.change(nameOf(recording), (/** @type {string|undefined} */ saved) => {
			fits = (saved ?? null) === seen;
			const before = saved === undefined ? null : partsOf(saved);
			if (fits && before && (next.size < before.size || before.final && saved !== head)) {
				throw new Error("a head that goes back");
			}
			return fits ? head : undefined;
		});
		return fits;
	}
}

/** @param {string} recording */
function nameOf(recording) {
	return `head/${recording}`;
}

/** @param {string} head the text that a recorder signs */
function partsOf(head) {
	const [, id, size, state] = /^sealtape\.v1\/([0-9A-Z]{26})\n([1-9][0-9]{0,6})\n[A-Za-z0-9+/]{43}=\nstate: (open|closed|cut)\n$/.exec(head) ?? [];
	return id ? { id, size: Number(size), final: state !== "open" } : null;
}
