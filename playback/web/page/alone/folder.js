/**
 * Recordings in a folder that the reader picked, as a store. Nothing of it is sent
 * anywhere, and nothing is written to it.
 */

/** The largest object that is read. A segment has some megabytes. */
const largest = 1 << 30;

/** What a name must look like, so that nothing else in the folder is taken for a recording's. */
const objectName = /^[0-9A-Z]{26}\/(head|log\/[0-9]{4}|(epochs|segments|index|shares)\/[0-9A-Z][0-9A-Za-z-]*\.age)$/;

/** @typedef {{ name: string, file: File }} Picked a file, and its path in what was picked */

/** A FolderStore has the objects among files. It is a store like FetchStore. */
export class FolderStore {
	/** @type {Map<string, File>} by the object's name */
	#files = new Map();

	/** @param {Iterable<Picked>} picked */
	constructor(picked) {
		for (const { name, file } of picked) {
			const object = nameOf(name);
			if (object) this.#files.set(object, file);
		}
	}

	/** recordings are the IDs of the recordings that are there. */
	get recordings() {
		return [...this.#files.keys()].filter((name) => name.endsWith("/head")).map((name) => name.slice(0, 26)).sort();
	}

	/**
	 * @param {string} name
	 * @param {{ signal?: AbortSignal }} [options]
	 * @returns {Promise<{ bytes: Uint8Array<ArrayBuffer>, digest: Uint8Array<ArrayBuffer> }>}
	 */
	async get(name, { signal } = {}) {
		const file = this.#files.get(name);
		if (!file) throw failure("absent");
		if (file.size > largest) throw failure("tooLarge");
		let buffer;
		try {
			buffer = await file.arrayBuffer();
		} catch (err) {
			// It has gone since, or another program holds it.
			throw failure(err instanceof DOMException && err.name === "NotFoundError" ? "absent" : "away");
		}
		const digest = await crypto.subtle.digest("SHA-256", buffer);
		signal?.throwIfAborted();
		return { bytes: new Uint8Array(buffer), digest: new Uint8Array(digest) };
	}

	/**
	 * @param {string} prefix
	 * @returns {Promise<string[]>}
	 */
	async list(prefix) {
		return [...this.#files.keys()].filter((name) => name.startsWith(prefix)).sort();
	}
}

/**
 * nameOf is the name of the object that a file is, by its path: in a recording's folder,
 * or one with several in it. "" if it is none.
 * @param {string} path
 */
export function nameOf(path) {
	const name = path.split("/").slice(path.endsWith("/head") ? -2 : -3).join("/");
	return objectName.test(name) ? name : "";
}

/** @param {"absent"|"away"|"tooLarge"} kind */
function failure(kind) {
	return Object.assign(new Error(kind), { kind });
}
